//! Live counters and the permit that every admitted call holds.
