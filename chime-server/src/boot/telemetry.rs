//! Logs and traces of the process.

use anyhow::Result;
use tokio::runtime::Handle;

use crate::config::Config;
use crate::telemetry;

/// What has to be kept as long as the process is told of.
#[derive(Debug)]
#[non_exhaustive]
pub struct Observed {
    #[cfg(feature = "otlp")]
    _tracing: Option<telemetry::Tracing>,
}

impl Observed {
    /// Hands over what is left of the traces, within two seconds.
    pub fn end(self) {}
}

/// Starts the log, and traces where the configuration asks for them; their collector is called on the runtime of `handle`.
///
/// # Errors
///
/// The process logs already, or what the calls to the collector need cannot be set up.
#[cfg_attr(not(feature = "otlp"), expect(unused_variables, reason = "only traces need it"))]
pub fn observe(config: &Config, handle: &Handle) -> Result<Observed> {
    let of = &config.telemetry;
    #[cfg(feature = "otlp")]
    let tracing = of.traces.as_ref().map(|traces| open(config, traces, handle)).transpose()?;
    #[cfg(feature = "otlp")]
    let further = tracing.as_ref().map(telemetry::Tracing::layer);
    #[cfg(not(feature = "otlp"))]
    let further = None;
    telemetry::start(of.format, of.filter.clone(), further)?;
    Ok(Observed {
        #[cfg(feature = "otlp")]
        _tracing: tracing,
    })
}

#[cfg(feature = "otlp")]
fn open(config: &Config, traces: &crate::config::Traces, handle: &Handle) -> Result<telemetry::Tracing> {
    use anyhow::Context;
    let client = super::outward::client(&config.outbound)?;
    telemetry::Tracing::new(traces, client, handle.clone()).context("traces")
}
