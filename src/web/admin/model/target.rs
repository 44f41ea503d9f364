//! A model's targets: who serves it, in which order, and while how busy.

use actix_web::web;
use modelgate_domain::{Busyness, Permission, ProviderId, TargetId, naming};
use modelgate_store::targets::TargetData;
use modelgate_store::{changes, targets};
use serde_json::{Value, json};

use super::{Loaded, again, done, load, stored};
use crate::web::admin::components::fields::{Fields, change, save};
use crate::web::admin::components::version::Opened;
use crate::web::admin::models::{chosen_provider, provider_name};
use crate::web::error::PageError;
use crate::web::form::Form;
use crate::web::page::{Operate, Page, PageResult};
use crate::web::state::WebState;

/// While the gateway is at most this busy; always where the field is empty or absent.
fn busyness(fields: &mut Fields<'_>, form: &Form) -> Option<Busyness> {
    let text = form.text("busyness_at_most");
    let level = text.parse().ok();
    if level.is_none() && !text.is_empty() {
        fields.fail("", "admin-model-bad-choice");
    }
    level
}

pub(super) async fn add(
    page: Page<Operate>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
    form: Form,
) -> PageResult {
    let loaded = load(&state, *id).await?;
    let mut fields = Fields::new(&page, &form);
    let provider = chosen_provider(&loaded.providers, form.text("provider"));
    if provider.is_none() {
        fields.fail("provider", "admin-model-bad-choice");
    }
    let data = TargetData {
        model_id: loaded.model.id,
        provider_id: provider.unwrap_or_default(),
        upstream_model: fields.text("upstream_model", naming::model, "admin-model-bad-name"),
        priority: fields.number("priority", &naming::PRIORITIES),
        weight: fields.number("weight", &naming::WEIGHTS),
        enabled: true,
        busyness_at_most: busyness(&mut fields, &form),
    };
    let data = match fields.finish(data) {
        Ok(data) => data,
        Err(form_state) => return again(&page, &loaded, form_state),
    };
    let object = target_object(&loaded, data.provider_id, &data.upstream_model);
    let entry = change(&page, &state, "target.create", object, Some(audited(&data)));
    let saved = save(&page, &state, &form, move |c| {
        Box::pin(async move {
            targets::insert(c, &data, entry.at).await?;
            changes::record(c, &entry).await?;
            Ok(())
        })
    })
    .await?;
    done(&page, &loaded, saved, "admin-model-saved")
}

/// Saves a target's priority, weight and switch, or removes it.
pub(super) async fn edit(
    page: Page<Operate>,
    state: web::Data<WebState>,
    ids: web::Path<(i64, i64)>,
    form: Form,
) -> PageResult {
    let (id, target) = *ids;
    let loaded = load(&state, id).await?;
    let target = TargetId(target);
    let old = loaded
        .targets
        .iter()
        .find(|t| t.id == target)
        .ok_or(PageError::NotFound)?;
    let mut fields = Fields::new(&page, &form);
    let removes = form.checked("remove");
    if removes && !page.may(Permission::Delete) {
        return Err(PageError::Forbidden);
    }
    let data = TargetData {
        model_id: old.model_id,
        provider_id: old.provider_id,
        upstream_model: old.upstream_model.clone(),
        priority: fields.number("priority", &naming::PRIORITIES),
        weight: fields.number("weight", &naming::WEIGHTS),
        enabled: form.checked("enabled"),
        busyness_at_most: busyness(&mut fields, &form),
    };
    let data = match fields.finish(data) {
        Ok(data) => data,
        Err(form_state) => return again(&page, &loaded, form_state),
    };
    let action = if removes {
        "target.delete"
    } else {
        "target.update"
    };
    let after = (!removes).then(|| audited(&data));
    let object = target_object(&loaded, data.provider_id, &data.upstream_model);
    let mut entry = change(&page, &state, action, object.clone(), after);
    entry.before = Some(audited(&TargetData::from(old.clone())));
    let opened = Opened::of(&form);
    let model = loaded.model.id;
    let saved = save(&page, &state, &form, move |c| {
        Box::pin(async move {
            if removes {
                targets::delete(c, target, entry.at).await?;
            } else {
                let all = targets::list_of(c, model).await?;
                let now = all.iter().find(|t| t.id == target);
                let now = stored::target(now.ok_or(PageError::NotFound)?);
                opened.check(c, &now, &object).await?;
                targets::update(c, target, &data, entry.at).await?;
            }
            changes::record(c, &entry).await?;
            Ok(())
        })
    })
    .await?;
    done(&page, &loaded, saved, "admin-model-saved")
}

/// What the audit log calls a target.
pub(super) fn target_object(loaded: &Loaded, provider: ProviderId, upstream: &str) -> String {
    let provider = provider_name(&loaded.providers, provider);
    format!("model {} target {provider}/{upstream}", loaded.model.name)
}

fn audited(data: &TargetData) -> Value {
    json!({
        "priority": data.priority, "weight": data.weight, "enabled": data.enabled,
        "busyness_at_most": data.busyness_at_most,
    })
}
