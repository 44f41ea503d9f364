//! What the rules of busyness make of a call: block it, let another model answer, or suggest one.

use modelgate_domain::{Busyness, BusynessAction};

use super::refusal::Refusal;
use crate::catalog::{ApiKey, BusynessRule, Model};

/// Levels are computed once a minute: sooner nothing changes.
const RETRY_S: i64 = 60;

/// What is to become of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Advice<'a> {
    /// It goes on as it is.
    Pass,
    /// It is refused.
    Block(Box<Refusal>),
    /// This model answers instead, if the key may use it.
    Downgrade(&'a str),
    /// It goes on, and the caller is told.
    Suggest {
        /// How busy the gateway is.
        level: Busyness,
        /// Which model would be better now, or what to do.
        suggestion: &'a str,
    },
}

/// What the first rule that holds for this model at this level makes of the call.
pub fn advise<'a>(
    rules: &'a [BusynessRule],
    level: Busyness,
    key: &ApiKey,
    model: &Model,
) -> Advice<'a> {
    if key.bypass_busyness {
        return Advice::Pass;
    }
    let holds = |rule: &&BusynessRule| {
        let concerns = rule.models.is_empty() || rule.models.contains(&model.id);
        let leads_on = rule.redirect.as_deref() != Some(&*model.name);
        concerns && leads_on && level.level() <= rule.from_level.level()
    };
    let Some(rule) = rules.iter().find(holds) else {
        return Advice::Pass;
    };
    match (rule.action, rule.redirect.as_deref()) {
        (BusynessAction::Block, _) => Advice::Block(blocked(rule, model)),
        (BusynessAction::Downgrade, Some(redirect)) => Advice::Downgrade(redirect),
        (BusynessAction::Downgrade, None) => Advice::Pass,
        (BusynessAction::Suggest, redirect) => Advice::Suggest {
            level,
            suggestion: redirect.unwrap_or(&rule.message),
        },
    }
}

fn blocked(rule: &BusynessRule, model: &Model) -> Box<Refusal> {
    let message = if rule.message.is_empty() {
        let name = &model.name;
        format!("The gateway is busy and does not serve the model {name} just now.")
    } else {
        rule.message.to_string()
    };
    let what = (503, "busyness_block");
    let mut refusal = Refusal::of_rule("busyness", "model", what, message);
    refusal.retry_after_s = Some(RETRY_S);
    refusal
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::fixtures::{Build, model};
    use modelgate_domain::ModelId;

    fn rule(action: BusynessAction, from_level: Busyness, models: &[i64]) -> BusynessRule {
        BusynessRule {
            from_level,
            action,
            models: models.iter().copied().map(ModelId).collect(),
            redirect: Some("small".into()),
            message: "later".into(),
        }
    }

    #[test]
    fn the_first_rule_that_holds_decides() {
        let (large, small) = (model(1, "large", vec![]), model(2, "small", vec![]));
        let rules = [
            rule(BusynessAction::Block, Busyness::VeryBusy, &[1]),
            rule(BusynessAction::Downgrade, Busyness::Busy, &[1]),
            rule(BusynessAction::Suggest, Busyness::Normal, &[]),
        ];
        let key = Build::key();
        let of = |level, model| advise(&rules, level, &key, model);
        assert!(matches!(
            of(Busyness::ExtremelyBusy, &large),
            Advice::Block(_)
        ));
        let Advice::Block(refusal) = of(Busyness::VeryBusy, &large) else {
            panic!("not blocked");
        };
        assert_eq!((refusal.status, refusal.code), (503, "busyness_block"));
        assert_eq!(refusal.message, "later");
        assert_eq!(of(Busyness::Busy, &large), Advice::Downgrade("small"));
        let suggestion = Advice::Suggest {
            level: Busyness::Normal,
            suggestion: "small",
        };
        assert_eq!(of(Busyness::Normal, &large), suggestion);
        assert_eq!(of(Busyness::Idle, &large), Advice::Pass);
        assert_eq!(
            of(Busyness::ExtremelyBusy, &small),
            Advice::Pass,
            "it is the better one"
        );
        let spared = ApiKey {
            bypass_busyness: true,
            ..Build::key()
        };
        let told = advise(&rules, Busyness::ExtremelyBusy, &spared, &large);
        assert_eq!(told, Advice::Pass);
    }
}
