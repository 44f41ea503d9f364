//! How much memory the process uses, looked at once a second, off the data path.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use super::parts::Parts;

const EVERY: Duration = Duration::from_secs(1);

/// Tells the data plane when the process uses more than `MODELGATE_MAX_MEMORY`, until `shutdown` holds true.
pub(super) async fn run(parts: Arc<Parts>, mut shutdown: watch::Receiver<bool>) {
    let overload = parts.overload.clone();
    while timeout(EVERY, shutdown.changed()).await.is_err() {
        let most = parts.settings().runtime.max_memory;
        let used = if most == 0 { None } else { resident() };
        let short = used.is_some_and(|used| used > most);
        if short != overload.is_short_of_memory() {
            overload.set_short_of_memory(short);
            tell(short, used.unwrap_or(0), most);
        }
    }
}

fn tell(short: bool, used: u64, most: u64) {
    let (used, most) = (used >> 20, most >> 20);
    if short {
        tracing::warn!(
            used_mib = used,
            max_mib = most,
            "short of memory: new calls are refused while others run"
        );
    } else {
        tracing::info!(used_mib = used, max_mib = most, "memory is no longer short");
    }
}

/// Bytes of this process in memory; `None` where the system does not tell.
pub(super) fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_system_tells() {
        let before = resident().unwrap();
        let held = vec![1_u8; 64 << 20];
        let after = resident().unwrap();
        assert!(after > before + (32 << 20), "{before} {after}");
        drop(held);
    }
}
