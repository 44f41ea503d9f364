//! The rules, as pure functions: what is asked, and why it is refused.

use crate::catalog::{ApiKey, Resolved};

/// What a caller wants to do.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// Whose call.
    pub key: &'a ApiKey,
    /// What it names.
    pub resolved: &'a Resolved,
    /// Whether a stream is asked for.
    pub stream: bool,
    /// The time, epoch milliseconds.
    pub now_ms: i64,
}

/// Why a call is not admitted. A rule of the house, never a fault of a vendor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Stable code, the same in the answer and in the record.
    pub code: &'static str,
    /// The HTTP status that fits.
    pub status: u16,
    /// The rule, in words that do not change.
    pub rule: &'static str,
    /// Whose rule: `api_key`.
    pub scope: &'static str,
    /// One sentence for the caller. Names no secret.
    pub message: String,
}

/// The rules that concern the key alone; they hold for every endpoint.
pub fn check_key(key: &ApiKey, now_ms: i64) -> Result<(), Refusal> {
    if !key.enabled {
        return Err(Refusal {
            code: "api_key_disabled",
            status: 401,
            rule: "enabled",
            scope: "api_key",
            message: format!("The API key {}… is switched off.", key.prefix),
        });
    }
    if key.expires_at_ms.is_some_and(|until| until <= now_ms) {
        return Err(Refusal {
            code: "api_key_expired",
            status: 401,
            rule: "expires_at",
            scope: "api_key",
            message: format!("The API key {}… has expired.", key.prefix),
        });
    }
    Ok(())
}

/// All rules, in the order in which their refusals are told.
pub fn refuse(ask: &Ask<'_>) -> Result<(), Refusal> {
    check_key(ask.key, ask.now_ms)?;
    if !ask.key.may_use_resolved(ask.resolved) {
        return Err(Refusal {
            code: "model_not_allowed",
            status: 403,
            rule: "allowed_models",
            scope: "api_key",
            message: format!(
                "The API key {}… may not use the model {}.",
                ask.key.prefix, ask.resolved.model.name
            ),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::fixtures::Build;

    #[test]
    fn every_rule_refuses_with_its_own_code() {
        let catalog = Build::new()
            .provider(1, "acme")
            .provider(2, "other")
            .model(1, "gpt-x", &[1, 2])
            .done();
        let code = |key: &ApiKey, name: &str| {
            let resolved = catalog.resolve(name).unwrap();
            let ask = Ask {
                key,
                resolved: &resolved,
                stream: false,
                now_ms: 1_000,
            };
            refuse(&ask).err().map(|r| (r.code, r.status))
        };
        let mut key = Build::key();
        assert_eq!(code(&key, "gpt-x"), None);
        key.expires_at_ms = Some(1_001);
        assert_eq!(code(&key, "gpt-x"), None);
        key.expires_at_ms = Some(1_000);
        assert_eq!(code(&key, "gpt-x"), Some(("api_key_expired", 401)));
        key.enabled = false;
        assert_eq!(code(&key, "gpt-x"), Some(("api_key_disabled", 401)));
        let none = Build::key_only(&[], &[]);
        assert_eq!(code(&none, "gpt-x"), Some(("model_not_allowed", 403)));
        let pinned = Build::key_only(&[], &[101]);
        assert_eq!(code(&pinned, "gpt-x"), None);
        assert_eq!(code(&pinned, "acme/gpt-x"), None);
        assert_eq!(
            code(&pinned, "other/gpt-x"),
            Some(("model_not_allowed", 403))
        );
    }
}
