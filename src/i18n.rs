//! Languages: negotiation, bundles, translation.
