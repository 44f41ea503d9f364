//! What several instances share through Redis or Valkey: how much of each limit is used, and which vendors rest.
//!
//! Every call to Redis is bounded, and one that fails opens a circuit: until a probe succeeds nobody waits for Redis
//! again, and admission and routing go by what this instance knows. Knows nothing of HTTP or of the database.

mod board;
mod limits;
mod link;
mod rests;

pub use board::{Posted, RedisBoard};
pub use link::answers;

#[cfg(test)]
mod limits_tests;
#[cfg(test)]
#[path = "../../tests/support/redis.rs"]
mod testing;
