//! Crates and contexts depend one way.

fn main() {}
