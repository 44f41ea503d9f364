//! The key of the gateway's own calls: derived from the master key, so that no instance has to keep it, and a row like
//! any other, so that its limits, its use and its requests show where those of all keys do.

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

/// What the key is called.
pub const NAME: &str = "modelgate-assistant";
/// What it may do unless an operator says otherwise.
const RPM: i64 = 30;
const CONCURRENCY: i64 = 2;

/// The same text for the same master key.
pub(super) fn derive(keyring: &Keyring) -> Result<KeyText, SecretsError> {
    let bytes = keyring.derive("the gateway's own key")?;
    let letters = HEXLOWER.encode(&bytes);
    let text = format!(
        "{}{}",
        api_key::PREFIX,
        letters.get(..64).unwrap_or_default()
    );
    KeyText::parse(&text).map_err(|_never| SecretsError::Random)
}

/// Makes the key where it is not there.
pub(super) async fn ensure(db: &Db, clock: &Clock, key: &KeyText) -> Result<(), Silent> {
    let found = db
        .read(|c| Box::pin(api_keys::find_by_name(c, NAME)))
        .await?;
    if let Some(row) = found {
        let is_ours = row.key_hash == hash_key(key.expose());
        return is_ours.then_some(()).ok_or(Silent::Key);
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
                name: NAME.to_owned(),
                ..ApiKeyData::default()
            };
            let id = api_keys::insert(c, &data, &material, now).await?;
            let own = [
                limit(LimitKind::Rpm, RPM),
                limit(LimitKind::Concurrency, CONCURRENCY),
            ];
            limits::replace(c, LimitScope::ApiKey, id.0, &own).await?;
            let change = Change {
                at: now,
                actor: "system".to_owned(),
                actor_address: String::new(),
                action: "api_key.create".to_owned(),
                object: format!("api key {NAME}"),
                before: None,
                after: None,
                reason: "for the gateway's own questions to models".to_owned(),
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
