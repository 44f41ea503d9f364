//! Accounts, sessions, API keys, the audit log.

use chrono::TimeDelta;
use modelgate_domain::{ApiKeyId, ModelId, Permission, Role, Secret, TargetId, UserId};
use modelgate_store::api_keys::{Allowed, ApiKeyData, KeyMaterial};
use modelgate_store::sessions::Session;
use modelgate_store::users::{NewUser, UserData};
use modelgate_store::{api_keys, audit, changes, sessions, setup_links, users};
use serde_json::json;

use crate::support::{each_engine, read, time, write};

fn person(username: &str, role: Role) -> NewUser {
    NewUser {
        username: username.to_owned(),
        email: Some(format!("{username}@example.org")),
        display_name: "Ann \"A\" Ännchen".to_owned(),
        password_hash: Some(Secret::new("$argon2id$canary")),
        must_change_password: false,
        role,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts() {
    each_engine(async |db| {
        let ann = write!(db, |c| users::insert(
            c,
            &person("ann", Role::Admin),
            time(0)
        ))
        .unwrap();
        let bob = write!(db, |c| users::insert(
            c,
            &person("bob", Role::User),
            time(0)
        ))
        .unwrap();
        assert_ne!(ann, bob);
        let taken = write!(db, |c| users::insert(
            c,
            &person("ann", Role::User),
            time(1)
        ));
        assert!(taken.unwrap_err().is_conflict("users", "username"));
        assert_eq!(
            read!(db, |c| users::count_who_may(c, Permission::Accounts)),
            1
        );

        assert!(
            write!(db, |c| users::set_password(
                c,
                ann,
                &Secret::new("new"),
                true,
                time(2)
            ))
            .unwrap()
        );
        write!(db, |c| users::set_preferences(
            c,
            ann,
            Some("zh"),
            Some("dark")
        ))
        .unwrap();
        write!(db, |c| users::set_last_login(c, ann, time(3))).unwrap();
        let off = |username: &str| UserData {
            username: username.to_owned(),
            display_name: "Ann".to_owned(),
            role: Role::Admin,
            enabled: false,
        };
        let data = off("ann");
        assert!(write!(db, |c| users::update(c, ann, &data, time(4))).unwrap());
        let data = off("bob");
        let taken = write!(db, |c| users::update(c, ann, &data, time(4)));
        assert!(taken.unwrap_err().is_conflict("users", "username"));
        let row = read!(db, |c| users::find_by_username(c, "ann")).unwrap();
        assert_eq!(row.id, ann);
        assert_eq!(row.password_hash, Some(Secret::new("new")));
        assert!(row.must_change_password && row.display_name == "Ann");
        assert!(!format!("{row:?}").contains("new"));
        assert_eq!(
            (row.locale.as_deref(), row.theme.as_deref()),
            (Some("zh"), Some("dark"))
        );
        assert_eq!(row.last_login_at, Some(time(3)));
        assert_eq!((row.created_at, row.updated_at), (time(0), time(4)));
        assert_eq!((row.role, row.enabled), (Role::Admin, false));
        assert_eq!(
            read!(db, |c| users::count_who_may(c, Permission::Accounts)),
            0
        );

        let names: Vec<String> = read!(db, |c| users::list(c))
            .into_iter()
            .map(|u| u.username)
            .collect();
        assert_eq!(names, ["ann", "bob"]);
        assert_eq!(read!(db, |c| users::find(c, UserId(999))), None);
        let data = off("carol");
        assert!(!write!(db, |c| users::update(c, UserId(999), &data, time(5))).unwrap());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_time_links_expire_and_end_with_their_account_or_the_first_administrator() {
    each_engine(async |db| {
        let ann = write!(db, |c| users::insert(
            c,
            &person("ann", Role::User),
            time(0)
        ))
        .unwrap();
        for (n, user, end) in [(1, UserId::NONE, 10), (2, ann, 20), (3, UserId::NONE, 30)] {
            let made = write!(db, |c| setup_links::insert(
                c,
                &[n; 32],
                user,
                time(0),
                time(end)
            ));
            made.unwrap();
        }
        let find = async |n: u8, at| read!(db, |c| setup_links::find(c, &[n; 32], time(at)));
        assert_eq!(find(1, 9).await, Some(UserId::NONE));
        assert_eq!(find(1, 10).await, None, "expired");
        assert_eq!(find(2, 10).await, Some(ann));
        assert_eq!(find(9, 0).await, None);
        write!(db, |c| setup_links::insert(
            c,
            &[4; 32],
            ann,
            time(15),
            time(40)
        ))
        .unwrap();
        assert_eq!(find(1, 0).await, None, "forgotten");
        write!(db, |c| setup_links::delete_of(c, UserId::NONE)).unwrap();
        assert_eq!(find(3, 0).await, None);
        assert_eq!(find(4, 0).await, Some(ann), "another's link stays");
        write!(db, |c| setup_links::delete_of(c, ann)).unwrap();
        assert_eq!(find(2, 0).await.or(find(4, 0).await), None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_expire_and_can_be_ended() {
    each_engine(async |db| {
        let ann = write!(db, |c| users::insert(
            c,
            &person("ann", Role::Admin),
            time(0)
        ))
        .unwrap();
        let session = move |n: u8, user: UserId| Session {
            api_key_id: modelgate_domain::ApiKeyId::NONE,
            id_hash: [n; 32],
            user_id: user,
            state: format!("{{\"n\":\"{n}\"}}"),
            created_at: time(0),
            last_seen_at: time(i64::from(n)),
            expires_at: time(100),
            address: "10.0.0.1".to_owned(),
            user_agent: "Browser/1".to_owned(),
        };
        for n in 1..=3 {
            write!(db, |c| sessions::save(c, &session(n, ann))).unwrap();
        }
        let guest = session(9, UserId::NONE);
        let saved = guest.clone();
        write!(db, |c| sessions::save(c, &saved)).unwrap();
        assert_eq!(
            read!(db, |c| sessions::find(c, &[9; 32], time(1))),
            Some(guest)
        );
        let mine = read!(db, |c| sessions::list_of(c, ann, time(50)));
        assert_eq!(mine, [session(3, ann), session(2, ann), session(1, ann)]);

        let mut changed = session(1, ann);
        "{}".clone_into(&mut changed.state);
        let saved = changed.clone();
        write!(db, |c| sessions::save(c, &saved)).unwrap();
        assert_eq!(
            read!(db, |c| sessions::find(c, &[1; 32], time(1))),
            Some(changed)
        );

        let later = time(100) + TimeDelta::seconds(60);
        assert!(write!(db, |c| sessions::touch(c, &[1; 32], time(90), later)).unwrap());
        assert!(read!(db, |c| sessions::find(c, &[1; 32], time(120))).is_some());
        assert_eq!(read!(db, |c| sessions::find(c, &[2; 32], time(100))), None);
        assert_eq!(
            write!(db, |c| sessions::delete_of(c, ann, Some(&[3; 32]))).unwrap(),
            2
        );
        assert_eq!(
            read!(db, |c| sessions::list_of(c, ann, time(50))),
            [session(3, ann)]
        );
        assert!(write!(db, |c| sessions::delete(c, &[3; 32])).unwrap());
        assert!(!write!(db, |c| sessions::delete(c, &[3; 32])).unwrap());
        assert_eq!(write!(db, |c| sessions::purge(c, time(99))).unwrap(), 0);
        assert_eq!(write!(db, |c| sessions::purge(c, time(100))).unwrap(), 1);
    })
    .await;
}

fn key(name: &str) -> ApiKeyData {
    ApiKeyData {
        user_id: UserId::NONE,
        name: name.to_owned(),
        enabled: true,
        expires_at: None,
        all_models: false,
        note: String::new(),
        ..ApiKeyData::default()
    }
}

fn material(n: u8) -> KeyMaterial {
    KeyMaterial {
        hash: [n; 32],
        prefix: "sk-mg-abcd".to_owned(),
        last4: "wxyz".to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_found_by_hash_until_revoked() {
    each_engine(async |db| {
        let id = write!(db, |c| api_keys::insert(
            c,
            &key("alice"),
            &material(1),
            time(0)
        ))
        .unwrap();
        let name = write!(db, |c| api_keys::insert(
            c,
            &key("alice"),
            &material(2),
            time(0)
        ));
        assert!(name.unwrap_err().is_conflict("api_keys", "name"));
        let hash = write!(db, |c| api_keys::insert(
            c,
            &key("bob"),
            &material(1),
            time(0)
        ));
        assert!(hash.unwrap_err().is_conflict("api_keys", "key_hash"));

        let row = read!(db, |c| api_keys::find_by_hash(c, &[1; 32], time(0))).unwrap();
        assert_eq!(
            (row.id, row.key_hash, row.user_id),
            (id, [1; 32], UserId::NONE)
        );
        assert_eq!(
            (row.key_prefix.as_str(), row.key_last4.as_str()),
            ("sk-mg-abcd", "wxyz")
        );
        let mut data = ApiKeyData::from(row);
        data.expires_at = Some(time(500));
        data.enabled = false;
        let changed = data.clone();
        assert!(write!(db, |c| api_keys::update(c, id, &changed, time(1))).unwrap());
        let row = read!(db, |c| api_keys::find(c, id)).unwrap();
        assert_eq!((row.expires_at, row.enabled), (Some(time(500)), false));
        data.expires_at = None;
        write!(db, |c| api_keys::update(c, id, &data, time(1))).unwrap();
        assert_eq!(
            read!(db, |c| api_keys::find(c, id)).unwrap().expires_at,
            None
        );

        assert!(write!(db, |c| api_keys::set_key(c, id, &material(3), time(2))).unwrap());
        let hash = read!(db, |c| api_keys::find(c, id)).unwrap().key_hash;
        assert_eq!(hash, [3; 32]);
        assert!(!read!(db, |c| api_keys::was_revoked(c, &[3; 32])));
        assert!(write!(db, |c| api_keys::revoke(c, id, time(3))).unwrap());
        assert!(!write!(db, |c| api_keys::revoke(c, id, time(3))).unwrap());
        assert!(read!(db, |c| api_keys::was_revoked(c, &[3; 32])));
        assert_eq!(
            read!(db, |c| api_keys::find(c, id)).unwrap().deleted_at,
            Some(time(3))
        );

        let again = write!(db, |c| api_keys::insert(
            c,
            &key("alice"),
            &material(3),
            time(4)
        ))
        .unwrap();
        assert_ne!(again, id);
        let listed: Vec<ApiKeyId> = read!(db, |c| api_keys::list(c))
            .iter()
            .map(|k| k.id)
            .collect();
        assert_eq!(listed, [again]);
        let names = read!(db, |c| api_keys::names(c));
        assert_eq!(
            names,
            [(id, "alice".to_owned()), (again, "alice".to_owned())]
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn allow_lists_are_replaced_as_a_whole() {
    each_engine(async |db| {
        let id = write!(db, |c| api_keys::insert(
            c,
            &key("alice"),
            &material(1),
            time(0)
        ))
        .unwrap();
        let entries = [Allowed::Target(TargetId(5)), Allowed::Model(ModelId(7))];
        write!(db, |c| api_keys::set_allowed(c, id, &entries)).unwrap();
        assert_eq!(read!(db, |c| api_keys::allowed_of(c, id)), entries);
        write!(db, |c| api_keys::set_allowed(
            c,
            id,
            &[Allowed::Model(ModelId(8))]
        ))
        .unwrap();
        let all = read!(db, |c| api_keys::all_allowed(c));
        assert_eq!(all, [(id, Allowed::Model(ModelId(8)))]);
        write!(db, |c| api_keys::set_allowed(c, id, &[])).unwrap();
        assert_eq!(read!(db, |c| api_keys::allowed_of(c, id)), []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_audited_and_listed_by_cursor() {
    each_engine(async |db| {
        for n in 1..=5 {
            let change = changes::Change {
                at: time(n),
                actor: "ann".to_owned(),
                actor_address: "10.0.0.1".to_owned(),
                action: "provider.update".to_owned(),
                object: format!("provider {n}"),
                before: Some(json!({ "enabled": true })),
                after: None,
                reason: "tidying".to_owned(),
            };
            if n == 5 {
                write!(db, |c| changes::note(c, &change)).unwrap();
            } else {
                assert_eq!(write!(db, |c| changes::record(c, &change)).unwrap(), n);
            }
        }
        let first = read!(db, |c| audit::list(c, None, 3));
        assert!(first.more);
        let objects: Vec<&str> = first.rows.iter().map(|e| e.object.as_str()).collect();
        assert_eq!(objects, ["provider 5", "provider 4", "provider 3"]);
        let newest = first.rows.first().unwrap();
        assert_eq!((newest.generation, newest.at), (4, time(5)));
        assert_eq!(newest.before.as_deref(), Some("{\"enabled\":true}"));
        assert_eq!(newest.after, None);
        let cursor = first.rows.last().unwrap().id;
        let rest = read!(db, |c| audit::list(c, Some(cursor), 3));
        assert_eq!((rest.rows.len(), rest.more), (2, false));
    })
    .await;
}
