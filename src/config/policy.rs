//! What admins set for admission.

use super::registry as r;
use super::{ConfigError, Given, Variable};

/// The rules of admission that hold for everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// `MODELGATE_UNPRICED`: whether keys under a budget are refused calls whose cost is not known.
    pub refuse_unpriced: bool,
    /// `MODELGATE_BUDGET_OUTPUT_FACTOR`: what learnt lengths of answers are multiplied with, in percent.
    pub output_percent: u64,
    /// When the gateway counts as busy.
    pub busyness: Thresholds,
}

/// From when on the gateway counts as busy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// `MODELGATE_BUSYNESS_ACTIVE_KEYS`: more keys than this called within ten minutes, and
    pub active_keys: u64,
    /// `MODELGATE_BUSYNESS_429_PERCENT`: more than so many of 100 answers were 429.
    pub rate_limited_percent: u64,
    /// `MODELGATE_BUSYNESS_RESTING_BUSY`: then so many resting providers make it very busy,
    pub resting_busy: u64,
    /// `MODELGATE_BUSYNESS_RESTING_CRITICAL`: and so many extremely busy.
    pub resting_critical: u64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            refuse_unpriced: false,
            output_percent: 100,
            busyness: Thresholds {
                active_keys: 10,
                rate_limited_percent: 50,
                resting_busy: 1,
                resting_critical: 2,
            },
        }
    }
}

impl Policy {
    pub(super) fn read(given: &Given) -> Result<Self, ConfigError> {
        Ok(Self {
            refuse_unpriced: given.parse(&r::UNPRICED, |text| Ok(refuses(text)))?,
            output_percent: given.integer(&r::BUDGET_OUTPUT_FACTOR)?,
            busyness: Thresholds {
                active_keys: given.integer(&r::BUSYNESS_ACTIVE_KEYS)?,
                rate_limited_percent: given.integer(&r::BUSYNESS_429_PERCENT)?,
                resting_busy: given.integer(&r::BUSYNESS_RESTING_BUSY)?,
                resting_critical: given.integer(&r::BUSYNESS_RESTING_CRITICAL)?,
            },
        })
    }

    /// Puts a saved text, which is in order, into its field.
    pub(super) fn set(&mut self, variable: &Variable, text: &str) -> Result<(), String> {
        let busyness = &mut self.busyness;
        let field = match variable.setting {
            Some("unpriced") => {
                self.refuse_unpriced = refuses(text);
                return Ok(());
            }
            Some("budget_output_factor") => &mut self.output_percent,
            Some("busyness_active_keys") => &mut busyness.active_keys,
            Some("busyness_429_percent") => &mut busyness.rate_limited_percent,
            Some("busyness_resting_busy") => &mut busyness.resting_busy,
            Some("busyness_resting_critical") => &mut busyness.resting_critical,
            _ => return Ok(()),
        };
        *field = variable.kind.integer(text)?;
        Ok(())
    }
}

fn refuses(text: &str) -> bool {
    text == "refuse"
}
