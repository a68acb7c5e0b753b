//! Attendees of replicas who show that they are attendees of the primary meeting, too.

use chime_domain::meetings::AdmitError;
use chime_media::driver::Input;
use chime_media::event::Farewell;
use chime_media::ids::{Attendee, SessionId};
use chime_media::signal::proto::Credentials;

use super::live::{Place, attendee};
use crate::app::App;

/// Who the holder of these credentials is in the primary meeting, or the status of a refusal.
pub(super) async fn holder(app: &App, place: &Place, credentials: &Credentials) -> Result<Attendee, u32> {
    let (Some(primary), Some(token)) = (&place.replica_of, &credentials.join_token) else { return Err(403) };
    match app.chime().meetings().admit(primary.as_str(), token).await {
        Ok(found) if Some(found.attendee.as_str()) != credentials.attendee_id.as_deref() => Err(403),
        Ok(found) if found.content => Err(403),
        Ok(found) => Ok(attendee(&found)),
        Err(AdmitError::Store(_)) => Err(500),
        Err(_) => Err(403),
    }
}

/// Has the meeting promote a session to be whom `holder` says, or refuse it.
///
/// Whoever deletes the attendee between that answer and the promotion finds nobody to send away. So `holder` is asked
/// once more: a deletion is either seen by that, or it comes after the promotion and finds it.
pub(super) async fn promote<F: Future<Output = Result<Attendee, u32>>>(
    session: SessionId,
    holder: impl Fn() -> F,
    post: impl Fn(Input),
) {
    let who = holder().await;
    let name = who.as_ref().ok().map(|who| who.id.clone());
    post(Input::Promote(session, who));
    if let Some(name) = name
        && holder().await == Err(403)
    {
        post(Input::Remove(name, Farewell::Removed));
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use chime_media::ids::Capabilities;

    use super::*;

    /// What the meeting is told of a promotion during which the attendee is deleted after so many of all steps: each
    /// question for the holder, and each thing that the meeting is told, is one. The deletion tells the meeting, too.
    async fn told(deleted_after: usize) -> Vec<&'static str> {
        let guest = Attendee {
            id: "guest".into(),
            external_user_id: "user".into(),
            content: false,
            capabilities: Capabilities::default(),
            replica: None,
        };
        let (steps, told) = (Cell::new(0), RefCell::new(Vec::new()));
        let step = || {
            if steps.replace(steps.get() + 1) == deleted_after {
                told.borrow_mut().push("deleted");
            }
        };
        let holder = || {
            step();
            let there = !told.borrow().contains(&"deleted");
            std::future::ready(if there { Ok(guest.clone()) } else { Err(403) })
        };
        let post = |input| {
            step();
            told.borrow_mut().push(match input {
                Input::Promote(SessionId(7), Ok(who)) if who == guest => "promoted",
                Input::Promote(SessionId(7), Err(403)) => "refused",
                Input::Remove(name, Farewell::Removed) if *name == *"guest" => "removed",
                _ => "something else",
            });
        };
        promote(SessionId(7), holder, post).await;
        step();
        told.into_inner()
    }

    #[tokio::test]
    async fn whoever_is_deleted_at_any_moment_of_its_promotion_is_not_promoted_in_the_end() {
        let expected: [&[&str]; 5] = [
            &["deleted", "refused"],
            // Nobody was promoted when the deletion looked for them.
            &["deleted", "promoted", "removed"],
            &["promoted", "deleted", "removed"],
            // The deletion has found them.
            &["promoted", "deleted"],
            &["promoted"],
        ];
        for (deleted_after, expected) in expected.iter().enumerate() {
            assert_eq!(told(deleted_after).await, *expected, "after {deleted_after} steps");
        }
    }
}
