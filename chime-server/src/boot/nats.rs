//! NATS servers as the adapters take them.

use chime_adapters::nats::NatsConfig;

use crate::config::Nats;

pub(super) fn servers(of: &Nats) -> NatsConfig {
    let mut servers = NatsConfig::new(&of.urls.0);
    if let Some(file) = &of.ca_file {
        servers = servers.with_ca_file(file);
    }
    if let Some((certificate, key)) = &of.certificate {
        servers = servers.with_certificate(certificate, key);
    }
    if let Some(file) = &of.credentials_file {
        servers = servers.with_credentials_file(file);
    }
    servers
}
