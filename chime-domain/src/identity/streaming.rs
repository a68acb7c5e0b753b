//! Load, decide, commit: streaming configurations.

use super::events::streaming_changed;
use super::service::Identity;
use super::{StreamingConfiguration, StreamingConfigurations, keys};
use crate::arn::AppInstanceArn;
use crate::error::{Refusal, ServiceError, StoreError};
use crate::flow::Decision;
use crate::ports::{Change, CheckError, Record};

/// What the name of a stream begins with (rule STR-03).
const STREAM_PREFIX: &str = "chime-messaging-";

/// Checks what can be known without asking Kinesis (rules STR-01 to STR-03, STR-07, STR-08).
fn check(configurations: &[StreamingConfiguration], arn: &AppInstanceArn) -> Result<(), Refusal> {
    let bad = |rule, message: String| Err(Refusal::bad_request(rule, message));
    if !(1..=2).contains(&configurations.len()) {
        return bad(
            "STR-08",
            format!("{} streaming configurations were given, not 1 or 2.", configurations.len()),
        );
    }
    if let [a, b] = configurations
        && a.data_type == b.data_type
    {
        return bad("STR-08", "Both streaming configurations name the same data type.".into());
    }
    let mut own = arn.as_str().splitn(6, ':');
    let (partition, region, account) = (own.nth(1), own.nth(1), own.next());
    for configuration in configurations {
        let mut parts = configuration.resource_arn.splitn(6, ':');
        let (arn, stream_partition, service) = (parts.next(), parts.next(), parts.next());
        let (stream_region, stream_account, resource) = (parts.next(), parts.next(), parts.next());
        if arn != Some("arn") || stream_partition != partition || service != Some("kinesis") {
            return bad("STR-01", "ResourceArn is not the ARN of a Kinesis stream.".into());
        }
        if stream_region != region {
            return bad("STR-02", "The stream must be in the region of the app instance.".into());
        }
        if stream_account != account {
            return bad("STR-07", "The stream must be in the account of the app instance.".into());
        }
        let name = resource.and_then(|resource| resource.strip_prefix("stream/")).unwrap_or_default();
        let is_name =
            name.len() <= 128 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
        if !is_name || !name.starts_with(STREAM_PREFIX) {
            return bad("STR-03", format!("The name of the stream must begin with `{STREAM_PREFIX}`."));
        }
    }
    Ok(())
}

/// What the sink found wrong with a destination.
fn unfit(error: CheckError) -> ServiceError {
    match error {
        CheckError::Missing => Refusal::not_found("STR-06", "There is no such stream.").into(),
        CheckError::TooFewShards => {
            Refusal::bad_request("STR-04", "The stream must have at least two shards.").into()
        }
        CheckError::NotEncrypted => {
            Refusal::bad_request("STR-05", "Server-side encryption of the stream must be enabled.").into()
        }
        CheckError::Refused(why) => {
            Refusal::bad_request("STR-06", format!("The stream cannot be used: {why}.")).into()
        }
        CheckError::Unavailable(cause) => {
            StoreError::unavailable("the destination of the stream cannot be checked now", cause).into()
        }
    }
}

impl Identity<'_> {
    /// `PutMessagingStreamingConfigurations`, in older clients `PutAppInstanceStreamingConfigurations`.
    /// The first one makes the service-linked role (rule IAM-30).
    ///
    /// # Errors
    ///
    /// A bad request when a prerequisite is not met, not found for a stream that does not exist, unavailable when the
    /// sink cannot be asked. Nothing is stored then (rule STR-06).
    pub async fn put_streaming_configurations(
        &self,
        arn: &AppInstanceArn,
        configurations: Vec<StreamingConfiguration>,
    ) -> Result<StreamingConfigurations, ServiceError> {
        check(&configurations, arn)?;
        self.instance(arn).await?;
        for configuration in &configurations {
            self.chime.sink().check(&configuration.resource_arn).await.map_err(unfit)?;
        }
        let id = self.chime.entropy().uuid();
        self.chime
            .transact(|_| async {
                let instance = self.instance(arn).await?;
                let (role, role_exists) = self.chime.iam().ensure_streaming_role().await?;
                let value = StreamingConfigurations {
                    configurations: configurations.clone(),
                    since: self.chime.now(),
                    id: Some(id.clone()),
                };
                Ok(Decision::reply(value.clone())
                    .guards([instance.guard(), role])
                    .change(role_exists)
                    .change(Change::Put(keys::streaming(arn), Record::of(value)))
                    .announce(streaming_changed(arn, Some(id.clone()), configurations.clone())))
            })
            .await
    }

    /// `GetMessagingStreamingConfigurations`; `None` when there are none.
    ///
    /// # Errors
    ///
    /// Forbidden without the app instance.
    pub async fn get_streaming_configurations(
        &self,
        arn: &AppInstanceArn,
    ) -> Result<Option<StreamingConfigurations>, ServiceError> {
        self.instance(arn).await?;
        Ok(self.load::<StreamingConfigurations>(keys::streaming(arn)).await?.get().cloned())
    }

    /// `DeleteMessagingStreamingConfigurations`: all of the app instance (rule STR-15).
    ///
    /// # Errors
    ///
    /// Forbidden without the app instance; deleting none succeeds.
    pub async fn delete_streaming_configurations(&self, arn: &AppInstanceArn) -> Result<(), ServiceError> {
        self.instance(arn).await?;
        self.chime
            .transact(|_| async {
                let found = self.load::<StreamingConfigurations>(keys::streaming(arn)).await?;
                let decision = Decision::reply(());
                Ok(match found.exists() {
                    true => decision
                        .guard(found.guard())
                        .change(Change::Delete(found.key().clone()))
                        .announce(streaming_changed(arn, None, Vec::new())),
                    false => decision,
                })
            })
            .await
    }
}
