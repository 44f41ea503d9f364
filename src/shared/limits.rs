//! Limits in Redis: the two scripts, and what goes into them and comes out.

use modelgate_domain::LimitKind;
use redis::{Script, ScriptInvocation};

use crate::admission::{Asked, Posting, Standing, Verdict};

/// Whole numbers up to here survive Redis's scripts, which know floats only: nine million units of a currency.
const LARGEST: i64 = 1 << 53;
const TAKE: &str = concat!(include_str!("common.lua"), include_str!("take.lua"));
const POST: &str = concat!(include_str!("common.lua"), include_str!("post.lua"));

/// The scripts, and who asks.
#[derive(Debug)]
pub(super) struct Limits {
    take: Script,
    post: Script,
    /// What all keys of one gateway begin with.
    pub(super) space: String,
    /// The instance, the same after a restart.
    pub(super) instance: String,
    /// This process of it.
    pub(super) epoch: String,
}

impl Limits {
    pub(super) fn new(space: String, instance: String, epoch: String) -> Self {
        Self {
            take: Script::new(TAKE),
            post: Script::new(POST),
            space,
            instance,
            epoch,
        }
    }

    /// The question whether a call may go on.
    pub(super) fn take(&self, asked: &[Asked]) -> ScriptInvocation<'_> {
        let mut script = self.take.prepare_invoke();
        script.arg(&self.instance).arg(&self.epoch);
        for limit in asked {
            let posting = &limit.posting;
            script
                .key(self.key(posting))
                .arg(letter(limit.kind))
                .arg(bounded(limit.amount))
                .arg(i64::from(limit.enforced))
                .arg(bounded(limit.need))
                .arg(bounded(limit.least))
                .arg(bounded(posting.leased))
                .arg(bounded(posting.lasting))
                .arg(bounded(posting.base))
                .arg(posting.ends_in_ms)
                .arg(posting.eases_in_ms)
                .arg(posting.version);
        }
        script
    }

    /// What this instance uses.
    pub(super) fn post(&self, postings: &[Posting]) -> ScriptInvocation<'_> {
        let mut script = self.post.prepare_invoke();
        script.arg(&self.instance).arg(&self.epoch);
        for posting in postings {
            let budget = posting.name.starts_with(BUDGET);
            script
                .key(self.key(posting))
                .arg(if budget { "b" } else { "c" })
                .arg(bounded(posting.leased))
                .arg(bounded(posting.lasting))
                .arg(bounded(posting.base))
                .arg(posting.ends_in_ms)
                .arg(posting.eases_in_ms)
                .arg(posting.version);
        }
        script
    }

    fn key(&self, posting: &Posting) -> String {
        format!("{}:limit:{}", self.space, posting.name)
    }
}

/// How names of budgets begin.
const BUDGET: &str = "budget:";

/// Reads the answer of the first script.
pub(super) fn verdict(answer: &[i64]) -> Option<Verdict> {
    let (granted, limits) = answer.split_first()?;
    let standing = |values: &[i64]| {
        let [others, base, granted, eases_in_ms, ends_in_ms] = *values else {
            return None;
        };
        Some(Standing {
            others,
            base,
            granted: (granted >= 0).then_some(granted),
            eases_in_ms,
            ends_in_ms,
        })
    };
    let limits: Option<Vec<Standing>> = limits.chunks(5).map(standing).collect();
    Some(Verdict {
        granted: *granted == 1,
        limits: limits?,
    })
}

fn letter(kind: LimitKind) -> &'static str {
    match kind {
        LimitKind::Budget => "b",
        LimitKind::Rpm | LimitKind::Tpm | LimitKind::Concurrency => "c",
    }
}

fn bounded(amount: i64) -> i64 {
    amount.clamp(-LARGEST, LARGEST)
}
