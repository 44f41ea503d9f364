//! When each phase of a call ended.

use crate::closed_set::closed_set;

closed_set! {
    /// The phases of a call, in their order.
    Phase {
        /// The key is known.
        #[default]
        Authenticate = "authenticate",
        /// The body is read.
        Read = "read",
        /// The rules let it through.
        Admit = "admit",
        /// It is clear who may serve it.
        Plan = "plan",
        /// A place at a credential is free.
        Queue = "queue",
        /// The last attempt's request is out.
        Connect = "connect",
        /// The vendor's answer begins.
        FirstByte = "first_byte",
        /// The vendor's answer is whole.
        LastByte = "last_byte",
        /// Limits and cost are settled.
        Settle = "settle",
    }
}

/// Microseconds since the start of the call at which each phase ended, where it did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Phases([Option<u32>; Phase::ALL.len()]);

impl Phases {
    /// Notes the end of a phase; a later one replaces an earlier one.
    pub fn ends(&mut self, phase: Phase, micros: u128) {
        if let Some(end) = self.0.get_mut(phase as usize) {
            *end = Some(u32::try_from(micros).unwrap_or(u32::MAX));
        }
    }

    /// When a phase ended.
    pub fn end(&self, phase: Phase) -> Option<u32> {
        self.0.get(phase as usize).copied().flatten()
    }

    /// A JSON object of the phases that ended; empty where none did.
    pub fn to_json(&self) -> String {
        let mut text = String::with_capacity(192);
        for phase in Phase::ALL {
            if let Some(end) = self.end(*phase) {
                text.push_str(if text.is_empty() { "{\"" } else { ",\"" });
                text.push_str(phase.as_str());
                text.push_str("\":");
                text.push_str(itoa::Buffer::new().format(end));
            }
        }
        if !text.is_empty() {
            text.push('}');
        }
        text
    }

    /// Reads what [`Self::to_json`] wrote; what cannot be read is left out.
    pub fn parse(text: &str) -> Self {
        let mut phases = Self::default();
        let inner = text.trim_start_matches('{').trim_end_matches('}');
        for pair in inner.split(',') {
            if let Some((name, end)) = pair.split_once(':')
                && let Ok(phase) = name.trim_matches('"').parse::<Phase>()
                && let Ok(end) = end.parse::<u32>()
            {
                phases.ends(phase, end.into());
            }
        }
        phases
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ended_is_written_and_read_back() {
        let mut phases = Phases::default();
        assert_eq!(phases.to_json(), "");
        phases.ends(Phase::Authenticate, 12);
        phases.ends(Phase::Settle, u128::MAX);
        phases.ends(Phase::Settle, 900);
        assert_eq!(phases.to_json(), r#"{"authenticate":12,"settle":900}"#);
        assert_eq!(Phases::parse(&phases.to_json()), phases);
        assert_eq!(phases.end(Phase::Plan), None);
        assert_eq!(Phases::parse(""), Phases::default());
        assert_eq!(Phases::parse(r#"{"skipped":[1]}"#), Phases::default());
    }
}
