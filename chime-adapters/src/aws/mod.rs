//! What all calls to AWS share.

mod connector;

pub(crate) use connector::Connector;
