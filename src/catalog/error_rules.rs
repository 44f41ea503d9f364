//! What vendors' errors mean, as operators have it in their table.

use chrono_tz::Tz;
use modelgate_domain::{Meaning, ProviderId};

/// One row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorRule {
    /// Only for providers of this protocol; any where empty.
    pub protocol: Box<str>,
    /// Only for this provider.
    pub provider: Option<ProviderId>,
    /// Only for this HTTP status; any where 0.
    pub status: u16,
    /// Where in the JSON body the code stands: `error.code`; `*` for each item of a list. Empty: the status is enough.
    pub path: Box<str>,
    /// What stands there, exactly, but for each `*`, which stands for any text.
    pub value: Box<str>,
    /// What that means.
    pub meaning: Meaning,
    /// Where in the JSON body the time stands at which the vendor serves again; empty where it does not say.
    pub reset_path: Box<str>,
    /// On whose clocks that time is.
    pub reset_zone: Tz,
}
