//! Slows down password guessing: so many failures per account and per address within a window, then a wait.
//!
//! Lives in memory, bounded: when full, the tenth that began longest ago goes first.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use ahash::AHashMap;

const WINDOW_MS: i64 = 15 * 60 * 1_000;
const PER_ACCOUNT: u32 = 10;
const PER_ADDRESS: u32 = 30;
const ENTRIES: usize = 10_000;

/// Counts failed log-ins. Shared by all serving threads; the lock is held for a map access only.
#[derive(Debug, Default)]
pub struct LoginThrottle {
    failures: Mutex<AHashMap<Subject, Failures>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Subject {
    Account(String),
    Address(IpAddr),
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    window_ends_ms: i64,
}

impl LoginThrottle {
    /// How many seconds to wait before another attempt is looked at; none where one may be made now.
    pub fn wait_s(&self, account: &str, address: IpAddr, now_ms: i64) -> Option<i64> {
        let map = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        subjects(account, address)
            .iter()
            .filter_map(|(subject, bound)| {
                let entry = map.get(subject)?;
                let left = entry.window_ends_ms.saturating_sub(now_ms);
                (entry.count >= *bound && left > 0).then_some((left + 999) / 1_000)
            })
            .max()
    }

    /// Notes a failure.
    pub fn failed(&self, account: &str, address: IpAddr, now_ms: i64) {
        let mut map = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        for (subject, _) in subjects(account, address) {
            make_room(&mut map, now_ms);
            let entry = map.entry(subject).or_insert(Failures {
                count: 0,
                window_ends_ms: 0,
            });
            if entry.window_ends_ms <= now_ms {
                *entry = Failures {
                    count: 0,
                    window_ends_ms: now_ms.saturating_add(WINDOW_MS),
                };
            }
            entry.count = entry.count.saturating_add(1);
        }
    }

    /// A success clears the account; the address keeps its count, since many accounts may be tried from it.
    pub fn succeeded(&self, account: &str) {
        let mut map = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        map.remove(&Subject::Account(folded(account)));
    }
}

fn subjects(account: &str, address: IpAddr) -> [(Subject, u32); 2] {
    [
        (Subject::Account(folded(account)), PER_ACCOUNT),
        (Subject::Address(network(address)), PER_ADDRESS),
    ]
}

/// Accounts are told apart as people type them, bounded so that a long name costs no memory.
fn folded(account: &str) -> String {
    account.trim().to_lowercase().chars().take(100).collect()
}

/// A whole /64 counts as one IPv6 address: that is what one customer has.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => {
            let kept = u128::from(v6) & (u128::MAX << 64);
            IpAddr::V6(kept.into())
        }
    }
}

fn make_room(map: &mut AHashMap<Subject, Failures>, now_ms: i64) {
    if map.len() < ENTRIES {
        return;
    }
    map.retain(|_, entry| entry.window_ends_ms > now_ms);
    if map.len() >= ENTRIES {
        // A tenth at once, so that a flood does not pay for a scan with every failure.
        let mut ends: Vec<i64> = map.values().map(|entry| entry.window_ends_ms).collect();
        let (_, oldest, _) = ends.select_nth_unstable(ENTRIES / 10);
        let oldest = *oldest;
        map.retain(|_, entry| entry.window_ends_ms > oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(last: u16) -> IpAddr {
        let [high, low] = last.to_be_bytes();
        IpAddr::from([192, 0, high, low])
    }

    #[test]
    fn an_account_is_slowed_whoever_asks_and_opens_again() {
        let throttle = LoginThrottle::default();
        for at in 0..PER_ACCOUNT {
            assert_eq!(throttle.wait_s("Root", ip(1), 0), None, "{at}");
            throttle.failed("root ", ip(2), 0);
        }
        assert_eq!(throttle.wait_s("root", ip(9), 0), Some(900));
        assert_eq!(throttle.wait_s("other", ip(9), 0), None);
        assert_eq!(throttle.wait_s("root", ip(9), WINDOW_MS), None);
    }

    #[test]
    fn an_address_is_slowed_whatever_account_it_tries() {
        let throttle = LoginThrottle::default();
        for at in 0..PER_ADDRESS {
            throttle.failed(&format!("user{at}"), ip(1), 0);
        }
        assert!(throttle.wait_s("fresh", ip(1), 1).is_some());
        throttle.succeeded("fresh");
        assert!(throttle.wait_s("fresh", ip(1), 1).is_some());
        assert!(throttle.wait_s("fresh", ip(2), 1).is_none());
    }

    #[test]
    fn memory_is_bounded() {
        let throttle = LoginThrottle::default();
        for at in 0..u16::try_from(ENTRIES).unwrap() {
            throttle.failed(&format!("user{at}"), ip(at), i64::from(at));
        }
        assert!(throttle.failures.lock().unwrap().len() <= ENTRIES);
    }
}
