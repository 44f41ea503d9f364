//! Composition root: builds the state, starts the server, drains on the way out.
