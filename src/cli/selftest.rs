//! `modelgate selftest`: a provider, tried through the running gateway.

use std::net::SocketAddr;
use std::time::Instant;

use modelgate_dialect::Caller;
use modelgate_domain::Modality;
use modelgate_domain::selftest::{Trial, Verdict, count};
use modelgate_store::models::Model;
use modelgate_store::providers::Provider;
use modelgate_store::self_tests::{self, Tested};
use modelgate_store::targets::Target;
use modelgate_store::{Db, StoreError, models, providers, targets};
use serde_json::json;

use super::args::SelftestArgs;
use super::output::Output;
use super::{CliError, Session};
use crate::app;
use crate::assistant::{from_here, key};
use crate::selftest::{self, Gate, NoTest, OWN, Subject};

/// Tries all cases, prints the grid and keeps it.
pub(super) async fn run(
    session: &Session,
    args: &SelftestArgs,
    out: &mut Output,
) -> Result<(), CliError> {
    let db = session.open_existing().await?;
    let (provider, subject) = choose(&db, args).await?;
    let gate = gate(session, args, db.clone()).await?;
    let (started_ms, began) = (session.clock.now_ms(), Instant::now());
    out.say(format_args!(
        "{}/{} through {}",
        subject.provider, subject.model, gate.url
    ))?;
    let mut heading = vec!["CASE".to_owned()];
    heading.extend(Caller::ALL.map(|client| client.name().to_owned()));
    out.say(line(&heading))?;
    let trials = selftest::run(&gate, &subject, |trials| {
        // who reads may have gone; the result is kept all the same
        drop(out.say(line(&row(trials))));
    })
    .await
    .map_err(|none: NoTest| CliError::Failed(none.to_string()))?;
    let tested = Tested {
        provider_id: provider.id,
        model: subject.model.clone(),
        started_ms,
        took_ms: i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX),
        trials: trials.clone(),
    };
    let id = db
        .write(move |c| Box::pin(async move { self_tests::insert(c, &tested).await }))
        .await?;
    tell(id, &subject, &trials, out)
}

fn tell(id: i64, subject: &Subject, trials: &[Trial], out: &mut Output) -> Result<(), CliError> {
    for trial in trials.iter().filter(|trial| !trial.note.is_empty()) {
        out.say(format_args!(
            "{} {}: {} {}",
            trial.case, trial.client, trial.note, trial.request_id
        ))?;
    }
    let [passed, failed, skipped] = count(trials);
    out.say(format_args!(
        "{passed} passed, {failed} failed, {skipped} skipped; kept on the provider's page"
    ))?;
    out.json(&json!({
        "id": id, "provider": subject.provider, "model": subject.model,
        "passed": passed, "failed": failed, "skipped": skipped, "trials": trials,
    }))?;
    if failed > 0 {
        return Err(CliError::Told);
    }
    Ok(())
}

fn row(trials: &[Trial]) -> Vec<String> {
    let name = trials.first().map(|trial| trial.case.clone());
    let cell = |trial: &Trial| {
        let word = match trial.verdict {
            Verdict::Passed if trial.note.is_empty() => "ok",
            Verdict::Passed => "ok, but",
            Verdict::Failed => "FAILED",
            Verdict::Skipped => "-",
        };
        word.to_owned()
    };
    name.into_iter().chain(trials.iter().map(cell)).collect()
}

/// Cells in columns of their own: lines are printed one by one, as the cases end.
fn line(cells: &[String]) -> String {
    let padded: Vec<String> = cells.iter().map(|cell| format!("{cell:<18}")).collect();
    padded.concat().trim_end().to_owned()
}

async fn choose(db: &Db, args: &SelftestArgs) -> Result<(Provider, Subject), CliError> {
    let (all, models, targets) = db
        .read(|c| {
            Box::pin(async move {
                let all = providers::list(c).await?;
                Ok::<_, StoreError>((all, models::list(c).await?, targets::list(c).await?))
            })
        })
        .await?;
    let names: Vec<String> = all.iter().map(|one| one.name.clone()).collect();
    let Some(provider) = all.into_iter().find(|one| one.name == args.provider) else {
        return Err(CliError::Usage(format!(
            "there is no provider {:?}; the providers are {}",
            args.provider,
            names.join(", ")
        )));
    };
    let served = served(&provider, &models, &targets);
    let wanted = |(model, target): &&(&Model, &Target)| match &args.model {
        None => true,
        Some(name) => model.name == *name || target.upstream_model == *name,
    };
    let Some((model, _)) = served.iter().find(wanted) else {
        let names: Vec<&str> = served
            .iter()
            .map(|(model, _)| model.name.as_str())
            .collect();
        return Err(CliError::Usage(format!(
            "{} serves no such chat model that is enabled; it serves {}",
            provider.name,
            if names.is_empty() {
                "none".to_owned()
            } else {
                names.join(", ")
            }
        )));
    };
    let subject = Subject {
        provider: provider.name.clone(),
        model: model.name.clone(),
        tools: model.tools,
        pictures: (!model.modalities.is_unknown()).then(|| model.modalities.has(Modality::Image)),
    };
    Ok((provider, subject))
}

/// The chat models that this provider serves, with how.
fn served<'a>(
    provider: &Provider,
    models: &'a [Model],
    targets: &'a [Target],
) -> Vec<(&'a Model, &'a Target)> {
    let own = targets
        .iter()
        .filter(|target| target.provider_id == provider.id && target.enabled);
    let mut served: Vec<_> = own
        .filter_map(|target| {
            let model = models.iter().find(|model| model.id == target.model_id)?;
            (model.enabled && model.kind == "chat").then_some((model, target))
        })
        .collect();
    served.sort_by(|a, b| a.0.name.cmp(&b.0.name));
    served
}

/// The gateway, and a key that it knows or will know in a moment.
async fn gate(session: &Session, args: &SelftestArgs, db: Db) -> Result<Gate, CliError> {
    let keyring = session.unlock(&db).await?;
    let own = key::derive(&keyring, &OWN)?;
    key::ensure(&db, &session.clock, OWN, &own)
        .await
        .map_err(|silent| CliError::Failed(silent.to_string()))?;
    let config = &session.config;
    let here = || {
        let address = from_here(SocketAddr::new(config.host, config.port));
        format!("http://{address}{}", config.base_path)
    };
    let url = args.url.clone().unwrap_or_else(here);
    Ok(Gate {
        url: url.trim_end_matches('/').to_owned(),
        key: own,
        http: app::http_client()?,
        db,
    })
}
