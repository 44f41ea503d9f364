//! Slows down password guessing without giving anybody a way to shut somebody else out.
//!
//! Every try is counted before the password is looked at, so that many at once are many. One account from one address:
//! ten wrong tries, then a wait. One address, whatever it tries: thirty, then one every ten seconds. One account from
//! everywhere: a hundred, then every try takes three seconds longer. API keys cannot be guessed; a right one is never
//! refused, and wrong ones are only counted. Lives in memory, bounded: when full, the tenth that began longest ago goes
//! first.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ahash::AHashMap;
use tokio::sync::{Semaphore, SemaphorePermit};

const WINDOW_MS: i64 = 15 * 60 * 1_000;
/// Wrong passwords of one account from one address.
const PER_PAIR: u32 = 10;
/// Wrong passwords from one address.
const PER_ADDRESS: u32 = 30;
/// Wrong passwords of one account from everywhere.
const PER_ACCOUNT: u32 = 100;
/// Wrong keys from one address.
const KEYS_PER_ADDRESS: u32 = 30;
/// An address with too many failures may try this often.
const STEP_MS: i64 = 10_000;
/// What a try takes longer for an account that is tried from everywhere.
pub(super) const SLOWED: Duration = Duration::from_secs(3);
const ENTRIES: usize = 10_000;
/// Passwords that are looked at together: each takes a core for as long as its hash does.
const AT_ONCE: usize = 2;
/// How long a try waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// Counts failed log-ins. Shared by all serving threads; the lock is held for a map access only.
#[derive(Debug)]
pub struct LoginThrottle {
    failures: Mutex<AHashMap<Subject, Failures>>,
    turns: Semaphore,
}

impl Default for LoginThrottle {
    fn default() -> Self {
        Self {
            failures: Mutex::default(),
            turns: Semaphore::new(AT_ONCE),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Subject {
    Account(String),
    Pair(String, IpAddr),
    Address(IpAddr),
    Keys(IpAddr),
}

#[derive(Clone, Copy, Debug, Default)]
struct Failures {
    count: u32,
    last_ms: i64,
    window_ends_ms: i64,
}

/// A try that may be made, and is counted as a failure until it succeeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Try {
    /// Whether it has to wait [`SLOWED`] first.
    pub(super) is_slowed: bool,
    /// Whether it is the one that brings a count to its bound, if it fails.
    pub(super) is_last: bool,
}

impl LoginThrottle {
    /// Counts a try of a password, or says how many seconds to wait before another is looked at.
    pub(super) fn begin(&self, account: &str, address: IpAddr, now_ms: i64) -> Result<Try, i64> {
        let mut map = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let [of_pair, from_address, of_account] = subjects(account, address);
        if let Some(wait_s) = wait_s(&map, &of_pair, &from_address, now_ms) {
            return Err(wait_s);
        }
        let all = count(&mut map, of_account, now_ms);
        let pair = count(&mut map, of_pair, now_ms);
        let address = count(&mut map, from_address, now_ms);
        Ok(Try {
            is_slowed: all > PER_ACCOUNT,
            is_last: all == PER_ACCOUNT || pair == PER_PAIR || address == PER_ADDRESS,
        })
    }

    /// The password was right: the account is cleared, and the address has one failure less. Those before stay, since
    /// many accounts may be tried from it.
    pub(super) fn succeeded(&self, account: &str, address: IpAddr) {
        let mut map = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let [of_pair, from_address, of_account] = subjects(account, address);
        map.remove(&of_pair);
        map.remove(&of_account);
        if let Some(entry) = map.get_mut(&from_address) {
            entry.count = entry.count.saturating_sub(1);
            entry.last_ms = i64::MIN;
        }
    }

    /// Counts a wrong API key: how many seconds to ask for before the next, where there were too many.
    pub(super) fn wrong_key(&self, address: IpAddr, now_ms: i64) -> WrongKey {
        let mut map = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let subject = Subject::Keys(network(address));
        let count = count(&mut map, subject, now_ms);
        WrongKey {
            wait_s: (count > KEYS_PER_ADDRESS).then_some(STEP_MS / 1_000),
            is_last: count == KEYS_PER_ADDRESS,
        }
    }

    /// The turn of a password to be looked at; none where too many are before it.
    pub(super) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        let turn = tokio::time::timeout(PATIENCE, self.turns.acquire()).await;
        turn.ok()?.ok()
    }
}

/// What a wrong key came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WrongKey {
    pub(super) wait_s: Option<i64>,
    pub(super) is_last: bool,
}

type Map = AHashMap<Subject, Failures>;

fn wait_s(map: &Map, pair: &Subject, address: &Subject, now_ms: i64) -> Option<i64> {
    let open = |subject: &Subject, bound: u32| {
        let found = map.get(subject).copied();
        found.filter(|entry| entry.window_ends_ms > now_ms && entry.count >= bound)
    };
    let of_pair = open(pair, PER_PAIR).map(|entry| entry.window_ends_ms);
    let of_address = open(address, PER_ADDRESS).map(|entry| entry.last_ms.saturating_add(STEP_MS));
    let until_ms = of_pair.max(of_address)?;
    let left_ms = until_ms.saturating_sub(now_ms);
    (left_ms > 0).then_some((left_ms.saturating_add(999)) / 1_000)
}

/// One failure more; how many there are now.
fn count(map: &mut Map, subject: Subject, now_ms: i64) -> u32 {
    make_room(map, now_ms);
    let entry = map.entry(subject).or_default();
    if entry.window_ends_ms <= now_ms {
        *entry = Failures {
            window_ends_ms: now_ms.saturating_add(WINDOW_MS),
            ..Failures::default()
        };
    }
    entry.count = entry.count.saturating_add(1);
    entry.last_ms = now_ms;
    entry.count
}

fn subjects(account: &str, address: IpAddr) -> [Subject; 3] {
    let (account, address) = (folded(account), network(address));
    [
        Subject::Pair(account.clone(), address),
        Subject::Address(address),
        Subject::Account(account),
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

fn make_room(map: &mut Map, now_ms: i64) {
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

    const OPEN: Result<Try, i64> = Ok(Try {
        is_slowed: false,
        is_last: false,
    });

    #[test]
    fn who_guesses_shuts_out_nobody_but_themselves() {
        let throttle = LoginThrottle::default();
        for at in 1..=PER_PAIR {
            let tried = throttle.begin(if at % 2 == 0 { "Root" } else { " root" }, ip(1), 0);
            assert_eq!(tried.map(|t| t.is_last), Ok(at == PER_PAIR), "{at}");
        }
        assert_eq!(throttle.begin("root", ip(1), 1), Err(900));
        assert_eq!(
            throttle.begin("root", ip(9), 1),
            OPEN,
            "its owner elsewhere"
        );
        assert_eq!(throttle.begin("other", ip(1), 1), OPEN, "a colleague");
        assert_eq!(throttle.begin("root", ip(1), WINDOW_MS), OPEN);
    }

    #[test]
    fn an_address_that_tries_everybody_may_try_now_and_then() {
        let throttle = LoginThrottle::default();
        for at in 0..PER_ADDRESS {
            assert!(throttle.begin(&format!("user{at}"), ip(1), 0).is_ok());
        }
        assert_eq!(throttle.begin("fresh", ip(1), 1), Err(10));
        assert_eq!(throttle.begin("fresh", ip(1), 9_500), Err(1));
        assert!(throttle.begin("fresh", ip(1), STEP_MS).is_ok());
        assert_eq!(throttle.begin("fresh", ip(1), STEP_MS + 1), Err(10));
        assert_eq!(throttle.begin("fresh", ip(2), 1), OPEN);
        throttle.succeeded("fresh", ip(1));
        assert!(throttle.begin("fresh", ip(1), STEP_MS + 1).is_ok());
    }

    #[test]
    fn an_account_that_is_tried_from_everywhere_is_slow_and_open() {
        let throttle = LoginThrottle::default();
        for at in 0..u16::try_from(PER_ACCOUNT).unwrap() {
            assert!(throttle.begin("root", ip(at), 0).is_ok());
        }
        let own = throttle.begin("root", ip(999), 1);
        assert_eq!(own.map(|t| t.is_slowed), Ok(true));
        throttle.succeeded("root", ip(999));
        assert_eq!(throttle.begin("root", ip(998), 2), OPEN);
    }

    #[test]
    fn wrong_keys_are_counted_apart() {
        let throttle = LoginThrottle::default();
        for at in 1..=KEYS_PER_ADDRESS {
            let wrong = throttle.wrong_key(ip(1), 0);
            assert_eq!(wrong.wait_s, None);
            assert_eq!(wrong.is_last, at == KEYS_PER_ADDRESS);
        }
        assert_eq!(throttle.wrong_key(ip(1), 0).wait_s, Some(10));
        assert_eq!(throttle.begin("root", ip(1), 0), OPEN);
    }

    #[test]
    fn memory_is_bounded() {
        let throttle = LoginThrottle::default();
        for at in 0..u16::try_from(ENTRIES).unwrap() {
            let _counted = throttle.begin(&format!("user{at}"), ip(at), i64::from(at));
        }
        assert!(throttle.failures.lock().unwrap().len() <= ENTRIES);
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_takes_no_more_than_its_cores() {
        let throttle = LoginThrottle::default();
        let first = [throttle.turn().await, throttle.turn().await];
        assert!(first.iter().all(Option::is_some));
        assert!(throttle.turn().await.is_none(), "too many before it");
        drop(first);
        assert!(throttle.turn().await.is_some());
    }
}
