//! What waits to be sent on one connection: bounded in bytes, filled by the fan-out, emptied by the session's task.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use tokio::sync::Notify;
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// Bytes that may wait on a connection. A client that lets more wait is closed, so this bounds what one costs.
const MOST_BYTES: usize = 512 * 1024;
/// Bytes from which on the fan-out waits for the connection's task, unless that in turn waits for the client: a server
/// that is busy must not take its own lateness for the client's.
const BEHIND_BYTES: usize = MOST_BYTES / 4;
/// What a frame costs beside its bytes, which it shares with other connections.
const FRAME_COST: usize = 64;
/// Frames that are handed to the socket at once.
const RUN: usize = 64;

/// Why a connection is closed by the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Close {
    /// It did not read fast enough.
    Slow,
    /// It answered no ping.
    Silent,
    /// Another connection took its `sessionId`.
    Replaced,
    /// Its user is gone.
    UserGone,
    /// The temporary credentials that opened it have ended.
    Expired,
    /// The server stops.
    Restart,
}

impl Close {
    /// The close code (wire rules S-06 and S-07).
    pub(crate) const fn code(self) -> u16 {
        match self {
            Self::Slow => 1013,
            Self::Silent => 1011,
            Self::Replaced => 4002,
            Self::UserGone => 4003,
            Self::Expired => 4403,
            Self::Restart => 1012,
        }
    }

    /// The reason, for people.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::Slow => "the client does not keep up",
            Self::Silent => "the client does not answer",
            Self::Replaced => "replaced by another connection of this session",
            Self::UserGone => "the user was deleted",
            Self::Expired => "the credentials have expired",
            Self::Restart => "the server restarts",
        }
    }
}

/// What to do next.
#[derive(Debug, Default)]
pub(super) struct Next {
    /// Frames to send.
    pub(super) frames: Vec<Utf8Bytes>,
    /// Send a ping after them.
    pub(super) ping: bool,
    /// Then close.
    pub(super) close: Option<Close>,
}

#[derive(Debug)]
struct State {
    frames: VecDeque<Utf8Bytes>,
    bytes: usize,
    /// Nothing leaves before the session is established (wire rule S-08).
    established: bool,
    ping: bool,
    close: Option<Close>,
    /// What was taken waits for the client to read.
    held_up: bool,
}

impl State {
    fn is_behind(&self) -> bool {
        self.bytes > BEHIND_BYTES && self.established && !self.held_up && self.close.is_none()
    }
}

/// One connection's queue.
#[derive(Debug)]
pub(crate) struct Outgoing {
    state: Mutex<State>,
    filled: Notify,
    /// The queue is not behind any more.
    caught_up: Notify,
    /// Nothing waits any more.
    emptied: Notify,
    heard: AtomicBool,
}

impl Outgoing {
    pub(super) fn new() -> Self {
        let state = State {
            frames: VecDeque::new(),
            bytes: 0,
            established: false,
            ping: false,
            close: None,
            held_up: false,
        };
        Self {
            state: Mutex::new(state),
            filled: Notify::new(),
            caught_up: Notify::new(),
            emptied: Notify::new(),
            heard: AtomicBool::new(true),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held; were it poisoned, the queue would still be whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a frame. One too many closes the connection instead. True when with this frame the queue has fallen behind
    /// through no fault of the client's: [`Self::caught_up`] should be waited for before more is added.
    pub(crate) fn push(&self, frame: &Utf8Bytes) -> bool {
        let mut state = self.state();
        if state.close.is_some() {
            return false;
        }
        let was_behind = state.is_behind();
        state.bytes += frame.len() + FRAME_COST;
        if state.bytes > MOST_BYTES {
            state.frames = VecDeque::new();
            state.close = Some(Close::Slow);
            self.filled.notify_one();
            return false;
        }
        state.frames.push_back(frame.clone());
        if state.established && state.frames.len() == 1 {
            self.filled.notify_one();
        }
        !was_behind && state.is_behind()
    }

    /// Waits until the queue is short again, or it is the client that is waited for.
    pub(crate) async fn caught_up(&self) {
        while self.state().is_behind() {
            self.caught_up.notified().await;
        }
    }

    /// Waits until nothing waits to be sent. Only one may wait for that.
    pub(super) async fn emptied(&self) {
        while !self.state().frames.is_empty() {
            self.emptied.notified().await;
        }
    }

    /// Sends what was taken, and knows meanwhile whether the client holds that up.
    pub(super) async fn sending<T>(&self, send: impl Future<Output = T>) -> T {
        let mut send = pin!(send);
        if let Poll::Ready(sent) = poll_fn(|context| Poll::Ready(send.as_mut().poll(context))).await {
            return sent;
        }
        self.state().held_up = true;
        self.caught_up.notify_one();
        let sent = send.await;
        self.state().held_up = false;
        sent
    }

    /// Puts the first frame in front of all that waited, and lets them go.
    pub(super) fn establish(&self, first: Utf8Bytes) {
        let mut state = self.state();
        state.bytes += first.len() + FRAME_COST;
        state.frames.push_front(first);
        state.established = true;
        self.filled.notify_one();
    }

    /// Closes the connection after what waits.
    pub(crate) fn close(&self, why: Close) {
        let mut state = self.state();
        state.close.get_or_insert(why);
        self.filled.notify_one();
        self.caught_up.notify_one();
    }

    /// Asks the client whether it is there; it is closed when it did not answer the question before.
    pub(crate) fn ping(&self) {
        if self.heard.swap(false, Ordering::Relaxed) {
            self.state().ping = true;
            self.filled.notify_one();
        } else {
            self.close(Close::Silent);
        }
    }

    /// The client sent something.
    pub(super) fn heard(&self) {
        self.heard.store(true, Ordering::Relaxed);
    }

    /// Whether the server has decided to close.
    pub(super) fn closing(&self) -> Option<Close> {
        self.state().close
    }

    /// Waits until there is something to do. Only the session's own task waits.
    pub(super) async fn next(&self) -> Next {
        loop {
            if let Some(next) = self.take() {
                return next;
            }
            self.filled.notified().await;
        }
    }

    /// Waits until the connection is to be closed.
    pub(super) async fn closed(&self) -> Close {
        loop {
            if let Some(close) = self.closing() {
                return close;
            }
            self.filled.notified().await;
        }
    }

    fn take(&self) -> Option<Next> {
        let mut state = self.state();
        let was_behind = state.is_behind();
        let frames: Vec<_> = if state.established {
            let run = state.frames.len().min(RUN);
            state.frames.drain(..run).collect()
        } else {
            Vec::new()
        };
        state.bytes = state.bytes.saturating_sub(frames.iter().map(|frame| frame.len() + FRAME_COST).sum());
        if was_behind && !state.is_behind() {
            self.caught_up.notify_one();
        }
        if state.frames.is_empty() {
            self.emptied.notify_one();
        }
        if state.frames.is_empty() && state.frames.capacity() > RUN {
            state.frames = VecDeque::new();
        }
        let ping = std::mem::take(&mut state.ping);
        // Closing waits for the frames before it, unless they were given up.
        let close = state.close.filter(|_| state.frames.is_empty() || !state.established);
        (!frames.is_empty() || ping || close.is_some()).then_some(Next { frames, ping, close })
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn nothing_leaves_before_the_session_is_established() {
        let queue = Outgoing::new();
        queue.push(&"event".into());
        assert!(queue.take().is_none());
        queue.establish("first".into());
        let next = queue.take().unwrap();
        assert_eq!(next.frames, ["first", "event"]);
    }

    #[test]
    fn a_queue_that_would_pass_its_bytes_is_given_up_and_closes_as_slow() {
        let queue = Outgoing::new();
        queue.establish("first".into());
        let frame: Utf8Bytes = "x".repeat(1000).into();
        for _ in 0..=MOST_BYTES / 1000 {
            queue.push(&frame);
        }
        let next = queue.take().unwrap();
        assert_eq!((next.frames.len(), next.close), (0, Some(Close::Slow)));
        queue.push(&frame);
        assert_eq!(queue.take().unwrap().frames.len(), 0);
    }

    #[test]
    fn a_queue_that_falls_behind_says_so_once_and_catches_up_when_it_is_emptied() {
        let queue = Outgoing::new();
        queue.establish("first".into());
        let frame: Utf8Bytes = "x".repeat(1000).into();
        let pushed = (0..BEHIND_BYTES / 500).filter(|_| queue.push(&frame)).count();
        assert_eq!(pushed, 1);
        assert!(queue.caught_up().now_or_never().is_none());
        while !queue.take().unwrap().frames.is_empty() && queue.state().bytes > BEHIND_BYTES {}
        assert!(queue.caught_up().now_or_never().is_some());
    }

    #[test]
    fn a_client_that_holds_up_its_connection_is_not_waited_for() {
        let queue = Outgoing::new();
        queue.establish("first".into());
        let frame: Utf8Bytes = "x".repeat(1000).into();
        while !queue.push(&frame) {}
        let mut sending = Box::pin(queue.sending(std::future::pending::<()>()));
        assert!((&mut sending).now_or_never().is_none());
        assert!(queue.caught_up().now_or_never().is_some());
        queue.take();
        queue.take();
        queue.take();
        assert_eq!((0..BEHIND_BYTES / 500).filter(|_| queue.push(&frame)).count(), 0);
    }

    #[test]
    fn closing_lets_what_waits_go_first() {
        let queue = Outgoing::new();
        queue.establish("first".into());
        for _ in 0..RUN {
            queue.push(&"event".into());
        }
        queue.close(Close::Restart);
        let next = queue.take().unwrap();
        assert_eq!((next.frames.len(), next.close), (RUN, None));
        let next = queue.take().unwrap();
        assert_eq!((next.frames.len(), next.close), (1, Some(Close::Restart)));
    }

    #[test]
    fn a_client_that_answers_no_ping_is_closed() {
        let queue = Outgoing::new();
        queue.ping();
        assert!(queue.take().unwrap().ping);
        queue.heard();
        queue.ping();
        assert!(queue.take().unwrap().ping);
        queue.ping();
        assert_eq!(queue.take().unwrap().close, Some(Close::Silent));
    }
}
