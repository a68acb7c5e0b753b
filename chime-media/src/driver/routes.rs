//! Which datagram is whose.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use super::MeetingKey;
use crate::ids::SessionId;
use crate::io::Path;
use crate::rtp::packet::PayloadTypes;
use crate::transport::stun;

/// Addresses that one session may have.
const MOST_PATHS: usize = 16;

/// Where a datagram belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) worker: usize,
    pub(super) meeting: MeetingKey,
    pub(super) session: SessionId,
    /// Payload types that can wait for the meeting's next tick.
    pub(super) patient: PayloadTypes,
}

#[derive(Debug, Default)]
struct Table {
    by_ufrag: HashMap<String, Route>,
    by_path: HashMap<Path, Route>,
    /// What a session has to give back: its user fragment and its paths.
    held: HashMap<(MeetingKey, SessionId), (String, Vec<Path>)>,
}

/// The routes of an engine.
#[derive(Debug, Default)]
pub(super) struct Routes(RwLock<Table>);

impl Routes {
    /// Checks with this user fragment are for a session from now on.
    pub(super) fn add(&self, ufrag: String, route: Route) {
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        table.held.insert((route.meeting, route.session), (ufrag.clone(), Vec::new()));
        table.by_ufrag.insert(ufrag, route);
    }

    /// Nothing is for it any more.
    pub(super) fn remove(&self, meeting: MeetingKey, session: SessionId) {
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let Some((ufrag, paths)) = table.held.remove(&(meeting, session)) else { return };
        table.by_ufrag.remove(&ufrag);
        for address in paths {
            table.by_path.remove(&address);
        }
    }

    /// Whose a datagram is. A check tells by its user fragment, which nobody else can know, and whatever comes from its
    /// address later belongs with it. An address stays with whom it was first: a participant cannot take over another's.
    pub(super) fn find(&self, from: Path, datagram: &[u8]) -> Option<Route> {
        if !stun::is_stun(datagram) {
            let table = self.0.read().unwrap_or_else(PoisonError::into_inner);
            return table.by_path.get(&from).copied();
        }
        let check = stun::Check::parse(datagram)?;
        let (route, known) = {
            let table = self.0.read().unwrap_or_else(PoisonError::into_inner);
            (*table.by_ufrag.get(check.ufrag())?, table.by_path.contains_key(&from))
        };
        if !known {
            let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
            let table = &mut *table;
            let (_, paths) = table.held.get_mut(&(route.meeting, route.session))?;
            if paths.len() >= MOST_PATHS {
                table.by_path.remove(&paths.remove(0));
            }
            paths.push(from);
            table.by_path.insert(from, route);
        }
        Some(route)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(port: u16) -> Path {
        std::net::SocketAddr::from(([127, 0, 0, 1], port)).into()
    }

    fn check(ufrag: &str) -> Vec<u8> {
        let provider = rtc_crypto::default_provider().unwrap();
        stun::request(&format!("{ufrag}:them"), "password-password-pass", [7; 12], provider.crypto()).unwrap()
    }

    #[test]
    fn a_path_belongs_to_whose_fragment_came_from_it_first_until_that_is_gone() {
        let routes = Routes::default();
        let patient = [111].into_iter().collect();
        let route =
            |session| Route { worker: 0, meeting: MeetingKey(1), session: SessionId(session), patient };
        let (here, media) = (path(5000), [0x80, 111]);
        routes.add("aaaa".into(), route(1));
        routes.add("bbbb".into(), route(2));
        assert_eq!(routes.find(here, &media), None);
        assert_eq!(routes.find(here, &check("cccc")), None);
        assert_eq!(routes.find(here, &check("aaaa")), Some(route(1)));
        assert_eq!(routes.find(here, &check("bbbb")), Some(route(2)), "the check itself is for the other");
        assert_eq!(routes.find(here, &media), Some(route(1)), "but the address stays where it is");
        routes.remove(MeetingKey(1), SessionId(1));
        assert_eq!(routes.find(here, &media), None);
        assert_eq!(routes.find(here, &check("aaaa")), None);
        routes.find(here, &check("bbbb"));
        assert_eq!(routes.find(here, &media), Some(route(2)));
        for port in 6000..6100 {
            routes.find(path(port), &check("bbbb"));
        }
        assert_eq!(routes.0.read().unwrap().by_path.len(), MOST_PATHS);
    }
}
