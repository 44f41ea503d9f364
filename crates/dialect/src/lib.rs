//! Wire formats: pure functions and state machines over bytes. No I/O, no async, no clock.
