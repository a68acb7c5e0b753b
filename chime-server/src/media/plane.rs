//! What the rules decide, done to the meetings that live here.

use async_trait::async_trait;
use chime_domain::ids::{AttendeeId, MeetingId};
use chime_domain::meetings::Residents;
use chime_domain::ports::{Capabilities, MediaError, MediaPlacement, MediaPlane, Placement};
use chime_media::driver::Input;
use chime_media::event::Farewell;

use super::{Media, live};
use crate::meetings::Residence;

#[async_trait]
impl MediaPlane for Media {
    async fn place(&self, meeting: &MeetingId, _: &str) -> Result<Placement, MediaError> {
        let urls = MediaPlacement::at(&self.0.host, &self.0.address, meeting);
        Ok(Placement { node: self.0.node.clone(), urls })
    }

    async fn end(&self, meeting: &MeetingId, _: &str) {
        self.0.lives.end(&self.0.engine, meeting);
    }

    async fn remove(&self, meeting: &MeetingId, _: &str, attendee: &AttendeeId) {
        let input = Input::Remove(live::name(attendee), Farewell::Removed);
        self.0.lives.post(&self.0.engine, meeting, input);
    }

    async fn capabilities(&self, meeting: &MeetingId, _: &str, attendee: &AttendeeId, to: Capabilities) {
        self.0.lives.allow(&self.0.engine, meeting, attendee, to);
    }
}

impl Residence for Media {
    fn residents(&self) -> Residents {
        self.0.lives.residents()
    }

    fn moved(&self, meeting: &MeetingId) {
        self.0.lives.moved(&self.0.engine, meeting);
    }
}
