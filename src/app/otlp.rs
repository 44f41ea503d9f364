//! The export of traces and metrics, put together: its client, the names it shows, the metrics it reads.

use std::sync::Arc;

use tokio::sync::watch;

use super::errands;
use super::parts::Parts;
use crate::catalog::Catalog;
use crate::config::Otlp;
use crate::telemetry::otlp::{Collector, Exporter, Inbox, Names, Refused, Sources, Vendor};

/// How the collector of the settings is spoken to.
pub(crate) fn collector(settings: &Otlp) -> Result<Collector, Refused> {
    let client = errands::client().map_err(|error| Refused::because(&error.to_string()))?;
    Collector::new(settings, client)
}

/// Exports until `shutdown` holds true.
pub(super) async fn run(parts: Arc<Parts>, inbox: Inbox, shutdown: watch::Receiver<bool>) {
    let settings = &parts.config.otlp;
    let collector = match collector(settings) {
        Ok(collector) => collector,
        Err(why) => {
            tracing::error!(%why, "nothing is exported");
            return;
        }
    };
    let (named, measured) = (Arc::clone(&parts), Arc::clone(&parts));
    let sources = Sources {
        names: Box::new(move |generation| {
            let catalog = named.catalog();
            (catalog.generation != generation).then(|| names(&catalog))
        }),
        metrics: Box::new(move || measured.metrics.families(&measured.gauges())),
        clock: parts.clock.clone(),
    };
    let instance = parts.journal.instance();
    let exporter = Exporter::new(settings, collector, inbox, instance, sources);
    exporter.run(shutdown).await;
}

fn names(catalog: &Catalog) -> Names {
    Names {
        generation: catalog.generation,
        models: catalog
            .models
            .values()
            .map(|model| (model.id, model.name.to_string()))
            .collect(),
        vendors: catalog
            .providers
            .iter()
            .map(|(id, provider)| (*id, Vendor::new(&provider.name, &provider.base_url)))
            .collect(),
    }
}
