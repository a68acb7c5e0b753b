//! Who may do what: rules that every context shares.

pub mod policy;
