//! Logging, request ids in logs, metrics.
