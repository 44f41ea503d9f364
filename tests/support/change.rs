//! Changes of the configuration that a test makes directly, as the pages and the command line do.

use futures_util::future::BoxFuture;
use modelgate::clock::Clock;
use modelgate_domain::{
    ApiKeyId, Currency, Limit, LimitKind, LimitMode, LimitScope, ModelId, Period,
};
use modelgate_store::api_keys::{self, ApiKeyData};
use modelgate_store::changes::{self, Change};
use modelgate_store::{Conn, StoreError, limits, models, settings};
use serde_json::Value;

use super::app::TestApp;

impl TestApp {
    /// Changes the configuration in one transaction and waits until that is served.
    pub async fn change<F>(&self, work: F)
    where
        F: for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<(), StoreError>> + Send + 'static,
    {
        let change = Change {
            at: Clock::system().now(),
            actor: "test".to_owned(),
            actor_address: String::new(),
            action: "test.change".to_owned(),
            object: "test".to_owned(),
            before: None,
            after: None,
            reason: String::new(),
        };
        let made = self.db().write(move |c| {
            Box::pin(async move {
                work(c).await?;
                changes::record(c, &change).await
            })
        });
        let generation = made
            .await
            .unwrap_or_else(|e: StoreError| panic!("change: {e}"));
        self.wait_for_generation(generation).await;
    }

    /// Saves a setting.
    pub async fn set(&self, key: &'static str, value: impl Into<Value>) {
        let value = value.into();
        self.change(move |c| {
            Box::pin(async move { settings::set(c, key, &value, Clock::system().now()).await })
        })
        .await;
    }

    /// The row of the usual key.
    pub async fn key(&self) -> api_keys::ApiKey {
        let found = self
            .db()
            .read(|c| Box::pin(async move { api_keys::find_by_name(c, "alice").await }))
            .await
            .unwrap_or_else(|e: StoreError| panic!("key: {e}"));
        found.expect("the usual key")
    }

    /// The row of a model.
    pub async fn model(&self, name: &'static str) -> ModelId {
        let found = self
            .db()
            .read(move |c| Box::pin(async move { models::find_by_name(c, name).await }))
            .await
            .unwrap_or_else(|e: StoreError| panic!("model: {e}"));
        found.expect("a model of this name").id
    }

    /// Changes what an operator decides about the usual key.
    pub async fn change_key(&self, change: impl FnOnce(&mut ApiKeyData)) -> ApiKeyId {
        let row = self.key().await;
        let id = row.id;
        let mut data = ApiKeyData::from(row);
        change(&mut data);
        self.change(move |c| {
            Box::pin(async move {
                api_keys::update(c, id, &data, Clock::system().now()).await?;
                Ok(())
            })
        })
        .await;
        id
    }

    /// Replaces the limits on one thing.
    pub async fn limit(&self, scope: LimitScope, scope_id: i64, wanted: &[Limit]) {
        let wanted = wanted.to_vec();
        self.change(move |c| {
            Box::pin(async move { limits::replace(c, scope, scope_id, &wanted).await })
        })
        .await;
    }

    /// Replaces the limits on the usual key.
    pub async fn limit_key(&self, wanted: &[Limit]) {
        let id = self.key().await.id;
        self.limit(LimitScope::ApiKey, id.0, wanted).await;
    }
}

/// A limit that refuses, on whatever it is set on.
pub fn limit(kind: LimitKind, amount: i64) -> Limit {
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

/// A budget in US dollars, of `nanos` each `period`.
pub fn budget(nanos: i64, period: Period) -> Limit {
    Limit {
        currency: Currency::parse("USD").expect("a currency"),
        period: Some(period),
        ..limit(LimitKind::Budget, nanos)
    }
}
