//! What holds now: registry default < environment < saved in the database, and which of them won.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use super::given::invalid;
use super::{
    Config, ConfigError, Fallback, JournalFull, Origin, Policy, Reports, Retention, Site, Variable,
    parse, registry as r, retention,
};

/// The settings in force, replaced as a whole when one is saved.
pub type LiveSettings = Arc<ArcSwap<Effective>>;

/// The settings that can change while the gateway runs, typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runtime {
    /// Shown at the foot of public pages.
    pub icp_number: Option<String>,
    /// What links that leave the house begin with.
    pub public_url: Option<String>,
    /// Between not ready and not listening.
    pub drain_delay: Duration,
    /// Origins that browsers may call `/v1` from.
    pub cors_origins: Vec<String>,
    /// What a full journal means for calls.
    pub journal_full: JournalFull,
    /// From when a call counts as slow.
    pub slow_ms: u64,
    /// How long a call may wait between its attempts, in all.
    pub retry_budget: Duration,
    /// What vendors see as the user agent, unless their provider has its own.
    pub user_agent: String,
    /// The model that helps to write reports: a name, `auto` or `off`.
    pub analysis_model: String,
    /// Largest file that may be attached to a document.
    pub attachment_max_bytes: u64,
    /// What the pages show of the house.
    pub site: Site,
    /// Rules of admission that hold for everybody.
    pub policy: Policy,
    /// How long things are kept that grow with time.
    pub retention: Retention,
    /// Reports that are made by themselves.
    pub reports: Reports,
    /// When the call of a caller who does not read is broken off.
    pub slow_reader_timeout: Duration,
    /// Ends a stream after so many events that say the same; 0 never does.
    pub loop_guard: u64,
    /// How many calls may run at once.
    pub max_open_requests: u64,
    /// In bytes; 0 for no bound.
    pub max_memory: u64,
    /// How long a call may wait for a free credential; zero refuses it at once.
    pub queue_deadline: Duration,
    /// How many calls may wait for each credential.
    pub queue_limit: usize,
}

/// One setting with what holds and why.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Its row in the registry.
    pub variable: &'static Variable,
    /// The value as it may be shown; absent where there is none.
    pub value: Option<String>,
    /// Which source won.
    pub origin: Origin,
    /// A saved value that is not usable (and so did not win): why.
    pub problem: Option<ConfigError>,
}

/// Every setting in force.
#[derive(Clone, Debug)]
pub struct Effective {
    /// In the registry's order.
    pub settings: Vec<Setting>,
    /// The changeable ones, typed.
    pub runtime: Runtime,
}

impl Effective {
    /// Merges the start-up configuration with the rows of `settings` (key and text).
    ///
    /// A saved value that is not usable never wins: what the environment says holds, and the row says why.
    pub fn merge<'a>(config: &Config, saved: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut runtime = Runtime::from(config);
        let mut settings: Vec<Setting> = r::registry()
            .iter()
            .map(|variable| {
                let found = config.given.find(variable);
                Setting {
                    variable,
                    value: found.map(|(text, _)| variable.show(text)),
                    origin: found.map_or(Origin::Default, |(_, origin)| origin),
                    problem: None,
                }
            })
            .collect();
        for (key, text) in saved {
            let row = settings
                .iter_mut()
                .find(|row| row.variable.setting == Some(key));
            let Some(row) = row else { continue };
            match runtime.set(row.variable, text) {
                Ok(()) => {
                    row.value = (!text.is_empty()).then(|| row.variable.show(text));
                    row.origin = Origin::Database;
                }
                Err(problem) => row.problem = Some(problem),
            }
        }
        Self { settings, runtime }
    }

    /// A handle that starts with what the environment says.
    pub fn live(config: &Config) -> LiveSettings {
        Arc::new(ArcSwap::from_pointee(Self::merge(config, [])))
    }
}

impl Variable {
    /// Checks a value that someone wants to save for this setting; empty clears an optional one.
    pub fn check_saved(&self, text: &str) -> Result<(), ConfigError> {
        let optional = matches!(self.fallback, Fallback::None);
        if text.is_empty() {
            let right = "it must not be empty".to_owned();
            let refused = || Err(invalid(self, text, Origin::Database, right));
            return if optional { Ok(()) } else { refused() };
        }
        self.kind
            .check(text)
            .map_err(|right| invalid(self, text, Origin::Database, right))
    }
}

impl Runtime {
    /// Two settings that are fine alone and contradict each other: the first must not be more than the second.
    pub fn contradiction(&self) -> Option<[&'static str; 2]> {
        let (kept, busyness) = (&self.retention, &self.policy.busyness);
        let pairs = [
            (
                kept.log_days > kept.history_days,
                [&retention::LOG_DAYS, &retention::LOG_HISTORY_DAYS],
            ),
            (
                busyness.resting_busy > busyness.resting_critical,
                [&r::BUSYNESS_RESTING_BUSY, &r::BUSYNESS_RESTING_CRITICAL],
            ),
        ];
        let found = pairs.into_iter().find(|(is_so, _)| *is_so);
        found.map(|(_, pair)| pair.map(|variable| variable.name))
    }

    /// Puts a saved text into its field.
    fn set(&mut self, variable: &Variable, text: &str) -> Result<(), ConfigError> {
        variable.check_saved(text)?;
        let bad = |right| invalid(variable, text, Origin::Database, right);
        match variable.setting {
            Some("icp_number") => self.icp_number = (!text.is_empty()).then(|| text.to_owned()),
            Some("public_url") => self.public_url = parse::optional_link(text).map_err(bad)?,
            Some("drain_delay") => {
                self.drain_delay = Duration::from_secs(variable.kind.integer(text).map_err(bad)?);
            }
            Some("cors_origins") => self.cors_origins = parse::origins(text).map_err(bad)?,
            Some("journal_full") => self.journal_full = parse::journal_full(text).map_err(bad)?,
            Some("retry_budget_ms") => {
                self.retry_budget =
                    Duration::from_millis(variable.kind.integer(text).map_err(bad)?);
            }
            Some("slow_reader_timeout") => {
                self.slow_reader_timeout =
                    Duration::from_secs(variable.kind.integer(text).map_err(bad)?);
            }
            Some("loop_guard") => self.loop_guard = variable.kind.integer(text).map_err(bad)?,
            Some("max_open_requests") => {
                self.max_open_requests = variable.kind.integer(text).map_err(bad)?;
            }
            Some("max_memory") => self.max_memory = variable.kind.integer(text).map_err(bad)?,
            Some("queue_deadline") => {
                let seconds = variable.kind.integer(text).map_err(bad)?;
                self.queue_deadline = Duration::from_secs(seconds);
            }
            Some("queue_limit") => {
                let calls = variable.kind.integer(text).map_err(bad)?;
                self.queue_limit = usize::try_from(calls).unwrap_or(usize::MAX);
            }
            Some("attachment_max_bytes") => {
                self.attachment_max_bytes = variable.kind.integer(text).map_err(bad)?;
            }
            Some("slow_ms") => self.slow_ms = variable.kind.integer(text).map_err(bad)?,
            Some("analysis_model") => text.trim().clone_into(&mut self.analysis_model),
            Some("user_agent") => text.clone_into(&mut self.user_agent),
            _ if self.site.set(variable, text) => {}
            _ if self.retention.set(variable, text).map_err(bad)? => {}
            _ if self.reports.set(variable, text) => {}
            _ => self.policy.set(variable, text).map_err(bad)?,
        }
        Ok(())
    }
}

impl From<&Config> for Runtime {
    fn from(config: &Config) -> Self {
        Self {
            icp_number: config.icp_number.clone(),
            public_url: config.public_url.clone(),
            drain_delay: config.drain_delay,
            cors_origins: config.cors_origins.clone(),
            journal_full: config.journal_full,
            slow_ms: config.slow_ms,
            retry_budget: config.retry_budget,
            user_agent: config.user_agent.clone(),
            analysis_model: config.analysis_model.clone(),
            attachment_max_bytes: config.attachment_max_bytes,
            site: config.site.clone(),
            policy: config.policy,
            retention: config.retention,
            reports: config.reports.clone(),
            slow_reader_timeout: config.slow_reader_timeout,
            loop_guard: config.loop_guard,
            max_open_requests: config.max_open_requests,
            max_memory: config.max_memory,
            queue_deadline: config.queue_deadline,
            queue_limit: config.queue_limit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::MapEnv;

    fn config(pairs: &[(&str, &str)]) -> Config {
        Config::from_env(&MapEnv::new(pairs.iter().copied())).unwrap()
    }

    fn row<'a>(effective: &'a Effective, name: &str) -> &'a Setting {
        effective
            .settings
            .iter()
            .find(|s| s.variable.name == name)
            .unwrap()
    }

    #[test]
    fn a_saved_value_wins_over_the_environment_and_that_over_the_default() {
        let config = config(&[("DRAIN_DELAY", "7"), ("ICP_NUMBER", "env")]);
        let saved = [("icp_number", "京ICP备1号")];
        let effective = Effective::merge(&config, saved);
        assert_eq!(effective.runtime.icp_number.as_deref(), Some("京ICP备1号"));
        assert_eq!(row(&effective, "ICP_NUMBER").origin, Origin::Database);
        assert_eq!(effective.runtime.drain_delay, Duration::from_secs(7));
        assert_eq!(row(&effective, "DRAIN_DELAY").origin, Origin::Environment);
        assert_eq!(row(&effective, "MODELGATE_SLOW_MS").origin, Origin::Default);
        let cleared = Effective::merge(&config, [("icp_number", "")]);
        assert_eq!(cleared.runtime.icp_number, None);
    }

    #[test]
    fn every_changeable_setting_reaches_its_field() {
        let config = config(&[]);
        for variable in r::registry() {
            let Some(key) = variable.setting else {
                continue;
            };
            let value = match key {
                "journal_full" => "serve-without-record",
                "unpriced" => "refuse",
                "public_url" | "cors_origins" => "https://x.example",
                "theme" => "dark",
                "languages" | "language" | "report_language" => "zh",
                "report_template" => "brief",
                "report_schedule" => "weekly",
                "quarter_days" => "500",
                "attachment_max_bytes" => "2KiB",
                _ => "42",
            };
            let effective = Effective::merge(&config, [(key, value)]);
            assert_ne!(effective.runtime, Runtime::from(&config), "{key}");
        }
    }

    #[test]
    fn an_unusable_saved_value_does_not_win_and_says_why() {
        let config = config(&[]);
        let effective = Effective::merge(&config, [("drain_delay", "soon"), ("gone", "x")]);
        assert_eq!(effective.runtime, Runtime::from(&config));
        let problem = row(&effective, "DRAIN_DELAY").problem.as_ref().unwrap();
        assert!(problem.to_string().contains("saved in the database"));
    }
}
