//! All calls to vendors on the data path.
