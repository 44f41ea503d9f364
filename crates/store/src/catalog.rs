//! Everything the data plane needs to know, in one consistent read.

use futures_util::FutureExt as _;
use modelgate_domain::{ApiKeyId, Limit, TimeRule};

use crate::api_keys::{Allowed, ApiKey};
use crate::busyness_rules::BusynessRule;
use crate::error_rules::ErrorRule;
use crate::models::{Alias, Fallback, Model};
use crate::prices::PriceRow;
use crate::provider_keys::ProviderKey;
use crate::providers::Provider;
use crate::settings::Setting;
use crate::targets::Target;
use crate::users::User;
use crate::{
    Conn, Db, StoreError, api_keys, busyness_rules, changes, error_rules, limits, models, prices,
    provider_keys, providers, settings, targets, time_rules, users,
};

/// The rows of one generation; nothing deleted is among them.
#[derive(Clone, Debug, Default)]
pub struct CatalogRows {
    /// Which generation.
    pub generation: i64,
    /// Vendors.
    pub providers: Vec<Provider>,
    /// Their credentials, sealed.
    pub provider_keys: Vec<ProviderKey>,
    /// Public models.
    pub models: Vec<Model>,
    /// Their second names.
    pub aliases: Vec<Alias>,
    /// Which ones take over for which.
    pub fallbacks: Vec<Fallback>,
    /// Where they can be served.
    pub targets: Vec<Target>,
    /// Prices, newest first.
    pub prices: Vec<PriceRow>,
    /// Accounts.
    pub users: Vec<User>,
    /// API keys.
    pub api_keys: Vec<ApiKey>,
    /// Their allow-lists.
    pub api_key_models: Vec<(ApiKeyId, Allowed)>,
    /// When they may be used.
    pub time_rules: Vec<(ApiKeyId, TimeRule)>,
    /// Limits.
    pub limits: Vec<Limit>,
    /// What vendors' errors mean, in the order in which the rows decide.
    pub error_rules: Vec<ErrorRule>,
    /// What happens to calls while the gateway is busy.
    pub busyness_rules: Vec<BusynessRule>,
    /// Saved settings.
    pub settings: Vec<Setting>,
}

/// Reads all rows as of one moment.
pub async fn load(db: &Db) -> Result<CatalogRows, StoreError> {
    db.read_snapshot(|c| rows(c).boxed()).await
}

/// Reads all rows on a connection at hand; torn unless that is inside a snapshot or a write transaction.
pub async fn rows(c: &mut Conn) -> Result<CatalogRows, StoreError> {
    Ok(CatalogRows {
        generation: changes::generation(c).await?,
        providers: providers::list(c).await?,
        provider_keys: provider_keys::list(c).await?,
        models: models::list(c).await?,
        aliases: models::aliases(c).await?,
        fallbacks: models::fallbacks(c).await?,
        targets: targets::list(c).await?,
        prices: prices::list(c).await?,
        users: users::list(c).await?,
        api_keys: api_keys::list(c).await?,
        api_key_models: api_keys::all_allowed(c).await?,
        time_rules: time_rules::list(c).await?,
        limits: limits::list(c).await?,
        error_rules: error_rules::list(c).await?,
        busyness_rules: busyness_rules::list(c).await?,
        settings: settings::list(c).await?,
    })
}
