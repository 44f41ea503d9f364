//! `modelgate secrets rotate`: seal every vendor credential, and providers' headers and proxies, with the present key.

use modelgate_store::{changes, key_links, provider_keys, providers, secrets_check};
use serde_json::json;

use super::args::SecretsCommand;
use super::output::Output;
use super::{CliError, Session};
use crate::catalog::{SEALED_IN, outbound};
use crate::secrets::{KeySource, Keyring};

/// Runs the command.
pub(super) async fn run(
    session: &Session,
    command: &SecretsCommand,
    out: &mut Output,
) -> Result<(), CliError> {
    let SecretsCommand::Rotate(_) = command;
    let db = session.open_existing().await?;
    let keyring = Keyring::load(&KeySource::of(&session.config, false))?;
    let now = session.clock.now();
    let mut change = session.change("secrets.rotate", "master key".to_owned());
    let sealed = db
        .write(move |c| {
            Box::pin(async move {
                changes::lock(c).await?;
                if let Some(stored) = secrets_check::find(c).await? {
                    keyring.check(&stored)?;
                }
                let mut sealed = 0_u64;
                for row in provider_keys::list(c).await? {
                    if keyring.is_current(row.secret.expose()) {
                        continue;
                    }
                    let secret = keyring.open(SEALED_IN, row.id.0, row.secret.expose())?;
                    let text = keyring.seal(SEALED_IN, row.id.0, &secret)?;
                    provider_keys::set_secret(c, row.id, &text, &secret.last4(), now).await?;
                    sealed += 1;
                }
                for row in providers::list(c).await? {
                    if !outbound::is_current(&row, &keyring) {
                        let headers = outbound::headers(&row, &keyring)?;
                        let proxy = outbound::proxy(&row, &keyring)?;
                        let text = outbound::seal(&keyring, row.id, &headers, &proxy)?;
                        providers::set_outbound(c, row.id, &text).await?;
                        sealed += 1;
                    }
                }
                key_links::delete_sealed(c).await?;
                secrets_check::set(c, &keyring.check_value(), now).await?;
                change.after = Some(json!({ "sealed": sealed }));
                changes::record(c, &change).await?;
                Ok::<_, CliError>(sealed)
            })
        })
        .await?;
    out.say(format_args!(
        "sealed {sealed} secrets with the present key; SECRET_KEY_PREVIOUS is not needed any more once every instance runs with it"
    ))?;
    out.json(&json!({ "sealed": sealed }))
}
