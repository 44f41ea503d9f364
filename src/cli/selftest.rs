//! `modelgate selftest`: a provider, tried through the running gateway.

use std::net::SocketAddr;

use modelgate_dialect::Caller;
use modelgate_domain::selftest::{Trial, Verdict, count};
use modelgate_store::providers::Provider;
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
    out.say(format_args!(
        "{}/{} through {}",
        subject.provider, subject.model, gate.url
    ))?;
    let mut heading = vec!["CASE".to_owned()];
    heading.extend(Caller::ALL.map(|client| client.name().to_owned()));
    out.say(line(&heading))?;
    let outcome = selftest::run(&gate, &subject, &session.clock, |trials| {
        // who reads may have gone; the result is kept all the same
        drop(out.say(line(&row(trials))));
    })
    .await
    .map_err(|none: NoTest| CliError::Failed(none.to_string()))?;
    let trials = outcome.trials.clone();
    let id = selftest::keep(&db, provider.id, outcome).await?;
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
    let served = selftest::subjects((provider.id, &provider.name), &models, &targets);
    let wanted = |(subject, upstream_model): &&(Subject, String)| match &args.model {
        None => true,
        Some(name) => subject.model == *name || upstream_model == name,
    };
    let Some((subject, _)) = served.iter().find(wanted) else {
        let names: Vec<&str> = served.iter().map(|(one, _)| one.model.as_str()).collect();
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
    let subject = subject.clone();
    Ok((provider, subject))
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
