//! What ids in records are called, at one generation of the configuration.

use ahash::AHashMap;
use modelgate_domain::{ModelId, ProviderId};

/// Hosts whose vendor has a name in OpenTelemetry's conventions; a subdomain counts as its domain.
const KNOWN: [(&str, &str); 14] = [
    ("api.openai.com", "openai"),
    ("openai.azure.com", "azure.ai.openai"),
    ("services.ai.azure.com", "azure.ai.inference"),
    ("api.anthropic.com", "anthropic"),
    ("generativelanguage.googleapis.com", "gcp.gemini"),
    ("aiplatform.googleapis.com", "gcp.vertex_ai"),
    ("amazonaws.com", "aws.bedrock"),
    ("api.deepseek.com", "deepseek"),
    ("api.groq.com", "groq"),
    ("api.mistral.ai", "mistral_ai"),
    ("api.perplexity.ai", "perplexity"),
    ("api.x.ai", "x_ai"),
    ("api.cohere.com", "cohere"),
    ("ml.cloud.ibm.com", "ibm.watsonx.ai"),
];

/// The names of one generation.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Which generation; 0 before the first.
    pub generation: i64,
    /// Public names of models.
    pub models: AHashMap<ModelId, String>,
    /// Vendors.
    pub vendors: AHashMap<ProviderId, Vendor>,
}

/// How a vendor is called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vendor {
    /// The operator's name for it.
    pub slug: String,
    /// `gen_ai.provider.name`: the conventions' word where they have one, else the operator's.
    pub known_as: String,
    /// `server.address`.
    pub host: String,
    /// `server.port`.
    pub port: Option<i64>,
}

impl Vendor {
    /// What the operator's name and the base address say.
    pub fn new(slug: &str, base_url: &str) -> Self {
        let (scheme, rest) = base_url.split_once("://").unwrap_or(("https", base_url));
        let authority = rest.split('/').next().unwrap_or_default();
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()),
            _ => (authority, None),
        };
        let known = KNOWN.iter().find(|(domain, _)| {
            let sub = host.strip_suffix(domain);
            sub.is_some_and(|sub| sub.is_empty() || sub.ends_with('.') || sub.ends_with('-'))
        });
        Self {
            slug: slug.to_owned(),
            known_as: known.map_or(slug, |(_, name)| name).to_owned(),
            host: host.trim_matches(['[', ']']).to_owned(),
            port: port.or(Some(if scheme == "http" { 80 } else { 443 })),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vendors_have_the_conventions_names() {
        let of = |base_url| {
            let vendor = Vendor::new("mine", base_url);
            (vendor.known_as, vendor.host, vendor.port)
        };
        let openai = ("openai".into(), "api.openai.com".into(), Some(443));
        assert_eq!(of("https://api.openai.com/v1"), openai);
        assert_eq!(of("https://x.openai.azure.com/v1").0, "azure.ai.openai");
        let vertex = "https://europe-west1-aiplatform.googleapis.com/v1";
        assert_eq!(of(vertex).0, "gcp.vertex_ai");
        let own = ("mine".into(), "10.0.0.7".into(), Some(8000));
        assert_eq!(of("http://10.0.0.7:8000/v1"), own);
        assert_eq!(of("http://[::1]/v1").1, "::1");
        assert_eq!(of("https://notapi.openai.com.example/v1").0, "mine");
    }
}
