//! The URLs of a `MediaPlacement` (rule MTG-02) at which nothing is served, since what clients speak there is not
//! published: sound over a WebSocket (`AudioFallbackUrl`) of the mobile SDKs, and the screen sharing of
//! `amazon-chime-sdk-js` before 1.22 (`ScreenDataUrl`, `ScreenSharingUrl`, `ScreenViewingUrl`). A client that asks is
//! told that once and for all: a 404 is not tried again.

use std::borrow::Cow;

use axum::extract::Request;
use axum::response::Response;

use crate::api::response::{self, RequestId};
use crate::api::{ApiError, Namespace};

/// What is answered there.
const WHY: &str = "This server has no audio fallback and no legacy screen sharing. Sound, pictures and content go \
                   over the SignalingUrl.";

/// Answers for all of them, whatever the method.
pub(crate) async fn unserved(request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let id = RequestId::take(&mut parts);
    let error = ApiError::UnknownOperation(Cow::Borrowed(WHY));
    response::log(&error);
    response::failure(&error, Some(Namespace::Meetings), &id)
}
