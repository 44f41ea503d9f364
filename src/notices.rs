//! News for those who run the gateway, or for the holder of a key: told from anywhere, written down by one task.
//!
//! Telling never waits: what finds no room is dropped and counted. Nothing here knows the database.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use modelgate_domain::{ApiKeyId, Severity};
use tokio::sync::mpsc;

/// How many pieces of news wait for the database.
const ROOM: usize = 512;

/// What kinds of news there are; each has its text in `notices.ftl`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A vendor does not accept a credential.
    CredentialRejected,
    /// No quota or money left with a credential.
    CredentialExhausted,
    /// A credential serves again.
    CredentialRecovered,
    /// No target of a model can be called.
    ModelDown,
    /// One of them can again.
    ModelBack,
    /// The journal has no room.
    JournalFull,
    /// Records cannot be written to the database.
    JournalStuck,
    /// Most of a budget is spent.
    BudgetNear,
    /// All of it is.
    BudgetSpent,
    /// Somebody fails to sign in, again and again.
    SignInThrottled,
    /// The database was brought to this version.
    SchemaUpdated,
    /// A key of one's own ends soon.
    KeyExpires,
    /// A job met an error.
    JobFailed,
    /// A job outlasted its deadline.
    JobTimedOut,
    /// The process of a job died; the job goes on.
    JobInterrupted,
    /// A report of the schedule is there.
    ReportMade,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::CredentialRejected,
        Self::CredentialExhausted,
        Self::CredentialRecovered,
        Self::ModelDown,
        Self::ModelBack,
        Self::JournalFull,
        Self::JournalStuck,
        Self::BudgetNear,
        Self::BudgetSpent,
        Self::SignInThrottled,
        Self::SchemaUpdated,
        Self::KeyExpires,
        Self::JobFailed,
        Self::JobTimedOut,
        Self::JobInterrupted,
        Self::ReportMade,
    ];

    /// The stable short code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::CredentialRejected => "credential_rejected",
            Self::CredentialExhausted => "credential_exhausted",
            Self::CredentialRecovered => "credential_recovered",
            Self::ModelDown => "model_down",
            Self::ModelBack => "model_back",
            Self::JournalFull => "journal_full",
            Self::JournalStuck => "journal_stuck",
            Self::BudgetNear => "budget_near",
            Self::BudgetSpent => "budget_spent",
            Self::SignInThrottled => "sign_in_throttled",
            Self::SchemaUpdated => "schema_updated",
            Self::KeyExpires => "key_expires",
            Self::JobFailed => "job_failed",
            Self::JobTimedOut => "job_timed_out",
            Self::JobInterrupted => "job_interrupted",
            Self::ReportMade => "report_made",
        }
    }

    /// Whether the same about the same is told once for good, and not again after a while.
    pub const fn is_told_once(self) -> bool {
        matches!(
            self,
            Self::BudgetNear | Self::BudgetSpent | Self::SchemaUpdated | Self::KeyExpires
        )
    }

    /// How much it matters.
    pub const fn severity(self) -> Severity {
        match self {
            Self::CredentialRejected | Self::ModelDown | Self::JournalFull => Severity::Danger,
            Self::CredentialExhausted
            | Self::JournalStuck
            | Self::BudgetNear
            | Self::BudgetSpent
            | Self::SignInThrottled
            | Self::KeyExpires
            | Self::JobFailed
            | Self::JobTimedOut => Severity::Warning,
            Self::CredentialRecovered
            | Self::ModelBack
            | Self::SchemaUpdated
            | Self::JobInterrupted
            | Self::ReportMade => Severity::Info,
        }
    }
}

/// A piece of news.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// What kind.
    pub kind: Kind,
    /// What it is about: the same kind about the same within a while is one notice.
    pub about: String,
    /// What its text names. Never a secret.
    pub args: Vec<(&'static str, String)>,
    /// The key whose holder is told; absent for those who run the gateway.
    pub holder: Option<ApiKeyId>,
    /// When, epoch milliseconds.
    pub at_ms: i64,
}

impl News {
    /// News for those who run the gateway.
    pub fn new(kind: Kind, about: impl Into<String>, at_ms: i64) -> Self {
        Self {
            kind,
            about: about.into(),
            args: Vec::new(),
            holder: None,
            at_ms,
        }
    }

    /// What the text names.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.args.push((name, value.into()));
        self
    }

    /// For the holder of a key instead.
    #[must_use]
    pub fn to(mut self, key: ApiKeyId) -> Self {
        self.holder = Some(key);
        self
    }
}

/// Where news is told.
#[derive(Clone, Debug)]
pub struct Teller {
    sender: mpsc::Sender<News>,
    dropped: Arc<AtomicU64>,
}

/// Where it arrives.
pub type Inbox = mpsc::Receiver<News>;

impl Teller {
    /// The two ends.
    pub fn new() -> (Self, Inbox) {
        let (sender, inbox) = mpsc::channel(ROOM);
        let dropped = Arc::default();
        (Self { sender, dropped }, inbox)
    }

    /// Tells at once, or drops and counts.
    pub fn tell(&self, news: News) {
        if self.sender.try_send(news).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How much was dropped since the start.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_finds_no_room_is_counted_and_nobody_waits() {
        let (teller, mut inbox) = Teller::new();
        for n in 0..ROOM + 3 {
            teller.tell(News::new(Kind::ModelDown, n.to_string(), 0));
        }
        assert_eq!(teller.dropped(), 3);
        assert_eq!(inbox.try_recv().unwrap().about, "0");
        drop(inbox);
        teller.tell(News::new(Kind::ModelDown, "late", 0));
        assert_eq!(teller.dropped(), 4);
    }
}
