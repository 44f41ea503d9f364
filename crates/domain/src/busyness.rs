//! How busy the gateway is, in six levels.

use crate::closed_set::closed_set;

closed_set! {
    /// From the busiest to the quietest.
    Busyness {
        /// Busy, with most providers resting.
        ExtremelyBusy = "extremely_busy",
        /// Busy, with some providers resting.
        VeryBusy = "very_busy",
        /// Many people at once, and vendors that refuse.
        Busy = "busy",
        /// People call.
        Normal = "normal",
        /// Nobody has called for a while.
        Idle = "idle",
        /// Nobody has called for an hour.
        #[default]
        Quiet = "quiet",
    }
}

closed_set! {
    /// What a busyness rule does.
    BusynessAction {
        /// Refuses the call.
        #[default]
        Block = "block",
        /// Lets another model answer.
        Downgrade = "downgrade",
        /// Says in a header which model would be better now.
        Suggest = "suggest",
    }
}

impl Busyness {
    /// 1 for the busiest to 6 for the quietest.
    pub const fn level(self) -> u8 {
        match self {
            Self::ExtremelyBusy => 1,
            Self::VeryBusy => 2,
            Self::Busy => 3,
            Self::Normal => 4,
            Self::Idle => 5,
            Self::Quiet => 6,
        }
    }

    /// Whether it is no busier than `most`.
    pub const fn is_at_most(self, most: Self) -> bool {
        self.level() >= most.level()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quieter_is_within_a_busier_bound() {
        assert!(Busyness::Quiet.is_at_most(Busyness::Normal));
        assert!(Busyness::Normal.is_at_most(Busyness::Normal));
        assert!(!Busyness::Busy.is_at_most(Busyness::Normal));
        assert!(!Busyness::ExtremelyBusy.is_at_most(Busyness::VeryBusy));
    }
}
