//! Authorization shared by all contexts.
