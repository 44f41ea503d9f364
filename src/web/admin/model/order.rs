//! The order in which a model's targets are tried: moved up and down by a button, or dropped before another one.
//!
//! Targets of one rank share the calls by weight. A target that is dropped between two of one rank joins them; anywhere
//! else it gets a rank of its own. Ranks are counted anew from 1.

use std::collections::BTreeMap;

use actix_web::web;
use modelgate_domain::TargetId;
use modelgate_store::targets::{Target, TargetData};
use modelgate_store::{changes, targets};
use serde_json::{Value, json};

use super::super::components::fields::{change, save};
use super::super::models::provider_name;
use super::{Loaded, done, load};
use crate::web::error::PageError;
use crate::web::form::Form;
use crate::web::page::{Operate, Page, PageResult};
use crate::web::state::WebState;

/// Targets by rank, the first to be tried in front.
type Ranks = Vec<Vec<TargetId>>;

/// `POST …/targets/order`: `target`, and `move` (`up`, `down`) or `before` (a target; empty for the end).
pub(super) async fn post(
    page: Page<Operate>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
    form: Form,
) -> PageResult {
    let loaded = load(&state, *id).await?;
    let known = |text: &str| {
        let id = text.parse().ok().map(TargetId);
        id.filter(|id| loaded.targets.iter().any(|target| target.id == *id))
    };
    let moved = known(form.text("target")).ok_or(PageError::BadRequest)?;
    let old = ranks(&loaded.targets);
    let new = match (form.text("move"), form.text("before")) {
        ("up", _) => up(&old, moved),
        ("down", _) => down(&old, moved),
        (_, "") => placed(&old, moved, None),
        (_, before) => {
            let before = known(before).ok_or(PageError::BadRequest)?;
            placed(&old, moved, Some(before))
        }
    };
    let priority: BTreeMap<i64, i64> = (1_i64..)
        .zip(&new)
        .flat_map(|(rank, ids)| ids.iter().map(move |id| (id.0, rank)))
        .collect();
    let object = format!("model {} targets", loaded.model.name);
    let after = audited(&loaded, |target| priority.get(&target.id.0).copied());
    let mut entry = change(&page, &state, "target.order", object, Some(after));
    entry.before = Some(audited(&loaded, |target| Some(target.priority)));
    let model = loaded.model.id;
    let saved = save(&page, &state, &form, move |c| {
        Box::pin(async move {
            let mut changed = false;
            for target in targets::list_of(c, model).await? {
                let wanted = priority.get(&target.id.0).copied();
                if let Some(wanted) = wanted.filter(|wanted| *wanted != target.priority) {
                    let (id, priority) = (target.id, wanted);
                    let data = TargetData {
                        priority,
                        ..target.into()
                    };
                    targets::update(c, id, &data, entry.at).await?;
                    changed = true;
                }
            }
            if changed {
                changes::record(c, &entry).await?;
            }
            Ok(())
        })
    })
    .await?;
    done(&page, &loaded, saved, "admin-model-saved")
}

fn audited(loaded: &Loaded, priority: impl Fn(&Target) -> Option<i64>) -> Value {
    let line = |target: &Target| {
        let provider = provider_name(&loaded.providers, target.provider_id);
        json!({
            "target": format!("{provider}/{}", target.upstream_model),
            "priority": priority(target),
        })
    };
    loaded.targets.iter().map(line).collect()
}

/// `targets` ascend by priority.
fn ranks(targets: &[Target]) -> Ranks {
    targets
        .chunk_by(|a, b| a.priority == b.priority)
        .map(|rank| rank.iter().map(|target| target.id).collect())
        .collect()
}

fn without(ranks: &Ranks, moved: TargetId) -> Ranks {
    let mut ranks = ranks.clone();
    for rank in &mut ranks {
        rank.retain(|id| *id != moved);
    }
    ranks.retain(|rank| !rank.is_empty());
    ranks
}

fn placed(old: &Ranks, moved: TargetId, before: Option<TargetId>) -> Ranks {
    if before == Some(moved) {
        return old.clone();
    }
    let mut new = without(old, moved);
    let found = new.iter_mut().enumerate().find_map(|(at, rank)| {
        let place = rank.iter().position(|id| Some(*id) == before)?;
        if place > 0 {
            rank.insert(place, moved);
        }
        Some((at, place))
    });
    match found {
        Some((at, 0)) => new.insert(at, vec![moved]),
        Some(_) => {}
        None => new.push(vec![moved]),
    }
    new
}

/// Out of the rank that it shares, or past the rank before.
fn up(old: &Ranks, moved: TargetId) -> Ranks {
    let at = old.iter().position(|rank| rank.contains(&moved));
    let at = at.unwrap_or(0);
    let shares = old.get(at).is_some_and(|rank| rank.len() > 1);
    let to = if shares { at } else { at.saturating_sub(1) };
    let mut new = without(old, moved);
    new.insert(to.min(new.len()), vec![moved]);
    new
}

fn down(old: &Ranks, moved: TargetId) -> Ranks {
    let at = old.iter().position(|rank| rank.contains(&moved));
    let at = at.unwrap_or(0);
    let mut new = without(old, moved);
    new.insert((at + 1).min(new.len()), vec![moved]);
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranks_of(text: &str) -> Ranks {
        text.split(' ')
            .map(|rank| rank.chars().map(id).collect())
            .collect()
    }

    fn id(name: char) -> TargetId {
        TargetId(i64::from(u32::from(name)))
    }

    #[test]
    fn a_target_moves_by_one_rank_and_out_of_a_shared_one() {
        let old = ranks_of("a bc d");
        assert_eq!(up(&old, id('d')), ranks_of("a d bc"));
        assert_eq!(up(&old, id('c')), ranks_of("a c b d"));
        assert_eq!(up(&old, id('a')), old);
        assert_eq!(down(&old, id('a')), ranks_of("bc a d"));
        assert_eq!(down(&old, id('b')), ranks_of("a c b d"));
        assert_eq!(down(&old, id('d')), old);
        assert_eq!(up(&ranks_of("a"), id('a')), ranks_of("a"));
    }

    #[test]
    fn a_target_is_dropped_before_another_or_at_the_end() {
        let old = ranks_of("a bc d");
        assert_eq!(placed(&old, id('d'), Some(id('a'))), ranks_of("d a bc"));
        assert_eq!(placed(&old, id('d'), Some(id('b'))), ranks_of("a d bc"));
        assert_eq!(placed(&old, id('d'), Some(id('c'))), ranks_of("a bdc"));
        assert_eq!(placed(&old, id('b'), Some(id('c'))), ranks_of("a b c d"));
        assert_eq!(placed(&old, id('a'), None), ranks_of("bc d a"));
        assert_eq!(placed(&old, id('b'), Some(id('b'))), old);
    }
}
