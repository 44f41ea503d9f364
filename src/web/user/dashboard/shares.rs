//! Which models a key used, and how much of its calls each had.

use modelgate_store::usage::{Dimension, Totals};

use super::data::Data;
use crate::i18n::format;
use crate::web::shell::Shell;
use crate::web::svg;

const MODELS: usize = 6;

/// One model's part.
pub(super) struct Share {
    pub(super) name: String,
    pub(super) figures: String,
    pub(super) width: String,
}

/// The models with the most requests, the rest together.
pub(super) fn shares(page: &Shell, data: &Data) -> Vec<Share> {
    let all = data.figures.now.requests();
    let by_model = data.figures.cube.by(Dimension::Model);
    let share = |name: String, totals: &Totals| Share {
        name,
        figures: page.t_with(
            "user-dashboard-model-figures",
            &[
                ("requests", &format::integer(totals.requests())),
                ("tokens", &format::compact(page.lang, totals.tokens())),
                ("failed", &format::integer(totals.failures())),
            ],
        ),
        width: svg::share(totals.requests(), all),
    };
    let (first, rest) = by_model.split_at(by_model.len().min(MODELS));
    let name = |id: &i64| match data.models.get(id) {
        Some(name) => name.clone(),
        None => page.t("user-dashboard-no-model"),
    };
    let mut shares: Vec<Share> = first.iter().map(|(id, t)| share(name(id), t)).collect();
    if !rest.is_empty() {
        let mut others = Totals::default();
        for (_, totals) in rest {
            others.add(totals);
        }
        shares.push(share(page.t("user-dashboard-others"), &others));
    }
    shares
}
