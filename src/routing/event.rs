//! Changes of state, as the control plane hears of them.

use modelgate_domain::{ProviderId, ProviderKeyId, TargetId};
use tokio::sync::mpsc;

use super::Reason;

/// Changes that may wait for the control plane; more than a flapping vendor makes while the database is away for
/// a while. Beyond it changes are not told, only acted upon.
const ROOM: usize = 4_096;

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Calls go.
    Well,
    /// No calls for a while but as a last resort; then one trial call at a time.
    Resting,
    /// No quota or money left.
    Exhausted,
    /// The vendor does not accept the credential.
    Rejected,
}

impl State {
    /// A stable short code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Well => "well",
            Self::Resting => "resting",
            Self::Exhausted => "exhausted",
            Self::Rejected => "rejected",
        }
    }

    pub(super) const fn of(reason: Reason) -> Self {
        match reason {
            Reason::Exhausted => Self::Exhausted,
            Reason::Rejected => Self::Rejected,
            _ => Self::Resting,
        }
    }
}

/// What a state is of: a provider, one of its credentials, or a credential at one target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Subject {
    /// The vendor.
    pub provider: ProviderId,
    /// The credential; absent where the whole provider is meant.
    pub credential: Option<ProviderKeyId>,
    /// The target; absent where the credential is meant at any.
    pub target: Option<TargetId>,
}

/// A change of state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When, epoch milliseconds.
    pub at_ms: i64,
    /// Of what.
    pub subject: Subject,
    /// Before.
    pub from: State,
    /// After.
    pub to: State,
    /// A stable short code: that of a [`Reason`], `served`, `probe` or `operator`.
    pub reason: &'static str,
    /// What was seen, in words without a secret; may be empty.
    pub detail: String,
    /// Until when, where the new state ends by itself.
    pub until_ms: Option<i64>,
}

/// The end at which changes arrive.
pub type Events = mpsc::Receiver<Event>;

/// The end at which they are told: never waits.
#[derive(Clone, Debug)]
pub(super) struct Teller(mpsc::Sender<Event>);

impl Teller {
    pub(super) fn new() -> (Self, Events) {
        let (sender, receiver) = mpsc::channel(ROOM);
        (Self(sender), receiver)
    }

    pub(super) fn tell(&self, event: Event) {
        if let Err(mpsc::error::TrySendError::Full(event)) = self.0.try_send(event) {
            tracing::warn!(
                provider = event.subject.provider.0,
                to = event.to.code(),
                "too many changes of vendors' health to note them all"
            );
        }
    }
}
