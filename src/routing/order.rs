//! The order among equals, on plain data: by chance, in turn, by load, by latency, or by conversation.

use modelgate_domain::Strategy;

use super::chance::Chance;

/// Turns are counted in a cycle of at most so many steps; weights of more are rounded.
const CYCLE: u64 = 256;

/// What an order needs to know of one of the things to be ordered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unit {
    /// Its row: stable over time, for turns and conversations.
    pub(super) id: i64,
    /// Its share; not 0.
    pub(super) weight: u32,
    /// Calls that run there now.
    pub(super) in_flight: u32,
    /// What the next call would have to expect ([`super::latency::Latency::load`]).
    pub(super) load: f64,
}

/// How to order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    /// The model's strategy.
    pub(super) strategy: Strategy,
    /// How many calls of the model came before, for turns.
    pub(super) turn: u64,
    /// The conversation's number: the same goes to the same place as long as that is there.
    pub(super) conversation: Option<u64>,
}

/// Puts the items in order, the best first. The same seed gives the same order.
pub(super) fn order<T>(
    items: &mut [T],
    rule: &Rule,
    chance: &mut Chance,
    unit: impl Fn(&T) -> Unit,
) {
    if items.len() < 2 {
        return;
    }
    if let Some(conversation) = rule.conversation {
        items.sort_by_cached_key(|item| rank(&unit(item), conversation));
        return;
    }
    if rule.strategy == Strategy::RoundRobin {
        let units: Vec<(i64, u32)> = items.iter().map(&unit).map(|u| (u.id, u.weight)).collect();
        let places = turns(&units, rule.turn);
        items.sort_by_cached_key(|item| {
            let id = unit(item).id;
            places.iter().position(|place| *place == id)
        });
        return;
    }
    chance.shuffle(items, |item| unit(item).weight);
    match rule.strategy {
        Strategy::LeastBusy => items.sort_by(|a, b| {
            let (a, b) = (unit(a), unit(b));
            let left = u64::from(a.in_flight).saturating_mul(u64::from(b.weight));
            let right = u64::from(b.in_flight).saturating_mul(u64::from(a.weight));
            left.cmp(&right)
        }),
        Strategy::Latency => {
            // Two by chance, and the better of them first: always the best one of all would be overrun by
            // everybody who has read the same figures.
            if let [first, second, ..] = items
                && unit(second).load < unit(first).load
            {
                items.swap(0, 1);
            }
        }
        Strategy::Weighted | Strategy::RoundRobin => {}
    }
}

/// The ids in the order of their turns from turn number `turn` on, each once.
///
/// Smooth: in a cycle each id has as many turns as its weight says, spread as evenly as can be.
fn turns(units: &[(i64, u32)], turn: u64) -> Vec<i64> {
    let weights = reduced(units);
    let cycle: u64 = weights.iter().sum();
    if cycle == 0 {
        return units.iter().map(|(id, _)| *id).collect();
    }
    let mut steps = Turns {
        ahead: vec![0; units.len()],
        weights,
        cycle: i64::try_from(cycle).unwrap_or(i64::MAX),
    };
    for _ in 0..turn % cycle {
        steps.step();
    }
    let mut order = Vec::with_capacity(units.len());
    for _ in 0..cycle {
        let Some((id, _)) = units.get(steps.step()) else {
            continue;
        };
        if !order.contains(id) {
            order.push(*id);
            if order.len() == units.len() {
                break;
            }
        }
    }
    order
}

struct Turns {
    /// How much each is owed.
    ahead: Vec<i64>,
    weights: Vec<u64>,
    cycle: i64,
}

impl Turns {
    fn step(&mut self) -> usize {
        let mut best = 0;
        let mut most = i64::MIN;
        for (place, (owed, weight)) in self.ahead.iter_mut().zip(&self.weights).enumerate() {
            *owed = owed.saturating_add(i64::try_from(*weight).unwrap_or(i64::MAX));
            if *owed > most {
                (best, most) = (place, *owed);
            }
        }
        if let Some(owed) = self.ahead.get_mut(best) {
            *owed = owed.saturating_sub(self.cycle);
        }
        best
    }
}

/// Weights without their common factor, and small enough for [`CYCLE`].
fn reduced(units: &[(i64, u32)]) -> Vec<u64> {
    let common = units
        .iter()
        .fold(0, |so_far, (_, weight)| divisor(so_far, u64::from(*weight)));
    let weights = units
        .iter()
        .map(|(_, weight)| u64::from(*weight) / common.max(1));
    let weights: Vec<u64> = weights.collect();
    let total: u64 = weights.iter().sum();
    if total <= CYCLE {
        return weights;
    }
    let rounded = |weight: u64| (weight.saturating_mul(CYCLE) / total).max(1);
    weights.into_iter().map(rounded).collect()
}

fn divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { divisor(b, a % b) }
}

/// Rendezvous hashing: of several places the one with the lowest rank; a place that comes or goes moves only its
/// own conversations. Weights give shares.
fn rank(unit: &Unit, conversation: u64) -> u64 {
    let id = unit.id.cast_unsigned();
    let mixed = Chance::new(conversation ^ id.wrapping_mul(0x9e37_79b9_7f4a_7c15)).next();
    #[allow(
        clippy::cast_precision_loss,
        reason = "53 of the 64 bits are chance enough"
    )]
    let drawn = ((mixed >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
    // exponential with the weight as its rate: the smallest of several is each in proportion to its weight
    let waits = -drawn.ln() / f64::from(unit.weight.max(1));
    // bits of positive floats are in the order of the floats
    waits.to_bits()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn unit(id: i64, weight: u32) -> Unit {
        Unit {
            id,
            weight,
            in_flight: 0,
            load: 0.0,
        }
    }

    fn first(units: &[Unit], rule: Rule, seed: u64) -> i64 {
        let mut units = units.to_vec();
        order(&mut units, &rule, &mut Chance::new(seed), |u| *u);
        units[0].id
    }

    fn rule(strategy: Strategy) -> Rule {
        Rule {
            strategy,
            turn: 0,
            conversation: None,
        }
    }

    #[test]
    fn turns_go_round_and_follow_the_weights_smoothly() {
        let turn = |units: &[Unit], turn| {
            let rule = Rule {
                turn,
                ..rule(Strategy::RoundRobin)
            };
            first(units, rule, 7)
        };
        let equal = [unit(1, 100), unit(2, 100), unit(3, 100)];
        let got: Vec<i64> = (0..7).map(|n| turn(&equal, n)).collect();
        assert_eq!(got, [1, 2, 3, 1, 2, 3, 1]);
        let uneven = [unit(1, 50), unit(2, 10), unit(3, 10)];
        let got: Vec<i64> = (0..7).map(|n| turn(&uneven, n)).collect();
        assert_eq!(got, [1, 1, 2, 1, 3, 1, 1], "as even as can be");
        let odd = [unit(1, 9_973), unit(2, 4_999)];
        let firsts = (0..2_560).filter(|n| turn(&odd, *n) == 1).count();
        assert!((1_690..1_720).contains(&firsts), "{firsts}");
        assert_eq!(turns(&[(1, 5), (2, 1)], 0), [1, 2], "the rest follows");
    }

    #[test]
    fn the_least_busy_for_its_weight_comes_first() {
        let busy = |id, weight, in_flight| Unit {
            in_flight,
            ..unit(id, weight)
        };
        let least = |units: &[Unit], seed| first(units, rule(Strategy::LeastBusy), seed);
        for seed in 0..50 {
            assert_eq!(least(&[busy(1, 1, 3), busy(2, 1, 2)], seed), 2);
            assert_eq!(least(&[busy(1, 4, 3), busy(2, 1, 2)], seed), 1);
        }
        let idle = [busy(1, 3, 0), busy(2, 1, 0)];
        let firsts = (0..4_000).filter(|s| least(&idle, *s) == 1).count();
        assert!((2_850..3_150).contains(&firsts), "{firsts}");
    }

    #[test]
    fn the_better_of_two_by_chance_comes_first() {
        let slow = |id, load| Unit {
            load,
            ..unit(id, 100)
        };
        let units = [slow(1, 10.0), slow(2, 50.0), slow(3, 900.0)];
        let mut firsts: BTreeMap<i64, u32> = BTreeMap::new();
        for seed in 0..3_000 {
            let got = first(&units, rule(Strategy::Latency), seed);
            *firsts.entry(got).or_default() += 1;
        }
        assert!((1_850..2_150).contains(&firsts[&1]), "{firsts:?}");
        assert!((850..1_150).contains(&firsts[&2]), "{firsts:?}");
        assert!(!firsts.contains_key(&3), "the worst never wins: {firsts:?}");
    }

    #[test]
    fn a_conversation_stays_and_moves_only_when_its_place_goes() {
        let all = [unit(1, 100), unit(2, 100), unit(3, 200)];
        let to = |units: &[Unit], conversation, seed| {
            let rule = Rule {
                conversation: Some(conversation),
                ..rule(Strategy::LeastBusy)
            };
            first(units, rule, seed)
        };
        let mut shares: BTreeMap<i64, u32> = BTreeMap::new();
        for conversation in 0..4_000 {
            let home = to(&all, conversation, 1);
            assert_eq!(to(&all, conversation, 2), home);
            *shares.entry(home).or_default() += 1;
            let without_two = to(&[all[0], all[2]], conversation, 3);
            assert!(home == 2 || without_two == home);
        }
        assert!((900..1_100).contains(&shares[&1]), "{shares:?}");
        assert!((1_850..2_150).contains(&shares[&3]), "{shares:?}");
    }
}
