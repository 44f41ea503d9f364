//! The keys of the gateway's own calls: derived from the master key, so that no instance has to keep them, and rows like
//! any other, so that their limits, their use and their requests show where those of all keys do.

use data_encoding::HEXLOWER;
use modelgate_domain::{
    Currency, KeyText, Limit, LimitKind, LimitMode, LimitScope, ModelId, api_key,
};
use modelgate_store::api_keys::{self, ApiKeyData, KeyMaterial};
use modelgate_store::changes::{self, Change};
use modelgate_store::{Db, StoreError, limits};

use super::Silent;
use crate::clock::Clock;
use crate::secrets::{Keyring, SecretsError, hash_key};

/// A key of the gateway's own.
#[derive(Clone, Copy, Debug)]
pub struct Own {
    /// What it is called.
    pub name: &'static str,
    /// What it is derived for; another text is another key.
    pub purpose: &'static str,
    /// What the audit log says it is for.
    pub reason: &'static str,
    /// What it may do in a minute unless an operator says otherwise.
    pub rpm: i64,
    /// And at once.
    pub concurrency: i64,
}

/// The assistant's.
pub const ASSISTANT: Own = Own {
    name: "modelgate-assistant",
    purpose: "the gateway's own key",
    reason: "for the gateway's own questions to models",
    rpm: 30,
    concurrency: 2,
};

/// The same text for the same master key.
pub fn derive(keyring: &Keyring, own: &Own) -> Result<KeyText, SecretsError> {
    let bytes = keyring.derive(own.purpose)?;
    let letters = HEXLOWER.encode(&bytes);
    let text = format!(
        "{}{}",
        api_key::PREFIX,
        letters.get(..64).unwrap_or_default()
    );
    KeyText::parse(&text).map_err(|_never| SecretsError::Random)
}

/// Makes the key where it is not there.
pub async fn ensure(db: &Db, clock: &Clock, own: Own, key: &KeyText) -> Result<(), Silent> {
    let found = db
        .read(move |c| Box::pin(api_keys::find_by_name(c, own.name)))
        .await?;
    if let Some(row) = found {
        let is_ours = row.key_hash == hash_key(key.expose());
        return is_ours.then_some(()).ok_or(Silent::Key(own.name));
    }
    let material = KeyMaterial {
        hash: hash_key(key.expose()),
        prefix: key.prefix(),
        last4: key.last4(),
    };
    let now = clock.now();
    db.write(move |c| {
        Box::pin(async move {
            let data = ApiKeyData {
                name: own.name.to_owned(),
                ..ApiKeyData::default()
            };
            let id = api_keys::insert(c, &data, &material, now).await?;
            let most = [
                limit(LimitKind::Rpm, own.rpm),
                limit(LimitKind::Concurrency, own.concurrency),
            ];
            limits::replace(c, LimitScope::ApiKey, id.0, &most).await?;
            let change = Change {
                at: now,
                actor: "system".to_owned(),
                actor_address: String::new(),
                action: "api_key.create".to_owned(),
                object: format!("api key {}", own.name),
                before: None,
                after: None,
                reason: own.reason.to_owned(),
            };
            changes::record(c, &change).await?;
            Ok::<_, StoreError>(())
        })
    })
    .await?;
    Ok(())
}

fn limit(kind: LimitKind, amount: i64) -> Limit {
    Limit {
        scope: LimitScope::ApiKey,
        scope_id: 0,
        model_id: ModelId::NONE,
        kind,
        amount,
        currency: Currency::unpriced(),
        period: None,
        mode: LimitMode::Enforce,
    }
}
