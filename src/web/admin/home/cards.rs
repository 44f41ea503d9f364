//! The figures on top: the seven of the range, and what goes on now.

use modelgate_domain::Busyness;
use modelgate_store::usage::{Dimension, Totals};

use super::live::{Busy, Live};
use crate::i18n::{ToArg, format};
use crate::web::figures::{self, Card, Drill, Figures, card};
use crate::web::shell::Shell;

pub(super) fn cards(page: &Shell, figures: &Figures, live: &Live, busy: &Busy) -> Vec<Card> {
    let drill = Drill::new(page, &figures.window);
    let mut cards = figures::cards(page, figures, &drill);
    cards.extend([
        active(page, live, busy),
        tokens_per_second(page, live),
        busyness(page, live, busy),
    ]);
    cards
}

fn minutes(live: &Live, of: impl Fn(&Totals) -> i64) -> Vec<i64> {
    live.minutes.iter().map(of).collect()
}

fn active(page: &Shell, live: &Live, busy: &Busy) -> Card {
    let count = i64::try_from(busy.by_key.len()).unwrap_or(i64::MAX);
    let (streams, keys) = (format::integer(busy.streams), format::integer(count));
    let parts: [(&str, &dyn ToArg); 3] =
        [("streams", &streams), ("keys", &keys), ("count", &count)];
    Card {
        value: format::integer(busy.running),
        more: page.t_with("admin-home-active-more", &parts),
        change: page.t("admin-home-live"),
        href: page.url("/admin/logs?status=pending"),
        ..card(
            page,
            "admin-home-active",
            "blue",
            &minutes(live, Totals::requests),
        )
    }
}

fn tokens_per_second(page: &Shell, live: &Live) -> Card {
    Card {
        value: format::compact(page.lang, live.tokens_per_second()),
        more: page.t("admin-home-tps-more"),
        change: page.t("admin-home-live"),
        href: page.url("/admin/monitor"),
        ..card(
            page,
            "admin-home-tps",
            "green",
            &minutes(live, Totals::tokens),
        )
    }
}

fn busyness(page: &Shell, live: &Live, busy: &Busy) -> Card {
    let lately = live.lately.totals();
    let count = i64::try_from(live.lately.by(Dimension::ApiKey).len()).unwrap_or(i64::MAX);
    let refused = format::percent(lately.rate_limited, lately.requests());
    let keys = format::integer(count);
    let parts: [(&str, &dyn ToArg); 3] =
        [("keys", &keys), ("refused", &refused), ("count", &count)];
    let colour = match busy.level {
        Busyness::ExtremelyBusy | Busyness::VeryBusy => "red",
        Busyness::Busy => "amber",
        Busyness::Normal | Busyness::Idle | Busyness::Quiet => "grape",
    };
    Card {
        value: page.t_code("admin-busyness-level-", busy.level.as_str()),
        is_words: true,
        more: page.t_with("admin-home-busyness-more", &parts),
        change: page.t("admin-home-live"),
        href: page.url("/admin/config/busyness"),
        ..card(
            page,
            "admin-home-busyness",
            colour,
            &minutes(live, |t| t.rate_limited),
        )
    }
}
