//! `modelgate secrets`: seal every vendor credential, and providers' headers and proxies, with the present key, or drop
//! what no key opens any more.

use modelgate_domain::{CredentialState, Secret, StateBy};
use modelgate_store::provider_keys::NewState;
use modelgate_store::providers::ProviderData;
use modelgate_store::{
    Conn, changes, instances, key_links, provider_keys, providers, secrets_check,
};
use serde_json::json;

use super::args::{ResetArgs, SecretsCommand};
use super::output::Output;
use super::{CliError, Session};
use crate::backup::BackupError;
use crate::catalog::{SEALED_IN, outbound};
use crate::secrets::{KeySource, Keyring, SecretsError};

/// Runs the command.
pub(super) async fn run(
    session: &Session,
    command: &SecretsCommand,
    out: &mut Output,
) -> Result<(), CliError> {
    match command {
        SecretsCommand::Rotate(_) => rotate(session, out).await,
        SecretsCommand::Reset(args) => reset(session, args, out).await,
    }
}

async fn rotate(session: &Session, out: &mut Output) -> Result<(), CliError> {
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

/// Drops what the present key does not open. What lost its credential or its way out is switched off: nothing is sent
/// without the key, the headers or the proxy that somebody wanted.
async fn reset(session: &Session, args: &ResetArgs, out: &mut Output) -> Result<(), CliError> {
    let db = session.open_existing().await?;
    let keyring = match Keyring::load(&KeySource::of(&session.config, args.yes)) {
        Ok(keyring) => Some(keyring),
        // Only to look, no key file is made.
        Err(SecretsError::KeyFileLost { .. }) if !args.yes => None,
        Err(error) => return Err(error.into()),
    };
    let (now, now_ms) = (session.clock.now(), session.clock.now_ms());
    let mut change = session.change("secrets.reset", "master key".to_owned());
    let yes = args.yes;
    let lost = db
        .write(move |c| {
            Box::pin(async move {
                changes::lock(c).await?;
                let lost = Lost::find(c, keyring.as_ref()).await?;
                if let Some(keyring) = keyring.filter(|_| yes) {
                    if !instances::present(c, now_ms).await?.is_empty() {
                        return Err(BackupError::Running.into());
                    }
                    lost.drop_all(c, &keyring, now).await?;
                    key_links::delete_sealed(c).await?;
                    secrets_check::set(c, &keyring.check_value(), now).await?;
                    change.after = Some(lost.names());
                    changes::record(c, &change).await?;
                }
                Ok::<_, CliError>(lost)
            })
        })
        .await?;
    out.json(&json!({ "dropped": yes, "lost": lost.names() }))?;
    for (key, provider) in &lost.keys {
        out.say(format_args!("credential {} of {provider}", key.label))?;
    }
    for provider in &lost.outbound {
        out.say(format_args!("headers and proxy of {}", provider.name))?;
    }
    out.say(match (yes, lost.keys.is_empty() && lost.outbound.is_empty()) {
        (_, true) => "the present key opens everything",
        (true, false) => {
            "these were dropped and are switched off: enter them again in the portal or with `modelgate apply`, and switch them on"
        }
        (false, false) => "these would be dropped; `--yes` does it",
    })
}

/// What the present key does not open.
struct Lost {
    /// Credentials, each with its provider's name.
    keys: Vec<(provider_keys::ProviderKey, String)>,
    outbound: Vec<providers::Provider>,
}

impl Lost {
    async fn find(c: &mut Conn, keyring: Option<&Keyring>) -> Result<Self, CliError> {
        let all = providers::list(c).await?;
        let mut keys = Vec::new();
        for key in provider_keys::list(c).await? {
            let opens = |ring: &Keyring| {
                let opened = ring.open(SEALED_IN, key.id.0, key.secret.expose());
                opened.is_ok()
            };
            if !keyring.is_some_and(opens) {
                let provider = all.iter().find(|p| p.id == key.provider_id);
                let name = provider.map(|p| p.name.clone()).unwrap_or_default();
                keys.push((key, name));
            }
        }
        let closed = |p: &providers::Provider| match keyring {
            Some(ring) => outbound::headers(p, ring).is_err() || outbound::proxy(p, ring).is_err(),
            None => !outbound::is_absent(p),
        };
        let outbound = all.into_iter().filter(closed).collect();
        Ok(Self { keys, outbound })
    }

    fn names(&self) -> serde_json::Value {
        let keys = self.keys.iter();
        let keys: Vec<_> = keys.map(|(key, p)| format!("{p}/{}", key.label)).collect();
        let providers: Vec<_> = self.outbound.iter().map(|p| &p.name).collect();
        json!({ "credentials": keys, "headers_and_proxies": providers })
    }

    async fn drop_all(
        &self,
        c: &mut Conn,
        keyring: &Keyring,
        now: chrono::DateTime<chrono::Utc>,
    ) -> Result<(), CliError> {
        let off = NewState {
            state: CredentialState::Disabled,
            reason: "the master key was lost".to_owned(),
            by: StateBy::Admin,
            until_ms: None,
        };
        for (key, _) in &self.keys {
            let empty = keyring.seal(SEALED_IN, key.id.0, &Secret::new(""))?;
            provider_keys::set_secret(c, key.id, &empty, "", now).await?;
            provider_keys::set_state(c, key.id, &off, now).await?;
        }
        for row in &self.outbound {
            let none = outbound::seal(keyring, row.id, &[], &Secret::new(""))?;
            providers::set_outbound(c, row.id, &none).await?;
            let data = ProviderData {
                enabled: false,
                ..row.clone().into()
            };
            providers::update(c, row.id, &data, now).await?;
        }
        Ok(())
    }
}
