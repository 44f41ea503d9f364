//! Keys, hashes, passwords, sealed credentials.
