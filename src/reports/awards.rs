//! Fun awards for keys: each a rule that anybody can check, with its number. Who ties shares; where there is too little
//! to compare, nobody wins.

use super::figures::KeyRow;

/// Fewer requests say nothing about habits.
const ENOUGH: i64 = 20;
/// Fewer days say nothing about steadiness.
const ENOUGH_DAYS: usize = 5;

/// What an award is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The most requests.
    Hardworking,
    /// The most requests from midnight to six.
    NightOwl,
    /// The most tokens.
    Powerhouse,
    /// The most models, at least two.
    Explorer,
    /// The shortest mean duration of successful requests, of those with enough of them.
    Efficient,
    /// The largest share of requests from six to ten, of those with enough requests.
    EarlyBird,
    /// The least variation from day to day, of those that were used on enough days.
    Steady,
}

impl Kind {
    /// All of them, in the order of a report.
    pub const ALL: [Self; 7] = [
        Self::Hardworking,
        Self::NightOwl,
        Self::Powerhouse,
        Self::Explorer,
        Self::Efficient,
        Self::EarlyBird,
        Self::Steady,
    ];

    /// The name in text keys.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hardworking => "hardworking",
            Self::NightOwl => "night-owl",
            Self::Powerhouse => "powerhouse",
            Self::Explorer => "explorer",
            Self::Efficient => "efficient",
            Self::EarlyBird => "early-bird",
            Self::Steady => "steady",
        }
    }

    /// What the award is given for; larger wins. None where the key cannot take part.
    fn score(self, key: &KeyRow, days: usize) -> Option<i64> {
        let totals = &key.row.totals;
        let score = match self {
            Self::Hardworking => totals.requests(),
            Self::NightOwl => key.hours[..6].iter().sum(),
            Self::Powerhouse => totals.tokens(),
            Self::Explorer => i64::try_from(key.models.len()).ok().filter(|n| *n >= 2)?,
            Self::Efficient if totals.success >= ENOUGH => return Some(-totals.latency_mean_ms()?),
            Self::EarlyBird if totals.requests() >= ENOUGH => {
                let early: i64 = key.hours[6..10].iter().sum();
                permille(early, key.hours.iter().sum())?
            }
            Self::Steady
                if days >= ENOUGH_DAYS
                    && key.days >= ENOUGH_DAYS
                    && totals.requests() >= ENOUGH =>
            {
                return Some(-variation(&key.daily)?);
            }
            _ => return None,
        };
        Some(score).filter(|score| *score > 0)
    }
}

/// An award.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Award {
    /// For what.
    pub kind: Kind,
    /// The winners' numbers, in the order of the report's keys; empty where nobody could win.
    pub winners: Vec<i64>,
    /// With what: requests, tokens, models, milliseconds, or thousandths.
    pub value: i64,
}

/// All awards of the keys that were used over so many days; none at all where there is nobody to compare with.
pub fn of(keys: &[KeyRow], days: usize) -> Vec<Award> {
    if keys.len() < 2 {
        return Vec::new();
    }
    Kind::ALL
        .iter()
        .map(|kind| award(*kind, keys, days))
        .collect()
}

fn award(kind: Kind, keys: &[KeyRow], days: usize) -> Award {
    let scores: Vec<(i64, i64)> = keys
        .iter()
        .filter_map(|key| Some((key.row.id, kind.score(key, days)?)))
        .collect();
    let best = scores.iter().map(|(_, score)| *score).max();
    let winners = scores.iter().filter(|(_, score)| Some(*score) == best);
    Award {
        kind,
        winners: winners.map(|(id, _)| *id).collect(),
        value: best.unwrap_or(0).abs(),
    }
}

fn permille(part: i64, whole: i64) -> Option<i64> {
    let share = i128::from(part)
        .checked_mul(1_000)?
        .checked_div(i128::from(whole))?;
    i64::try_from(share).ok()
}

/// How far days are from their mean, in thousandths of it: the coefficient of variation.
fn variation(daily: &[i64]) -> Option<i64> {
    let n = u128::try_from(daily.len()).ok()?;
    let count = |value: &i64| u128::try_from(*value).unwrap_or(0);
    let sum: u128 = daily.iter().map(count).sum();
    let squares: u128 = daily.iter().map(|value| count(value).pow(2)).sum();
    let spread = n
        .checked_mul(squares)?
        .saturating_sub(sum.checked_mul(sum)?);
    let squared = spread
        .checked_mul(1_000_000)?
        .checked_div(sum.checked_mul(sum)?)?;
    i64::try_from(squared.isqrt()).ok()
}

#[cfg(test)]
mod tests {
    use modelgate_store::usage::Totals;

    use super::*;
    use crate::reports::figures::Row;

    fn key(id: i64, success: i64) -> KeyRow {
        KeyRow {
            row: Row {
                id,
                totals: Totals {
                    success,
                    prompt_tokens: success * 10,
                    latency_sum_ms: success * 100 * id,
                    ..Totals::default()
                },
                ..Row::default()
            },
            models: vec![(1, "one".to_owned())],
            daily: vec![success / 5; 5],
            days: 5,
            ..KeyRow::default()
        }
    }

    fn won(awards: &[Award], kind: Kind) -> (Vec<i64>, i64) {
        let award = awards.iter().find(|award| award.kind == kind).unwrap();
        (award.winners.clone(), award.value)
    }

    #[test]
    fn the_most_wins_and_who_ties_shares() {
        let mut keys = [key(1, 100), key(2, 100), key(3, 50)];
        keys[2].models.push((2, "two".to_owned()));
        keys[1].hours[3] = 7;
        keys[2].hours[6] = 5;
        keys[2].hours[12] = 15;
        let awards = of(&keys, 5);
        assert_eq!(won(&awards, Kind::Hardworking), (vec![1, 2], 100));
        assert_eq!(won(&awards, Kind::Powerhouse), (vec![1, 2], 1_000));
        assert_eq!(won(&awards, Kind::Explorer), (vec![3], 2));
        assert_eq!(won(&awards, Kind::Efficient), (vec![1], 100));
        assert_eq!(won(&awards, Kind::NightOwl), (vec![2], 7));
        assert_eq!(won(&awards, Kind::EarlyBird), (vec![3], 250));
        assert_eq!(won(&awards, Kind::Steady), (vec![1, 2, 3], 0));
    }

    #[test]
    fn too_little_to_compare_is_no_contest() {
        assert_eq!(of(&[key(1, 9)], 5), []);
        let awards = of(&[key(1, 3), key(2, 2)], 2);
        for kind in [
            Kind::Efficient,
            Kind::EarlyBird,
            Kind::Steady,
            Kind::NightOwl,
            Kind::Explorer,
        ] {
            assert_eq!(won(&awards, kind), (vec![], 0), "{kind:?}");
        }
    }

    #[test]
    fn variation_is_that_of_the_textbook() {
        assert_eq!(variation(&[10, 10, 10]), Some(0));
        assert_eq!(variation(&[2, 4, 4, 4, 5, 5, 7, 9]), Some(400));
        assert_eq!(variation(&[0, 0]), None);
    }
}
