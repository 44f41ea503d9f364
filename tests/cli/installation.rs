//! An installation with something of everything, for what copies one.

use std::path::PathBuf;
use std::sync::Arc;

use chrono::DateTime;
use modelgate_domain::{
    ApiKeyId, AttemptRecord, Audience, RequestId, RequestRecord, Secret, Status, Usage,
};
use modelgate_store::documents::{self, Attachment, Document, Heading};
use modelgate_store::drain::{self, Batch, Entry};
use modelgate_store::request_logs::{self, LogFilter};
use modelgate_store::{Contents, Db, Engine, StoreError, archive};

use crate::{Place, SECRET_KEY};

pub const FILE: &str = "[[providers]]\nname = \"acme\"\nbase_url = \"http://127.0.0.1:1/v1\"\nkeys = [ { label = \"main\", secret = \"sk-canary-1\" } ]\n[[models]]\nname = \"m\"\n[[models.targets]]\nprovider = \"acme\"\nupstream_model = \"m-1\"\n";
pub const DAY_MS: i64 = 86_400_000;
/// 2026-11-20.
pub const NOW: i64 = 20_777 * DAY_MS;

/// Works on a database as a program of its own would.
pub fn on<R: Send>(url: &str, work: impl AsyncFnOnce(Db) -> R + Send) -> R {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async {
                let handle = runtime.handle().clone();
                work(Db::open(&Secret::new(url), handle).await.unwrap()).await
            })
        });
        thread.join().unwrap()
    })
}

pub fn contents(url: &str) -> Contents {
    on(url, async |db| db.contents().await.unwrap())
}

/// An installation with something of every kind: sealed secrets, calls in log and history, bytes, texts of all sorts.
pub fn fill(place: &Place, calls: i64) {
    place.write("mg.toml", FILE);
    let with_key = place.with("SECRET_KEY", SECRET_KEY);
    let applied = place.run_with(&with_key, &["apply", "mg.toml"], "");
    assert_eq!(applied.code, 0, "{applied:?}");
    on(&place.database.url, async |db| {
        for first in (0..calls).step_by(1_000) {
            let entries = (first..calls.min(first + 1_000)).map(call).collect();
            let batch = Batch {
                entries,
                ..Batch::default()
            };
            let zone = chrono_tz::Tz::UTC;
            db.write(move |c| Box::pin(async move { drain::apply(c, &batch, zone).await }))
                .await
                .unwrap();
        }
        db.write(move |c| {
            Box::pin(async move {
                archive::batch(c, NOW - 30 * DAY_MS, 300).await?;
                document(c).await
            })
        })
        .await
        .unwrap();
    });
}

fn call(n: i64) -> Entry {
    let started_ms = NOW - (n % 70) * DAY_MS + n;
    let record = RequestRecord {
        id: RequestId(RequestId::lower_bound(started_ms).0 + n),
        api_key_id: ApiKeyId(n % 3 + 1),
        status: Status::Success,
        repeats: 1,
        started_ms,
        cost_nanos: Some(1_000_000 + n),
        usage: Usage {
            prompt: 10 + n,
            completion: 5,
            ..Usage::default()
        },
        session_id: format!("it's \"{n}\" 会话 \\ \u{1f600}"),
        ..RequestRecord::default()
    };
    let attempt = AttemptRecord {
        number: 1,
        ..AttemptRecord::default()
    };
    Entry::Ended(Arc::new(record), vec![attempt])
}

async fn document(c: &mut modelgate_store::Conn) -> Result<(), StoreError> {
    // Each has another number of digits of a second.
    for micros in [0, 120_000, 123_456] {
        let at = DateTime::from_timestamp_micros(NOW * 1_000 + micros).unwrap();
        let heading = Heading {
            id: 0,
            title_en: "It's".to_owned(),
            title_zh: "文档".to_owned(),
            category: String::new(),
            position: 1,
            audience: Audience::default(),
            published: micros > 0,
            version: 1,
            updated_by: "root".to_owned(),
            updated_at: at,
        };
        let whole = Document {
            heading,
            body_en: "line\nline\ttab".to_owned(),
            body_zh: "\"引号\"".to_owned(),
        };
        let id = documents::insert(c, &whole, at).await?;
        let file = Attachment {
            id: 0,
            document_id: id,
            name: "a.bin".to_owned(),
            kind: "other".to_owned(),
            size_bytes: 256,
            created_by: "root".to_owned(),
            created_at: at,
        };
        let all: Vec<u8> = (0..=255).collect();
        documents::insert_attachment(c, &file, &all).await?;
    }
    Ok(())
}

/// What the pages would show of the newest calls and of the documents.
pub type Shown = (String, Vec<(DateTime<chrono::Utc>, bool, Vec<u8>)>);

pub fn shown(url: &str) -> Shown {
    on(url, async |db| {
        db.read(|c| {
            Box::pin(async move {
                let filter = LogFilter {
                    limit: 200,
                    ..LogFilter::default()
                };
                let calls = request_logs::list(c, &filter).await?;
                let mut files = Vec::new();
                for heading in documents::list(c).await? {
                    for file in documents::attachments(c, heading.id).await? {
                        let found = documents::find_attachment(c, heading.id, file.id).await?;
                        let (_, bytes) = found.unwrap();
                        files.push((heading.updated_at, heading.published, bytes));
                    }
                }
                Ok::<_, StoreError>((format!("{calls:?}"), files))
            })
        })
        .await
        .unwrap()
    })
}

/// Another place of the same engine and the same key.
pub fn twin(place: &Place) -> Option<Place> {
    let engine = Engine::of(&Secret::new(&place.database.url)).unwrap();
    on_thread(async move || Place::new(engine).await)
}

pub fn on_thread<R: Send>(work: impl AsyncFnOnce() -> R + Send) -> R {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(work())
        });
        thread.join().unwrap()
    })
}

pub fn path(place: &Place, name: &str) -> PathBuf {
    place.database.folder.path().join(name)
}

pub fn text(path: &std::path::Path) -> String {
    path.to_str().unwrap().to_owned()
}

pub fn ok(place: &Place, arguments: &[&str]) -> String {
    let ended = place.run_with(&place.with("SECRET_KEY", SECRET_KEY), arguments, "");
    assert_eq!(ended.code, 0, "{arguments:?}: {ended:?}");
    ended.out
}

pub fn refused(place: &Place, code: i32, arguments: &[&str]) -> String {
    let ended = place.run_with(&place.with("SECRET_KEY", SECRET_KEY), arguments, "");
    assert_eq!(ended.code, code, "{arguments:?}: {ended:?}");
    assert_eq!(ended.err.lines().count(), 1, "one sentence: {ended:?}");
    ended.err
}
