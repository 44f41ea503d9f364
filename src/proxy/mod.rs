//! The data plane: the calls under /v1.
