//! How every command runs: load facts, decide, commit; and the facade that holds what this needs.

mod chime;
mod decision;
mod facts;
mod idempotency;
mod paging;
mod task;
mod trim;

pub use chime::{Chime, ChimeBuilder, Settings};
pub use decision::Decision;
pub use facts::{Loaded, load};
pub(crate) use idempotency::hex;
pub use idempotency::{Claim, Token, fingerprint};
pub use task::{Lane, Task, TaskKind};

#[cfg(test)]
mod tests {
    use crate::Chime;
    use crate::arn::{AppInstanceArn, AppInstanceUserArn};
    use crate::messaging::SendChannelMessage;

    /// Compiles only while the futures of commands can be given to a runtime with several threads.
    #[expect(dead_code, reason = "the claim is that it compiles")]
    fn commands_run_on_any_thread(
        chime: &Chime,
        arn: &AppInstanceArn,
        user: &AppInstanceUserArn,
        send: SendChannelMessage,
    ) -> impl Send {
        async move {
            chime.run_due().await?;
            chime.identity().delete_app_instance(arn).await?;
            chime.messaging(user).send_channel_message(send).await.map(drop)
        }
    }
}
