//! What a name means, and what a key may use.

use std::sync::Arc;

use modelgate_domain::{Limit, LimitKind, ProviderId};

use super::snapshot::{AllowedModels, ApiKey, Catalog, Model, Target};

/// A model name, understood.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The model that is meant.
    pub model: Arc<Model>,
    /// Set where the caller wrote `provider/model`: no other provider will do.
    pub pinned: Option<ProviderId>,
}

impl Resolved {
    /// The targets that the name allows, disabled ones included.
    pub fn targets(&self) -> impl Iterator<Item = &Arc<Target>> {
        self.model
            .targets
            .iter()
            .filter(|target| self.pinned.is_none_or(|id| id == target.provider.id))
    }
}

impl Catalog {
    /// Exact model name, then alias, then `provider/` and a model name. Never guesses: a model that
    /// is switched off, or that the named provider does not have, is unknown.
    pub fn resolve(&self, name: &str) -> Option<Resolved> {
        if let Some(model) = self.enabled_model(name) {
            return Some(Resolved {
                model,
                pinned: None,
            });
        }
        let aliased = self.aliases.get(name);
        if let Some(model) = aliased.and_then(|name| self.enabled_model(name)) {
            return Some(Resolved {
                model,
                pinned: None,
            });
        }
        let (provider, rest) = name.split_once('/')?;
        let id = *self.provider_names.get(provider)?;
        let model = self.enabled_model(rest)?;
        let resolved = Resolved {
            model,
            pinned: Some(id),
        };
        resolved.targets().next()?;
        Some(resolved)
    }

    /// Every limit on anything; those of an account once for each of its keys.
    pub fn limits(&self) -> impl Iterator<Item = &Limit> + Clone {
        let keys = self.keys.values().flat_map(|key| {
            let account = key.user_limits.iter();
            key.limits.iter().chain(account)
        });
        let models = self.models.values().flat_map(|model| &model.limits);
        let credentials = self.providers.values().flat_map(|provider| {
            let own = provider.credentials.iter();
            own.flat_map(|credential| &credential.limits)
        });
        keys.chain(models).chain(credentials)
    }

    /// Whether anything has a budget.
    pub fn has_budgets(&self) -> bool {
        self.limits().any(|limit| limit.kind == LimitKind::Budget)
    }

    /// What `/v1/models` lists for a key, by name: models that it may use and that some target can
    /// serve, without the hidden ones.
    pub fn visible_models(&self, key: &ApiKey) -> Vec<Arc<Model>> {
        self.visible(&key.allowed)
    }

    /// The same for an allow-list.
    pub fn visible(&self, allowed: &AllowedModels) -> Vec<Arc<Model>> {
        let mut visible: Vec<Arc<Model>> = self
            .models
            .values()
            .filter(|model| model.enabled && !model.hidden && allowed.can_reach(model))
            .map(Arc::clone)
            .collect();
        visible.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        visible
    }

    fn enabled_model(&self, name: &str) -> Option<Arc<Model>> {
        self.models
            .get(name)
            .filter(|model| model.enabled)
            .map(Arc::clone)
    }
}

impl AllowedModels {
    /// Whether it lets a key use a model: at one target, or, without one, at any.
    fn may_use(&self, model: &Model, target: Option<&Target>) -> bool {
        match self {
            Self::All => true,
            Self::Only { models, targets } => {
                models.contains(&model.id)
                    || match target {
                        Some(target) => targets.contains(&target.id),
                        None => model.targets.iter().any(|t| targets.contains(&t.id)),
                    }
            }
        }
    }

    /// Whether some target that is switched on may serve the model.
    fn can_reach(&self, model: &Model) -> bool {
        model.targets.iter().any(|target| {
            target.enabled
                && target.weight > 0
                && target.provider.enabled
                && self.may_use(model, Some(target))
        })
    }
}

impl ApiKey {
    /// Whether the allow-list lets the key use a model: at one target, or, without one, at any.
    pub fn may_use(&self, model: &Model, target: Option<&Target>) -> bool {
        self.allowed.may_use(model, target)
    }

    /// Whether the allow-list lets the key use what a name means, the pinned provider considered.
    pub fn may_use_resolved(&self, resolved: &Resolved) -> bool {
        self.may_use(&resolved.model, None)
            && (resolved.pinned.is_none()
                || resolved
                    .targets()
                    .any(|target| self.may_use(&resolved.model, Some(target))))
    }

    /// Whether some target that is switched on may serve the model to this key.
    pub fn can_reach(&self, model: &Model) -> bool {
        self.allowed.can_reach(model)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::fixtures::Build;

    fn pinned(catalog: &Catalog, name: &str) -> Option<(String, Option<i64>)> {
        catalog
            .resolve(name)
            .map(|r| (r.model.name.to_string(), r.pinned.map(|id| id.0)))
    }

    #[test]
    fn names_resolve_in_order_and_are_never_guessed() {
        let catalog = Build::new()
            .provider(1, "acme")
            .provider(2, "other")
            .model(1, "gpt-x", &[1, 2])
            .model(2, "org/big-model", &[2])
            .model(3, "off", &[1])
            .model(4, "other/gpt-x", &[1])
            .alias("latest", "gpt-x")
            .alias("gpt-x", "org/big-model")
            .alias("gone", "off")
            .disable_model("off")
            .done();
        let found = |name| pinned(&catalog, name);
        assert_eq!(found("gpt-x"), Some(("gpt-x".into(), None)));
        assert_eq!(found("latest"), Some(("gpt-x".into(), None)));
        assert_eq!(found("org/big-model"), Some(("org/big-model".into(), None)));
        assert_eq!(found("acme/gpt-x"), Some(("gpt-x".into(), Some(1))));
        assert_eq!(found("other/gpt-x"), Some(("other/gpt-x".into(), None)));
        assert_eq!(
            found("other/org/big-model"),
            Some(("org/big-model".into(), Some(2)))
        );
        for unknown in [
            "",
            "/",
            "acme/",
            "/gpt-x",
            "off",
            "gone",
            "acme/off",
            "acme/latest",
            "acme/org/big-model",
            "nobody/gpt-x",
            "GPT-X",
            "gpt-x ",
            "gpt",
        ] {
            assert_eq!(found(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn a_key_sees_what_it_may_use_and_can_reach() {
        let catalog = Build::new()
            .provider(1, "acme")
            .provider(2, "dark")
            .disable_provider(2)
            .model(1, "a", &[1])
            .model(2, "b", &[1, 2])
            .model(3, "unbound", &[])
            .model(4, "only-dark", &[2])
            .model(5, "hidden", &[1])
            .hide_model("hidden")
            .done();
        let names = |key: &ApiKey| -> Vec<String> {
            let models = catalog.visible_models(key);
            models.iter().map(|m| m.name.to_string()).collect()
        };
        assert_eq!(names(&Build::key()), ["a", "b"]);
        let b = &catalog.models["b"];
        let at_acme = Build::key_only(&[], &[b.targets[0].id.0]);
        assert_eq!(names(&at_acme), ["b"]);
        assert!(at_acme.may_use(b, None));
        assert!(at_acme.may_use(b, Some(&b.targets[0])));
        assert!(!at_acme.may_use(b, Some(&b.targets[1])));
        assert!(at_acme.may_use_resolved(&catalog.resolve("b").unwrap()));
        assert!(at_acme.may_use_resolved(&catalog.resolve("acme/b").unwrap()));
        assert!(!at_acme.may_use_resolved(&catalog.resolve("dark/b").unwrap()));
        let at_dark = Build::key_only(&[], &[b.targets[1].id.0]);
        assert_eq!(names(&at_dark), Vec::<String>::new());
        assert_eq!(names(&Build::key_only(&[1], &[])), ["a"]);
        assert_eq!(names(&Build::key_only(&[], &[])), Vec::<String>::new());
    }
}
