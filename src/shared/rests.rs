//! Which vendors' credentials rest, kept in step between instances: what one has learnt, all know.
//!
//! Only what a vendor has said about a credential is shared. What cannot be reached or fails may do so for one machine
//! alone, and each finds that out for itself.

use std::collections::BTreeMap;

use modelgate_domain::{ProviderId, ProviderKeyId, TargetId};
use redis::Script;

use super::limits::Limits;
use super::link::Link;
use crate::routing::{Health, Reason, Rest, Subject};

const RESTS: &str = include_str!("rests.lua");

/// A rest as it is written: until when in epoch milliseconds, and why.
type Known = BTreeMap<String, (i64, Reason)>;

/// What is known to be in Redis.
#[derive(Debug)]
pub(super) struct Rests {
    script: Script,
    keys: [String; 2],
    /// A name for the hash, where this process makes it.
    name: String,
    /// The hash that `known` was read from.
    of: String,
    known: Known,
}

/// What one look leads to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Changes {
    /// To be written: the subject, until when and why.
    told: Vec<(String, i64, Reason)>,
    /// To be taken out.
    ended: Vec<String>,
    /// Others have learnt this.
    heard: Vec<Rest>,
    /// Others have found these well.
    well: Vec<Subject>,
}

impl Rests {
    pub(super) fn new(limits: &Limits, now_ms: i64) -> Self {
        let key = |what: &str| format!("{}:{what}", limits.space);
        Self {
            script: Script::new(RESTS),
            keys: [key("rests"), key("rests-name")],
            name: format!("{}-{now_ms}", limits.instance),
            of: String::new(),
            known: Known::new(),
        }
    }

    /// Reads what others know, tells what they do not, and takes over the rest.
    pub(super) async fn keep_in_step(&mut self, link: &Link, health: &Health, now_ms: i64) {
        let Some(there) = self.exchange(link, &Changes::default(), now_ms).await else {
            return;
        };
        let here: Known = health
            .rests(now_ms)
            .into_iter()
            .filter(|rest| is_shared(rest.reason) && rest.subject.credential.is_some())
            .map(|rest| (written(&rest.subject), (rest.until_ms, rest.reason)))
            .collect();
        let changes = compare(&self.known, &there, &here, now_ms);
        for rest in &changes.heard {
            health.hears(rest, now_ms);
        }
        for subject in &changes.well {
            health.hears_well(*subject, now_ms);
        }
        self.known = there;
        if !(changes.told.is_empty() && changes.ended.is_empty())
            && let Some(there) = self.exchange(link, &changes, now_ms).await
        {
            // what others wrote meanwhile is news at the next look
            self.known.retain(|subject, _| there.contains_key(subject));
            for (subject, until_ms, reason) in changes.told {
                if there.get(&subject) == Some(&(until_ms, reason)) {
                    self.known.insert(subject, (until_ms, reason));
                }
            }
        }
    }

    async fn exchange(&mut self, link: &Link, changes: &Changes, now_ms: i64) -> Option<Known> {
        let mut script = self.script.prepare_invoke();
        script.key(&self.keys[0]).key(&self.keys[1]);
        script.arg(&self.name).arg(now_ms);
        for (subject, until_ms, reason) in &changes.told {
            let text = format!("{until_ms} {}", reason.code());
            script.arg(subject).arg(*until_ms).arg(text).arg("");
        }
        for subject in &changes.ended {
            let (until_ms, reason) = self.known.get(subject)?;
            let text = format!("{until_ms} {}", reason.code());
            script.arg(subject).arg(0).arg("").arg(text);
        }
        let answer: Vec<String> = link.run(&script).await?;
        let (of, fields) = answer.split_first()?;
        if *of != self.of {
            // Redis has lost what it held: nothing that is missing has ended
            of.clone_into(&mut self.of);
            self.known.clear();
        }
        let pairs = fields.chunks_exact(2).filter_map(|pair| match pair {
            [subject, text] => Some((subject.clone(), read(text)?)),
            _ => None,
        });
        Some(pairs.collect())
    }
}

fn compare(known: &Known, there: &Known, here: &Known, now_ms: i64) -> Changes {
    let mut changes = Changes::default();
    for (subject, (until_ms, reason)) in there {
        let before = known.get(subject);
        match here.get(subject) {
            None if before == Some(&(*until_ms, *reason)) => changes.ended.push(subject.clone()),
            Some((own, _)) if own >= until_ms => {}
            _ => changes.heard.extend(parsed(subject).map(|subject| Rest {
                subject,
                reason: *reason,
                until_ms: *until_ms,
            })),
        }
    }
    for (subject, (until_ms, reason)) in here {
        let further = |(other, _): &(i64, Reason)| other >= until_ms;
        match (there.get(subject), known.get(subject)) {
            (Some(_), _) if there.get(subject).is_some_and(further) => {}
            (None, Some(before)) if further(before) && before.0 > now_ms => {
                changes.well.extend(parsed(subject));
            }
            _ => changes.told.push((subject.clone(), *until_ms, *reason)),
        }
    }
    changes
}

/// What the vendor has said, as opposed to what happened on the way to it.
fn is_shared(reason: Reason) -> bool {
    match reason {
        Reason::RateLimited
        | Reason::AccountLimited
        | Reason::Exhausted
        | Reason::Rejected
        | Reason::Forbidden
        | Reason::Unavailable => true,
        Reason::Overloaded | Reason::Unreachable | Reason::Failing => false,
    }
}

fn written(subject: &Subject) -> String {
    let (credential, target) = (subject.credential, subject.target);
    format!(
        "{}:{}:{}",
        subject.provider.0,
        credential.map_or(0, |id| id.0),
        target.map_or(0, |id| id.0)
    )
}

fn parsed(text: &str) -> Option<Subject> {
    let mut ids = text.split(':').map(|id| id.parse::<i64>().ok());
    let (provider, credential, target) = (ids.next()??, ids.next()??, ids.next()??);
    Some(Subject {
        provider: ProviderId(provider),
        credential: (credential != 0).then_some(ProviderKeyId(credential)),
        target: (target != 0).then_some(TargetId(target)),
    })
}

fn read(text: &str) -> Option<(i64, Reason)> {
    let (until_ms, reason) = text.split_once(' ')?;
    Some((until_ms.parse().ok()?, Reason::of(reason)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(all: &[(&str, i64)]) -> Known {
        let one =
            |(subject, until): &(&str, i64)| ((*subject).to_owned(), (*until, Reason::Rejected));
        all.iter().map(one).collect()
    }

    fn heard(text: &str, until_ms: i64) -> Rest {
        Rest {
            subject: parsed(text).unwrap(),
            reason: Reason::Rejected,
            until_ms,
        }
    }

    #[test]
    fn what_is_new_is_told_or_heard_and_the_longer_rest_wins() {
        let nothing = known(&[]);
        let one = known(&[("1:2:0", 500)]);
        let longer = known(&[("1:2:0", 900)]);
        let told = compare(&nothing, &nothing, &one, 100);
        assert_eq!(told.told, [("1:2:0".to_owned(), 500, Reason::Rejected)]);
        assert_eq!(
            compare(&nothing, &one, &nothing, 100).heard,
            [heard("1:2:0", 500)]
        );
        assert_eq!(compare(&one, &one, &one, 100), Changes::default());
        assert_eq!(compare(&one, &one, &longer, 100).told.len(), 1);
        assert_eq!(
            compare(&one, &longer, &one, 100).heard,
            [heard("1:2:0", 900)]
        );
        assert_eq!(
            compare(&one, &longer, &nothing, 100).heard.len(),
            1,
            "it rests anew"
        );
    }

    #[test]
    fn what_one_found_well_is_well_for_all_and_a_lost_hash_ends_nothing() {
        let (nothing, one) = (known(&[]), known(&[("1:2:3", 500)]));
        assert_eq!(compare(&one, &one, &nothing, 100).ended, ["1:2:3"]);
        assert_eq!(
            compare(&one, &nothing, &one, 100).well,
            [parsed("1:2:3").unwrap()]
        );
        // a hash that was lost is read as if nothing had been known of it
        assert_eq!(compare(&nothing, &nothing, &one, 100).told.len(), 1);
    }
}
