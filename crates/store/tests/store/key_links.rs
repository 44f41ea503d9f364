//! A key's second secret, and one-time links about keys.

use modelgate_domain::{ApiKeyId, Secret};
use modelgate_store::api_keys::{self, ApiKeyData, KeyMaterial};
use modelgate_store::key_links::{self, Kind, NewLink};

use crate::support::{each_engine, read, time, write};

fn key(name: &str) -> ApiKeyData {
    ApiKeyData {
        name: name.to_owned(),
        tags: vec!["a".to_owned(), "标签".to_owned()],
        ..ApiKeyData::default()
    }
}

fn material(n: u8) -> KeyMaterial {
    KeyMaterial {
        hash: [n; 32],
        prefix: format!("sk-mg-{n}"),
        last4: "wxyz".to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_works_on_until_its_moment() {
    each_engine(async |db| {
        let id = write!(db, |c| api_keys::insert(
            c,
            &key("alice"),
            &material(1),
            time(0)
        ))
        .unwrap();
        let find = async |n: u8, at| {
            let found = read!(db, |c| api_keys::find_by_hash(c, &[n; 32], time(at)));
            found.map(|key| key.id)
        };
        let old = read!(db, |c| api_keys::find(c, id)).unwrap();
        assert_eq!(old.tags, ["a", "标签"]);
        let rotate = async |old: &api_keys::ApiKey, n: u8, until| {
            let (old, new) = (old.clone(), material(n));
            write!(db, |c| api_keys::rotate(
                c,
                &old,
                &new,
                time(until),
                time(5)
            ))
            .unwrap()
        };
        assert!(rotate(&old, 2, 10).await);
        assert!(!rotate(&old, 3, 10).await, "somebody else was faster");
        assert_eq!((find(1, 9).await, find(1, 10).await), (Some(id), None));
        assert_eq!(find(2, 10).await, Some(id));
        let row = read!(db, |c| api_keys::find(c, id)).unwrap();
        assert_eq!(row.previous_hash, Some([1; 32]));
        assert_eq!(row.previous_shown, "sk-mg-1…wxyz");
        assert!(rotate(&row, 4, 30).await);
        assert_eq!((find(1, 0).await, find(2, 20).await), (None, Some(id)));
        assert!(write!(db, |c| api_keys::end_previous(c, id, time(20))).unwrap());
        assert!(!write!(db, |c| api_keys::end_previous(c, id, time(21))).unwrap());
        assert_eq!((find(2, 20).await, find(4, 20).await), (None, Some(id)));
        assert!(write!(db, |c| api_keys::set_key(c, id, &material(6), time(22))).unwrap());
        assert_eq!(
            read!(db, |c| api_keys::find(c, id)).unwrap().previous_hash,
            None
        );
    })
    .await;
}

fn link(n: u8, id: ApiKeyId, kind: Kind, end: i64) -> NewLink {
    NewLink {
        token_hash: [n; 32],
        api_key_id: id,
        kind,
        sealed: Secret::new(if kind == Kind::Reveal {
            "v1.sealed"
        } else {
            ""
        }),
        expires_at: time(end),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_looked_at_often_and_taken_once() {
    each_engine(async |db| {
        let id = write!(db, |c| api_keys::insert(
            c,
            &key("alice"),
            &material(1),
            time(0)
        ))
        .unwrap();
        for (n, kind, end) in [
            (1, Kind::Reveal, 10),
            (2, Kind::Setup, 20),
            (3, Kind::Reveal, 30),
        ] {
            let new = link(n, id, kind, end);
            write!(db, |c| key_links::insert(c, &new, time(0))).unwrap();
        }
        let find =
            async |n: u8, kind, at| read!(db, |c| key_links::find(c, &[n; 32], kind, time(at)));
        let take = async |n: u8, kind, at| {
            write!(db, |c| key_links::take(c, &[n; 32], kind, time(at))).unwrap()
        };
        assert_eq!(find(1, Kind::Reveal, 9).await, Some(id));
        assert_eq!(find(1, Kind::Reveal, 10).await, None, "expired");
        assert_eq!(find(1, Kind::Setup, 0).await, None, "of another kind");
        assert!(
            take(1, Kind::Setup, 0).await.is_none() && take(1, Kind::Reveal, 10).await.is_none()
        );
        let (of, sealed) = take(1, Kind::Reveal, 9).await.unwrap();
        assert_eq!((of, sealed.expose()), (id, "v1.sealed"));
        assert!(take(1, Kind::Reveal, 9).await.is_none(), "once");
        let until = read!(db, |c| key_links::open_until(c, id, time(0)));
        assert_eq!(until, Some(time(30)));
        assert_eq!(write!(db, |c| key_links::purge(c, time(20))).unwrap(), 1);
        assert_eq!(find(2, Kind::Setup, 0).await, None, "forgotten");
        assert_eq!(write!(db, |c| key_links::delete_sealed(c)).unwrap(), 1);
        let new = link(4, id, Kind::Setup, 40);
        write!(db, |c| key_links::insert(c, &new, time(0))).unwrap();
        assert_eq!(
            write!(db, |c| key_links::delete_of(c, id, Kind::Reveal)).unwrap(),
            0
        );
        assert_eq!(
            write!(db, |c| key_links::delete_of(c, id, Kind::Setup)).unwrap(),
            1
        );
        for (n, kind) in [(5, Kind::Reveal), (6, Kind::Setup)] {
            let new = link(n, id, kind, 50);
            write!(db, |c| key_links::insert(c, &new, time(0))).unwrap();
        }
        assert!(write!(db, |c| api_keys::revoke(c, id, time(41))).unwrap());
        let left = (
            find(5, Kind::Reveal, 41).await,
            find(6, Kind::Setup, 41).await,
        );
        assert_eq!(left, (None, None), "a revoked key's links end with it");
    })
    .await;
}
