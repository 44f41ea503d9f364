//! What operators configure: providers, credentials, models, targets, prices, limits, settings.

use modelgate_domain::{
    CredentialState, Currency, Limit, LimitKind, LimitScope, ModelId, Price, PriceId, ProviderId,
    StateBy,
};
use modelgate_store::models::{Alias, ModelData};
use modelgate_store::prices::PriceOf;
use modelgate_store::provider_keys::NewState;
use modelgate_store::providers::{ProviderData, SealedOutbound};
use modelgate_store::targets::TargetData;
use modelgate_store::{
    Db, StoreError, catalog, limits, models, prices, provider_keys, providers, secrets_check,
    settings, targets,
};
use serde_json::json;

use crate::support::{each_engine, read, time, write};

fn acme() -> ProviderData {
    ProviderData {
        name: "acme".to_owned(),
        display_name: "Acme".to_owned(),
        template: String::new(),
        protocol: "openai".to_owned(),
        base_url: "http://127.0.0.1:9100/v1".to_owned(),
        user_agent: Some("robot/1".to_owned()),
        connect_timeout_ms: 2_000,
        first_byte_timeout_ms: 60_000,
        idle_timeout_ms: 60_000,
        enabled: true,
    }
}

fn gpt(name: &str) -> ModelData {
    ModelData {
        name: name.to_owned(),
        display_name: String::new(),
        kind: "chat".to_owned(),
        context_length: Some(128_000),
        max_output_tokens: None,
        enabled: true,
        hidden: false,
        ..ModelData::default()
    }
}

fn target(model_id: ModelId, provider_id: ProviderId, priority: i64) -> TargetData {
    TargetData {
        model_id,
        provider_id,
        upstream_model: format!("gpt-x-{priority}"),
        priority,
        weight: 100,
        enabled: true,
        busyness_at_most: None,
    }
}

async fn provider(db: &Db) -> ProviderId {
    write!(db, |c| providers::insert(c, &acme(), time(0))).unwrap()
}

async fn model(db: &Db, name: &'static str) -> ModelId {
    write!(db, |c| models::insert(c, &gpt(name), time(0))).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn providers_keep_their_name_after_deletion_and_free_it() {
    each_engine(async |db| {
        let id = provider(&db).await;
        let row = read!(db, |c| providers::find(c, id)).unwrap();
        assert_eq!(ProviderData::from(row), acme());
        let taken = write!(db, |c| providers::insert(c, &acme(), time(1)));
        assert!(taken.unwrap_err().is_conflict("providers", "name"));

        let mut bare = acme();
        (bare.user_agent, bare.enabled) = (None, false);
        let sealed = SealedOutbound {
            extra_headers: "v1.headers".to_owned(),
            proxy_url: Some("v1.proxy".to_owned()),
        };
        let kept = sealed.clone();
        assert!(write!(db, |c| providers::set_outbound(c, id, &kept)).unwrap());
        let changed = bare.clone();
        assert!(write!(db, |c| providers::update(c, id, &changed, time(2))).unwrap());
        let row = read!(db, |c| providers::find(c, id)).unwrap();
        assert_eq!((row.created_at, row.updated_at), (time(0), time(2)));
        assert_eq!(row.extra_headers, sealed.extra_headers);
        assert_eq!(row.proxy_url, sealed.proxy_url);
        assert_eq!(ProviderData::from(row), bare);

        let key = write!(db, |c| provider_keys::insert(c, id, "main", 100, time(3))).unwrap();
        write!(db, |c| provider_keys::set_secret(
            c,
            key,
            "sealed",
            "1234",
            time(3)
        ))
        .unwrap();
        let model = model(&db, "gpt-x").await;
        write!(db, |c| targets::insert(c, &target(model, id, 1), time(3))).unwrap();
        assert!(write!(db, |c| providers::delete(c, id, time(4))).unwrap());
        assert!(!write!(db, |c| providers::update(c, id, &acme(), time(5))).unwrap());
        assert_eq!(read!(db, |c| providers::list(c)), []);
        assert_eq!(read!(db, |c| provider_keys::list(c)), []);
        assert_eq!(read!(db, |c| targets::list(c)), []);
        let wiped = read!(db, |c| provider_keys::find(c, key)).unwrap();
        assert_eq!(wiped.secret.expose(), "");

        let again = provider(&db).await;
        let names = read!(db, |c| providers::names(c));
        assert_eq!(names, [(id, "acme".to_owned()), (again, "acme".to_owned())]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials() {
    each_engine(async |db| {
        let acme = provider(&db).await;
        let id = write!(db, |c| provider_keys::insert(c, acme, "main", 100, time(0))).unwrap();
        let taken = write!(db, |c| provider_keys::insert(c, acme, "main", 50, time(0)));
        assert!(
            taken
                .unwrap_err()
                .is_conflict("provider_keys", "provider_id_label")
        );
        let orphan = write!(db, |c| provider_keys::insert(
            c,
            ProviderId(99),
            "x",
            1,
            time(0)
        ));
        assert!(
            matches!(orphan, Err(StoreError::Reference(_))),
            "{orphan:?}"
        );

        write!(db, |c| provider_keys::set_secret(
            c,
            id,
            "canary",
            "1234",
            time(1)
        ))
        .unwrap();
        assert!(write!(db, |c| provider_keys::update(c, id, "first", 7, time(2))).unwrap());
        write!(db, |c| provider_keys::set_tested(c, id, Ok(time(3)))).unwrap();
        let row = read!(db, |c| provider_keys::find(c, id)).unwrap();
        assert!(!format!("{row:?}").contains("canary"));
        assert_eq!(
            (row.label.as_str(), row.weight, row.secret.expose()),
            ("first", 7, "canary")
        );
        assert_eq!(
            (row.last_ok_at, row.last_error.as_str()),
            (Some(time(3)), "")
        );
        write!(db, |c| provider_keys::set_tested(c, id, Err("refused"))).unwrap();
        let row = read!(db, |c| provider_keys::find(c, id)).unwrap();
        assert_eq!(
            (row.last_ok_at, row.last_error.as_str()),
            (Some(time(3)), "refused")
        );

        assert!(write!(db, |c| provider_keys::delete(c, id, time(4))).unwrap());
        assert_eq!(read!(db, |c| provider_keys::list_of(c, acme)), []);
        assert_eq!(
            read!(db, |c| provider_keys::find(c, id))
                .unwrap()
                .secret
                .expose(),
            ""
        );
        write!(db, |c| provider_keys::insert(c, acme, "first", 1, time(5))).unwrap();
        assert_eq!(read!(db, |c| provider_keys::names(c)).len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_operator_disabled_stays_disabled() {
    each_engine(async |db| {
        let acme = provider(&db).await;
        let id = write!(db, |c| provider_keys::insert(c, acme, "main", 100, time(0))).unwrap();
        let state = |state, by| NewState {
            state,
            reason: "because".to_owned(),
            by,
            until_ms: Some(5),
        };
        for (new, taken) in [
            (state(CredentialState::Cooldown, StateBy::System), true),
            (state(CredentialState::Disabled, StateBy::Admin), true),
            (state(CredentialState::Active, StateBy::System), false),
            (state(CredentialState::Active, StateBy::Admin), true),
            (state(CredentialState::Disabled, StateBy::System), true),
            (state(CredentialState::Active, StateBy::System), true),
        ] {
            let wanted = new.clone();
            let done = write!(db, |c| provider_keys::set_state(c, id, &wanted, time(1))).unwrap();
            assert_eq!(done, taken, "{new:?}");
            let row = read!(db, |c| provider_keys::find(c, id)).unwrap();
            assert_eq!((row.state == new.state && row.state_by == new.by), taken);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn models_and_their_aliases() {
    each_engine(async |db| {
        let (x, y) = (model(&db, "gpt-x").await, model(&db, "gpt-y").await);
        let taken = write!(db, |c| models::insert(c, &gpt("gpt-x"), time(1)));
        assert!(taken.unwrap_err().is_conflict("models", "name"));
        let mut data = gpt("gpt-x");
        (data.context_length, data.max_output_tokens, data.hidden) = (None, Some(5), true);
        let changed = data.clone();
        assert!(write!(db, |c| models::update(c, x, &changed, time(2))).unwrap());
        let row = read!(db, |c| models::find_by_name(c, "gpt-x")).unwrap();
        assert_eq!(ModelData::from(row), data);

        let two = ["b".to_owned(), "a".to_owned()];
        write!(db, |c| models::set_aliases(c, x, &two)).unwrap();
        assert_eq!(read!(db, |c| models::aliases_of(c, x)), ["a", "b"]);
        let taken = write!(db, |c| models::set_aliases(c, y, &["b".to_owned()]));
        assert!(taken.unwrap_err().is_conflict("model_aliases", "alias"));
        write!(db, |c| models::set_aliases(c, x, &["c".to_owned()])).unwrap();
        let alias = Alias {
            alias: "c".to_owned(),
            model_id: x,
        };
        assert_eq!(read!(db, |c| models::aliases(c)), [alias]);

        assert!(write!(db, |c| models::delete(c, x, time(3))).unwrap());
        assert_eq!(read!(db, |c| models::aliases(c)), []);
        assert_eq!(read!(db, |c| models::list(c)).len(), 1);
        let again = model(&db, "gpt-x").await;
        assert_eq!(
            read!(db, |c| models::find_by_name(c, "gpt-x")).unwrap().id,
            again
        );
        assert_eq!(read!(db, |c| models::names(c)).len(), 3);
        assert_eq!(
            read!(db, |c| models::find(c, x)).unwrap().deleted_at,
            Some(time(3))
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn targets_are_unique_and_listed_by_priority() {
    each_engine(async |db| {
        let (acme, x) = (provider(&db).await, model(&db, "gpt-x").await);
        let second = write!(db, |c| targets::insert(c, &target(x, acme, 2), time(0))).unwrap();
        let first = write!(db, |c| targets::insert(c, &target(x, acme, 1), time(0))).unwrap();
        let taken = write!(db, |c| targets::insert(c, &target(x, acme, 1), time(0)));
        assert!(
            taken
                .unwrap_err()
                .is_conflict("targets", "model_id_provider_id_upstream_model")
        );
        let order = |rows: Vec<targets::Target>| rows.iter().map(|t| t.id).collect::<Vec<_>>();
        assert_eq!(
            order(read!(db, |c| targets::list_of(c, x))),
            [first, second]
        );
        let mut data = target(x, acme, 1);
        (data.priority, data.weight, data.enabled) = (3, 0, false);
        assert!(write!(db, |c| targets::update(c, first, &data, time(1))).unwrap());
        assert_eq!(order(read!(db, |c| targets::list(c))), [second, first]);
        let row = read!(db, |c| targets::list_of(c, x)).pop().unwrap();
        assert_eq!(row.id, first);
        assert_eq!((row.priority, row.weight, row.enabled), (3, 0, false));
        assert!(write!(db, |c| targets::delete(c, first, time(2))).unwrap());
        write!(db, |c| targets::insert(c, &target(x, acme, 1), time(3))).unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn prices_are_superseded() {
    each_engine(async |db| {
        let price = |from: i64, input: i64| Price {
            id: PriceId::NONE,
            currency: Currency::parse("USD").unwrap(),
            input,
            cached_input: Some(input / 2),
            cache_write: None,
            output: 4 * input,
            reasoning: None,
            per_request_nanos: 9,
            effective_from_ms: 1_790_000_000_000 + from,
        };
        let of = PriceOf::Model(ModelId(1));
        let at_one = PriceOf::Target(modelgate_domain::TargetId(1));
        let old = write!(db, |c| prices::insert(c, of, &price(0, 150), time(0))).unwrap();
        let new = write!(db, |c| prices::insert(c, of, &price(7, 100), time(1))).unwrap();
        let own = write!(db, |c| prices::insert(c, at_one, &price(5, 80), time(1))).unwrap();
        let listed = read!(db, |c| prices::list_of(c, of));
        assert_eq!(
            listed,
            [
                Price {
                    id: new,
                    ..price(7, 100)
                },
                Price {
                    id: old,
                    ..price(0, 150)
                }
            ]
        );
        assert_eq!(read!(db, |c| prices::find(c, own)).unwrap().of, at_one);
        let all: Vec<PriceId> = read!(db, |c| prices::list(c))
            .iter()
            .map(|p| p.price.id)
            .collect();
        assert_eq!(all, [new, own, old]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_settings_and_the_key_check() {
    each_engine(async |db| {
        const SCOPE: LimitScope = LimitScope::ProviderKey;
        const KIND: LimitKind = LimitKind::Concurrency;
        let amounts = |all: Vec<Limit>| all.iter().map(|limit| limit.amount).collect::<Vec<_>>();
        for amount in [8, 9] {
            write!(db, |c| limits::set(c, SCOPE, 1, KIND, Some(amount))).unwrap();
            assert_eq!(amounts(read!(db, |c| limits::list(c))), [amount]);
        }
        write!(db, |c| limits::set(c, SCOPE, 1, KIND, None)).unwrap();
        assert_eq!(amounts(read!(db, |c| limits::list(c))), [0; 0]);

        assert_eq!(read!(db, |c| secrets_check::find(c)), None);
        write!(db, |c| secrets_check::set(c, "check", time(0))).unwrap();
        assert_eq!(
            read!(db, |c| secrets_check::find(c)).as_deref(),
            Some("check")
        );
        assert_eq!(read!(db, |c| settings::list(c)), []);
        write!(db, |c| settings::set(
            c,
            "icp_number",
            &json!("京ICP备1号"),
            time(1)
        ))
        .unwrap();
        write!(db, |c| settings::set(
            c,
            "icp_number",
            &json!(null),
            time(2)
        ))
        .unwrap();
        let rows = read!(db, |c| settings::list(c));
        let [row] = rows.as_slice() else {
            panic!("{rows:?}")
        };
        assert_eq!(
            (row.key.as_str(), &row.value, row.updated_at),
            ("icp_number", &json!(null), time(2))
        );
        assert!(write!(db, |c| settings::delete(c, "icp_number")).unwrap());
        assert!(!write!(db, |c| settings::delete(c, "icp_number")).unwrap());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalog_holds_what_is_not_deleted() {
    each_engine(async |db| {
        let (acme, x, gone) = (
            provider(&db).await,
            model(&db, "gpt-x").await,
            model(&db, "gone").await,
        );
        write!(db, |c| provider_keys::insert(c, acme, "main", 100, time(0))).unwrap();
        write!(db, |c| models::set_aliases(c, x, &["x".to_owned()])).unwrap();
        for model in [x, gone] {
            write!(db, |c| targets::insert(c, &target(model, acme, 1), time(0))).unwrap();
        }
        write!(db, |c| models::delete(c, gone, time(1))).unwrap();
        let rows = catalog::load(&db).await.unwrap();
        assert_eq!(rows.generation, 0);
        assert_eq!(rows.providers.len(), 1);
        assert_eq!(rows.provider_keys.len(), 1);
        assert_eq!(rows.aliases.len(), 1);
        assert_eq!(rows.models.iter().map(|m| m.id).collect::<Vec<_>>(), [x]);
        assert_eq!(
            rows.targets.iter().map(|t| t.model_id).collect::<Vec<_>>(),
            [x]
        );
    })
    .await;
}
