//! Asks for a report of the last two weeks, so that there is one to take away when somebody looks.

use chrono::Days;
use modelgate_domain::Job;
use modelgate_store::reports::{self, Asked};
use modelgate_store::{Db, jobs};

use crate::clock::Clock;
use crate::i18n::Lang;
use crate::reports::Params;

/// Days of history that are told.
const DAYS: u64 = 14;
const WHO: &str = "demo";

/// One in each language. The server makes them when it looks at its jobs, whose rows are there, for the first time.
pub(super) async fn ask(db: &Db, clock: &Clock) -> anyhow::Result<()> {
    let today = clock.now().date_naive();
    for lang in Lang::ALL {
        let params = Params::new(today - Days::new(DAYS), today - Days::new(1), lang).tidied();
        let asked = Asked {
            params: serde_json::to_string(&params)?,
            by: WHO.to_owned(),
            at_ms: clock.now_ms(),
        };
        db.write(move |c| Box::pin(async move { reports::ask(c, &asked).await }))
            .await?;
    }
    db.write(|c| Box::pin(jobs::ask(c, Job::Reports, WHO)))
        .await?;
    Ok(())
}
