//! What a probe asks and what it answers.

/// What a call on an operator's behalf came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The closed answer.
    pub verdict: Verdict,
    /// What was called.
    pub called: Called,
    /// The vendor's HTTP status, where there was one.
    pub status: Option<u16>,
    /// How long it took, milliseconds.
    pub latency_ms: i64,
    /// Until the first event of a streamed answer, milliseconds.
    pub ttft_ms: Option<i64>,
    /// The vendor's own words, or what went wrong on the way: one line without secrets; may be empty.
    pub detail: String,
    /// The names that the vendor listed, where that was all it was asked for: some list them to anybody, so that this
    /// proves no credential.
    pub listed: Vec<String>,
}

impl Report {
    /// Whether a call was served that nobody is served without a credential that works.
    pub fn proves_the_key(&self) -> bool {
        self.verdict == Verdict::Ok && self.called != Called::Models
    }
}

/// The closed set of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It works.
    Ok,
    /// The vendor does not accept the credential.
    BadKey,
    /// The account has no quota or money left.
    NoQuota,
    /// Too many calls just now; the credential itself may be well.
    RateLimited,
    /// The vendor does not have the model, or not for this credential.
    ModelNotFound,
    /// Something answers, but it is no such API: the base URL is wrong.
    BadUrl,
    /// Nothing answers there.
    Unreachable,
    /// The certificate or the TLS handshake was not acceptable.
    Tls,
    /// No answer in time.
    Timeout,
    /// An answer that fits none of the others.
    Unexpected,
}

/// What a probe called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Called {
    /// A streamed chat completion of a few tokens.
    Chat,
    /// One embedding.
    Embedding,
    /// The list of models.
    Models,
}

/// The model that a test calls.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The vendor's name for it.
    pub upstream_model: &'a str,
    /// `chat` or `embedding`.
    pub kind: &'a str,
}

impl Verdict {
    /// A stable short code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::BadKey => "bad_key",
            Self::NoQuota => "no_quota",
            Self::RateLimited => "rate_limited",
            Self::ModelNotFound => "model_not_found",
            Self::BadUrl => "bad_url",
            Self::Unreachable => "unreachable",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Unexpected => "unexpected",
        }
    }
}
