//! A Lex that notes what it is told, and answers as the test wants.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use chime_domain::error::ErrorCode;
use chime_domain::ports::{Lex, LexError, LexMessage, LexReply, Utterance};

/// The bots of a test. Each repeats what it is told; what begins with `!` it refuses.
#[derive(Debug, Default)]
pub struct Echo {
    told: Mutex<Vec<Utterance>>,
    down: AtomicBool,
}

impl Echo {
    /// Whether it cannot be reached.
    pub fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    /// What it was told so far, which is forgotten.
    ///
    /// # Panics
    ///
    /// When another thread panicked in between.
    #[must_use]
    pub fn told(&self) -> Vec<Utterance> {
        std::mem::take(&mut *self.told.lock().expect("what was told"))
    }
}

#[async_trait]
impl Lex for Echo {
    fn is_there(&self) -> bool {
        true
    }

    async fn recognize_text(&self, utterance: Utterance) -> Result<LexReply, LexError> {
        let text = utterance.text.0.clone();
        let mut told = self.told.lock().expect("what was told");
        told.push(utterance);
        assert!(told.len() < 50, "bots talk without end");
        drop(told);
        if self.down.load(Ordering::SeqCst) {
            return Err(LexError::Unreachable("it is down".into()));
        }
        if text.starts_with('!') {
            return Err(LexError::Refused { code: ErrorCode::BadRequest, why: "it is rude".into() });
        }
        let message = |content: String| LexMessage {
            content: Some(content),
            content_type: "PlainText".into(),
            image_response_card: None,
        };
        Ok(LexReply {
            messages: vec![message(text.clone()), message(text)],
            intent: Some("Echo".into()),
            state: Some("Fulfilled".into()),
            session: None,
        })
    }
}
