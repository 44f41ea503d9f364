//! Reading every registered name once: text, origin, and the errors that this can end in.

use std::collections::BTreeMap;
use std::fmt;

use modelgate_domain::Secret;

use super::registry::{self, ADMIN_PASSWORD, ADMIN_USERNAME, ADMIN_USERS};
use super::variable::{Fallback, Variable};
use super::{DotEnvError, Env, Origin, parse};

/// What is wrong with the configuration: one sentence that names the variable and says what is right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A value is not usable. `value` is absent for secrets.
    #[error("{name}{} {}: {right}", origin_note(*origin), problem(value.as_deref()))]
    Invalid {
        /// The variable.
        name: &'static str,
        /// Where the value came from.
        origin: Origin,
        /// The value, unless it is a secret.
        value: Option<String>,
        /// What it has to be.
        right: String,
    },
    /// A name with our prefix that means nothing.
    #[error("{name} is not a setting of ModelGate{}(`modelgate config` lists them all)", nearest.map_or(" ".to_owned(), |n| format!(": did you mean {n}? ")))]
    Unknown {
        /// The variable.
        name: String,
        /// The registered name that looks most like it.
        nearest: Option<&'static str>,
    },
    /// The `.env` file is bad.
    #[error(transparent)]
    DotEnv(#[from] DotEnvError),
}

fn origin_note(origin: Origin) -> &'static str {
    match origin {
        Origin::DotEnv => " (in .env)",
        Origin::Database => " (saved in the database)",
        Origin::Environment | Origin::Default => "",
    }
}

fn problem(value: Option<&str>) -> String {
    match value {
        Some(value) => {
            let short: String = value.chars().take(80).collect();
            format!("is {short:?}")
        }
        None => "is not usable".to_owned(),
    }
}

/// Every registered variable's text, checked, with its origin.
#[derive(Clone, Default)]
pub struct Given(BTreeMap<&'static str, (String, Origin)>);

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.0.iter().map(|(name, (_, origin))| (name, origin)))
            .finish()
    }
}

impl Given {
    /// Reads and checks every registered name, and refuses unknown ones with our prefix.
    pub(super) fn read(env: &dyn Env) -> Result<Self, ConfigError> {
        refuse_unknown(env)?;
        let mut given = Self::default();
        for variable in registry::registry() {
            let found = env
                .find(variable.name)
                .map(|(text, origin)| (variable.tidy(text), origin))
                .filter(|(text, _)| !text.is_empty());
            let value = match (found, variable.fallback) {
                (Some(found), _) => found,
                (None, Fallback::Text(text)) => (text.to_owned(), Origin::Default),
                (None, Fallback::Computed { make, .. }) => (make(&given), Origin::Default),
                (None, Fallback::None) => continue,
            };
            variable
                .kind
                .check(&value.0)
                .map_err(|right| invalid(variable, &value.0, value.1, right))?;
            given.0.insert(variable.name, value);
        }
        Ok(given)
    }

    /// The text in force and its origin; absent where there is neither value nor default.
    pub fn find(&self, variable: &Variable) -> Option<(&str, Origin)> {
        let (text, origin) = self.0.get(variable.name)?;
        Some((text, *origin))
    }

    pub(super) fn optional(&self, variable: &Variable) -> Option<String> {
        self.find(variable).map(|(text, _)| text.to_owned())
    }

    /// The typed value; an absent one is parsed from the empty text.
    pub(super) fn parse<T>(
        &self,
        variable: &Variable,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, ConfigError> {
        let (text, origin) = self.find(variable).unwrap_or(("", Origin::Default));
        parse(text).map_err(|right| invalid(variable, text, origin, right))
    }

    pub(super) fn integer<T: TryFrom<u64>>(&self, variable: &Variable) -> Result<T, ConfigError> {
        self.parse(variable, |text| {
            let number = variable.kind.integer(text)?;
            T::try_from(number).map_err(|_too_large| variable.kind.right())
        })
    }

    /// `ADMIN_USERS` and `ADMIN_USERNAME` with `ADMIN_PASSWORD`, together.
    pub(super) fn accounts(&self) -> Result<Vec<(String, Secret)>, ConfigError> {
        let mut accounts = self.parse(&ADMIN_USERS, parse::accounts)?;
        let single = match (self.find(&ADMIN_USERNAME), self.find(&ADMIN_PASSWORD)) {
            (None, None) => return Ok(accounts),
            (Some((name, origin)), None) => {
                let right = "ADMIN_PASSWORD has to be set with it".to_owned();
                return Err(invalid(&ADMIN_USERNAME, name, origin, right));
            }
            (name, Some((password, _))) => {
                let name = name.map_or("admin", |(name, _)| name);
                (name.to_owned(), Secret::new(password))
            }
        };
        match accounts.iter().find(|(name, _)| *name == single.0) {
            Some((_, password)) if *password != single.1 => {
                let right = "it gives another password for an account that ADMIN_USERS names: set one of the two";
                Err(invalid(
                    &ADMIN_PASSWORD,
                    "",
                    Origin::Environment,
                    right.to_owned(),
                ))
            }
            Some(_) => Ok(accounts),
            None => {
                accounts.push(single);
                Ok(accounts)
            }
        }
    }
}

pub(super) fn invalid(
    variable: &Variable,
    text: &str,
    origin: Origin,
    right: String,
) -> ConfigError {
    ConfigError::Invalid {
        name: variable.name,
        origin,
        value: (!variable.secret).then(|| variable.show(text)),
        right,
    }
}

/// Read by the test suite, which may well be running this binary.
const TEST_SUITE: &[&str] = &["MODELGATE_TEST_REQUIRE_PG"];

/// What Kubernetes puts into every pod where a service is called `modelgate` or begins so: `MODELGATE_PORT=tcp://…`,
/// `MODELGATE_SERVICE_HOST`, `MODELGATE_PORT_8765_TCP_ADDR` and so on.
///
/// Source: <https://kubernetes.io/docs/tutorials/services/connect-applications-service/#environment-variables>
fn is_service_link(name: &str, value: &str) -> bool {
    let is_address = ["tcp://", "udp://", "sctp://"]
        .iter()
        .any(|scheme| value.starts_with(scheme));
    let of_port = name.rsplit_once("_PORT_").is_some_and(|(_, rest)| {
        rest.trim_start_matches(|c: char| c.is_ascii_digit())
            .starts_with('_')
            && rest.starts_with(|c: char| c.is_ascii_digit())
    });
    name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.ends_with("_PORT") && is_address
        || of_port
}

fn refuse_unknown(env: &dyn Env) -> Result<(), ConfigError> {
    let known = || registry::registry().iter().map(|v| v.name);
    let unknown = env.names().into_iter().find(|name| {
        name.starts_with(registry::PREFIX)
            && !TEST_SUITE.contains(&name.as_str())
            && known().all(|k| k != name)
            && !is_service_link(name, env.get(name).as_deref().unwrap_or_default())
    });
    let Some(name) = unknown else {
        return Ok(());
    };
    let bare = name.trim_start_matches(registry::PREFIX);
    let exact = known().find(|k| *k == bare);
    let nearest = exact.or_else(|| {
        parse::nearest(&name, known().filter(|k| k.starts_with(registry::PREFIX)))
            .or_else(|| parse::nearest(bare, known()))
    });
    Err(ConfigError::Unknown { name, nearest })
}
