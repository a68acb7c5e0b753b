//! A client that goes on when its servers are away.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_nats::connection::State;
use async_nats::{Client, ConnectOptions, Event, ServerAddr};
use chime_domain::error::Cause;

use super::config::{NatsConfig, NatsError};
use super::trust::{Refused, in_file, trust};
use crate::percent::decode;

/// How long connecting may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often a server that does not answer is tried again, at most.
const RECONNECT_EVERY: Duration = Duration::from_millis(500);

/// A client of the servers of a [`NatsConfig`]. It connects by itself, and again, to whichever of them is there.
#[derive(Clone)]
pub(crate) struct Link {
    client: Client,
    refused: Arc<Refused>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").finish_non_exhaustive()
    }
}

impl Link {
    /// # Errors
    ///
    /// [`NatsError`]; not for servers that are away.
    pub(crate) async fn open(config: &NatsConfig, options: ConnectOptions) -> Result<Self, NatsError> {
        let (mut servers, mut options, mut logged_in) = (Vec::new(), options, false);
        for one in config.urls.0.split(',') {
            let (server, login) = without_login(one.trim()).ok_or(NatsError::Url)?;
            servers.push(server);
            logged_in |= !matches!(login, Login::No);
            options = match login {
                Login::No => options,
                Login::Token(token) => options.token(token),
                Login::User(user, password) => options.user_and_password(user, password),
            };
        }
        if let Some(file) = config.credentials_file.as_ref().filter(|_| !logged_in) {
            let text = std::fs::read_to_string(file).map_err(in_file(file))?;
            options = options.credentials(&text).map_err(in_file(file))?;
        }
        let (tls, refused) = trust(config)?;
        let client = options
            .name("chime")
            .tls_client_config(tls)
            .require_tls(config.ca_file.is_some())
            .retry_on_initial_connect()
            .max_reconnects(None)
            .reconnect_delay_callback(|tries| if tries < 2 { RECONNECT_EVERY / 10 } else { RECONNECT_EVERY })
            .connection_timeout(PATIENCE)
            .ping_interval(Duration::from_secs(5))
            .event_callback(|event| async move { tell(&event) })
            .connect(servers)
            .await
            .map_err(|error| NatsError::Unusable(Box::new(error)))?;
        Ok(Self { client, refused })
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Whether there is a connection now. A client that is not connected would keep what it is given and send it later.
    ///
    /// # Errors
    ///
    /// There is none, and why, as far as that is known.
    pub(crate) fn check(&self) -> Result<(), Cause> {
        match (self.client.connection_state(), self.refused.why()) {
            (State::Connected, _) => Ok(()),
            (_, None) => Err("there is no connection to NATS".into()),
            (_, Some(why)) => Err(format!("the certificate of the NATS server is refused: {why}").into()),
        }
    }
}

/// How a node says who it is.
enum Login {
    No,
    Token(String),
    User(String, String),
}

/// Takes the login out of a URL: the client logs the URLs that it connects to.
fn without_login(url: &str) -> Option<(ServerAddr, Login)> {
    let mut url = url.parse::<ServerAddr>().ok()?.into_inner();
    let login = match (url.username(), url.password()) {
        ("", None) => Login::No,
        (token, None) => Login::Token(decode(token)?),
        (user, Some(password)) => Login::User(decode(user)?, decode(password)?),
    };
    url.set_password(None).ok()?;
    url.set_username("").ok()?;
    Some((ServerAddr::from_url(url).ok()?, login))
}

fn tell(event: &Event) {
    match event {
        Event::Connected => tracing::info!("connected to NATS"),
        Event::Disconnected => tracing::warn!("NATS is away"),
        other => tracing::debug!(event = %other, "NATS"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_taken_out_of_the_url() {
        let of = |url| without_login(url).map(|(server, login)| (server.as_url_str().to_owned(), login));
        let (url, login) = of("nats://me:a%20%40b@n.test:4222").unwrap();
        assert!(matches!(login, Login::User(user, password) if user == "me" && password == "a @b"));
        assert_eq!(url, "nats://n.test:4222");
        assert!(matches!(of("tls://secret@n.test").unwrap().1, Login::Token(token) if token == "secret"));
        assert!(matches!(of("n.test").unwrap().1, Login::No));
        assert!(of("http://n.test").is_none());
    }
}
