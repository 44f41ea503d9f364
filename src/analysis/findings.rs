//! What the figures of a day say, by rules: what changed, whose fault it is likely to be, and what to do about it.

use modelgate_domain::{FaultOwner, Status};
use modelgate_store::failures::Failures;
use modelgate_store::usage::{Dimension, Totals};

use super::day::Day;
use super::risk::{Reached, risks};
use crate::i18n::{self, Lang, ToArg, format};

/// Fewer failures than this are chance.
const ENOUGH: i64 = 5;
/// At most so many findings of one kind.
const MOST: usize = 3;

/// One thing that the figures say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Names the texts: `analysis-finding-<code>` says what is, `analysis-action-<code>` what to do.
    pub code: &'static str,
    /// What the texts name.
    pub args: Vec<(&'static str, String)>,
    /// The page where something can be done about it, without the base path; empty for none. One to the request log
    /// names no time: whoever shows it knows the day.
    pub link: String,
}

impl Finding {
    fn new(code: &'static str, link: impl Into<String>) -> Self {
        Self {
            code,
            args: Vec::new(),
            link: link.into(),
        }
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.args.push((name, value.into()));
        self
    }

    /// What it says.
    pub fn says(&self, lang: Lang) -> String {
        self.text(lang, "analysis-finding-")
    }

    /// What to do.
    pub fn action(&self, lang: Lang) -> String {
        self.text(lang, "analysis-action-")
    }

    fn text(&self, lang: Lang, prefix: &str) -> String {
        let args: Vec<(&str, &dyn ToArg)> = self
            .args
            .iter()
            .map(|(name, value)| (*name, value as &dyn ToArg))
            .collect();
        i18n::t_with(lang, &format!("{prefix}{}", self.code), &args)
    }
}

/// All of them, in the order in which a reader wants them: the day as a whole, whose fault, where, and under which load.
pub fn findings(day: &Day) -> Vec<Finding> {
    let mut found = Vec::new();
    if day.now.requests() == 0 {
        return vec![Finding::new("no-calls", "")];
    }
    let (wrong, of) = day.now.error_rate();
    if day.errors().next().is_none() {
        let count = format::integer(day.now.requests());
        found.push(Finding::new("no-errors", "").with("count", count));
    } else if wrong > 0 {
        found.push(
            Finding::new("rate", "/admin/logs?status=wrong")
                .with("count", format::integer(wrong))
                .with("of", format::integer(of))
                .with("rate", format::percent(wrong, of)),
        );
        found.extend(change(&day.now, &day.before, ["day-up", "day-down"]));
        found.extend(change(&day.now, &day.week, ["week-up", "week-down"]));
    }
    found.extend(owner(day));
    found.extend(providers(day));
    found.extend(callers(day));
    found.extend(limits(day));
    found.extend(contexts(day));
    found
}

/// The error rate against another time, where it doubled or halved and both say something.
fn change(now: &Totals, then: &Totals, codes: [&'static str; 2]) -> Option<Finding> {
    let ((wrong, of), (wrong_then, of_then)) = (now.error_rate(), then.error_rate());
    if of < ENOUGH || of_then < ENOUGH {
        return None;
    }
    let (rate, rate_then) = (per_100k(wrong, of), per_100k(wrong_then, of_then));
    let code = if wrong >= ENOUGH && rate >= rate_then.saturating_mul(2) {
        codes[0]
    } else if wrong_then >= ENOUGH && rate.saturating_mul(2) <= rate_then {
        codes[1]
    } else {
        return None;
    };
    let finding = Finding::new(code, "/admin/monitor")
        .with("rate", format::percent(wrong, of))
        .with("then", format::percent(wrong_then, of_then));
    Some(finding)
}

fn per_100k(part: i64, whole: i64) -> i64 {
    part.saturating_mul(100_000).checked_div(whole).unwrap_or(0)
}

/// Whose fault most of it was.
fn owner(day: &Day) -> Option<Finding> {
    let owners = day.by_owner();
    let all: i64 = owners.iter().map(|(_, count)| count).sum();
    let (owner, count) = *owners.first()?;
    if all < ENOUGH || count * 2 < all {
        return None;
    }
    let (code, link) = match owner {
        FaultOwner::Upstream => ("owner-upstream", "/admin/config/providers"),
        FaultOwner::Caller => ("owner-caller", "/admin/usage"),
        FaultOwner::Policy => ("owner-policy", "/admin/api-keys"),
        FaultOwner::Gateway => ("owner-gateway", "/admin/monitor"),
        FaultOwner::None => return None,
    };
    let finding = Finding::new(code, link)
        .with("count", format::integer(count))
        .with("share", format::percent_whole(count, all));
    Some(finding)
}

/// The providers with the most failures of their own, by what they mostly answered.
fn providers(day: &Day) -> Vec<Finding> {
    let theirs = |group: &Failures| group.fault_owner == FaultOwner::Upstream;
    let by_provider = Day::count(day.groups.iter().filter(|group| theirs(group)), |group| {
        (group.provider_id != 0).then_some(group.provider_id)
    });
    let requests = day.cube.by(Dimension::Provider);
    let of = |id: i64| requests.iter().find(|(other, _)| *other == id);
    let some = by_provider.into_iter().filter(|(_, n)| *n >= ENOUGH);
    some.take(MOST)
        .map(|(id, count)| {
            let own = day.groups.iter();
            let own = own.filter(|group| group.provider_id == id && theirs(group));
            let kinds = Day::count(own, |group| Some(kind_of(group)));
            let all = of(id).map_or(count, |(_, totals)| totals.requests().max(count));
            let code = kinds.first().map_or("provider-errors", |(kind, _)| kind);
            Finding::new(code, format!("/admin/config/providers/{id}"))
                .with("name", day.names.provider(id))
                .with("count", format::integer(count))
                .with("rate", format::percent(count, all))
        })
        .collect()
}

fn kind_of(group: &Failures) -> &'static str {
    match (group.status, group.upstream_status) {
        (Status::Timeout, _) => "provider-slow",
        (_, 401 | 403) => "provider-credential",
        (_, 402) => "provider-money",
        (_, 429) => "provider-limits",
        (_, 404) => "provider-model",
        (_, 500..) => "provider-down",
        _ => "provider-errors",
    }
}

/// What programs do wrong most often.
fn callers(day: &Day) -> Vec<Finding> {
    let theirs = day.errors();
    let theirs = theirs.filter(|group| group.fault_owner == FaultOwner::Caller);
    let codes = Day::count(theirs, |group| Some(group.error_code.clone()));
    let some = codes.into_iter().filter(|(_, count)| *count >= ENOUGH);
    some.take(MOST)
        .map(|(code, count)| {
            let link = format!("/admin/logs?status=failed&fault=caller&code={code}");
            Finding::new("caller-code", link)
                .with("code", code)
                .with("count", format::integer(count))
        })
        .collect()
}

/// Refusals by limits of the gateway itself.
fn limits(day: &Day) -> Option<Finding> {
    let ours = day.groups.iter().filter(|group| {
        group.status == Status::RateLimited && group.fault_owner == FaultOwner::Policy
    });
    let count: i64 = ours.map(|group| group.count).sum();
    (count >= ENOUGH).then(|| {
        Finding::new("limits", "/admin/logs?status=rate_limited&fault=policy")
            .with("count", format::integer(count))
    })
}

/// Models that long contexts are too much for.
fn contexts(day: &Day) -> Vec<Finding> {
    let all = risks(&day.bands);
    let troubled = all.iter().filter_map(|risk| {
        let (kind, band) = risk.by_context()?;
        Some((risk, kind, band))
    });
    troubled
        .take(MOST)
        .map(|(risk, kind, band)| {
            let code = match kind {
                Reached::Timeouts => "context-timeouts",
                Reached::Errors => "context-errors",
                Reached::Slow => "context-slow",
            };
            Finding::new(code, format!("/admin/config/models/{}", risk.model_id))
                .with("name", day.names.model(risk.model_id))
                .with("band", super::report::band_name(band))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use modelgate_store::failures::Band;

    fn group(owner: FaultOwner, status: Status, upstream_status: i64, count: i64) -> Failures {
        Failures {
            status,
            fault_owner: owner,
            provider_id: i64::from(owner == FaultOwner::Upstream),
            model_id: 1,
            error_code: "upstream_error".to_owned(),
            upstream_status,
            count,
            context_sum: count * 1_000,
            context_max: 1_000,
        }
    }

    fn codes(day: &Day) -> Vec<&'static str> {
        findings(day).iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn a_day_without_calls_or_errors_says_so() {
        assert_eq!(codes(&Day::default()), ["no-calls"]);
        let mut day = Day::default();
        day.now.success = 9;
        assert_eq!(codes(&day), ["no-errors"]);
    }

    #[test]
    fn a_vendor_that_fails_is_named_by_what_it_does() {
        let mut day = Day::default();
        (day.now.success, day.now.error, day.now.error_upstream) = (90, 10, 10);
        (
            day.before.success,
            day.before.error,
            day.before.error_upstream,
        ) = (990, 10, 10);
        for (status, upstream, code) in [
            (Status::Error, 401, "provider-credential"),
            (Status::Error, 429, "provider-limits"),
            (Status::Error, 503, "provider-down"),
            (Status::Timeout, 0, "provider-slow"),
            (Status::Error, 0, "provider-errors"),
        ] {
            day.groups = vec![group(FaultOwner::Upstream, status, upstream, 10)];
            assert_eq!(codes(&day), ["rate", "day-up", "owner-upstream", code]);
        }
        day.groups = vec![group(FaultOwner::Upstream, Status::Error, 503, 4)];
        assert_eq!(codes(&day), ["rate", "day-up"], "four are chance");
    }

    #[test]
    fn callers_limits_and_contexts_have_their_own() {
        let mut day = Day::default();
        (day.now.success, day.now.error, day.now.error_caller) = (90, 7, 7);
        let limit = group(FaultOwner::Policy, Status::RateLimited, 0, 6);
        day.groups = vec![group(FaultOwner::Caller, Status::Error, 0, 7), limit];
        day.bands = vec![Band {
            model_id: 1,
            band: 4,
            calls: 10,
            timeouts: 1,
            seconds: vec![(1, 10)],
            ..Band::default()
        }];
        assert_eq!(
            codes(&day),
            ["owner-caller", "caller-code", "limits", "context-timeouts"]
        );
    }

    #[test]
    fn every_finding_has_its_texts_in_every_language() {
        let all = [
            "no-calls",
            "no-errors",
            "rate",
            "day-up",
            "day-down",
            "week-up",
            "week-down",
            "owner-upstream",
            "owner-caller",
            "owner-policy",
            "owner-gateway",
            "provider-errors",
            "provider-slow",
            "provider-credential",
            "provider-money",
            "provider-limits",
            "provider-model",
            "provider-down",
            "caller-code",
            "limits",
            "context-timeouts",
            "context-errors",
            "context-slow",
        ];
        for lang in Lang::ALL {
            for code in all {
                let finding = Finding::new(code, "");
                for text in [finding.says(lang), finding.action(lang)] {
                    assert!(!text.starts_with("analysis-"), "{text}");
                }
            }
        }
    }
}
