//! Adapters for the ports of `chime-domain`.
