//! Tools that a client of responses groups under namespaces, as Codex does with those of each MCP server
//! (`https://platform.openai.com/docs/api-reference/responses/create`, tools of the type `namespace`). Other dialects have
//! one name for each tool.

use super::names::hash;

/// The tools of one request that stand under a namespace.
#[derive(Clone, Debug, Default)]
pub struct Spaces {
    all: Vec<Space>,
}

#[derive(Clone, Debug)]
struct Space {
    joined: String,
    namespace: String,
    name: String,
}

impl Spaces {
    /// The one name: the same for the same two, and none that `is_taken` by a tool without a namespace.
    pub fn join(&mut self, namespace: &str, name: &str, is_taken: impl Fn(&str) -> bool) -> String {
        let is = |space: &&Space| space.namespace == namespace && space.name == name;
        if let Some(known) = self.all.iter().find(is) {
            return known.joined.clone();
        }
        let between = if namespace.ends_with("__") { "" } else { "__" };
        let mut joined = format!("{namespace}{between}{name}");
        if is_taken(&joined) || self.split(&joined).is_some() {
            let mark = hash(&format!("{namespace}\n{name}")) & 0xffff_ffff;
            joined = format!("{joined}_{mark:08x}");
        }
        self.all.push(Space {
            joined: joined.clone(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        });
        joined
    }

    /// The namespace and the name that were joined; nothing for other tools.
    pub fn split(&self, joined: &str) -> Option<(&str, &str)> {
        let found = self.all.iter().find(|space| space.joined == joined);
        found.map(|space| (space.namespace.as_str(), space.name.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_joined_is_split_again() {
        let mut spaces = Spaces::default();
        let taken = |name: &str| name == "mcp__a__b";
        assert_eq!(spaces.join("mcp__x", "go", taken), "mcp__x__go");
        assert_eq!(spaces.join("mcp__y__", "go", taken), "mcp__y__go");
        assert_eq!(spaces.join("mcp__x", "go", taken), "mcp__x__go");
        for (namespace, name) in [
            ("mcp__x", "go"),
            ("mcp__y__", "go"),
            ("mcp__a", "b"),
            ("mcp", "x__go"),
        ] {
            let joined = spaces.join(namespace, name, taken);
            assert!(!taken(&joined));
            assert_eq!(spaces.split(&joined), Some((namespace, name)));
        }
        assert_eq!(spaces.split("mcp__a__b"), None);
    }
}
