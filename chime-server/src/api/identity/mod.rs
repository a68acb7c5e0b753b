//! App instances, users, administrators, retention, streaming configurations, tags.

mod admin;
mod app_instance;
mod bot;
mod endpoint;
mod retention;
mod streaming;
mod tags;
mod user;

use chime_domain::error::{ErrorCode, Refusal, ServiceError};

use super::Namespace;

crate::handlers! {
    "CreateAppInstance" => app_instance::create_app_instance,
    "DescribeAppInstance" => app_instance::describe_app_instance,
    "UpdateAppInstance" => app_instance::update_app_instance,
    "DeleteAppInstance" => app_instance::delete_app_instance,
    "ListAppInstances" => app_instance::list_app_instances,
    "CreateAppInstanceUser" => user::create_app_instance_user,
    "DescribeAppInstanceUser" => user::describe_app_instance_user,
    "UpdateAppInstanceUser" => user::update_app_instance_user,
    "DeleteAppInstanceUser" => user::delete_app_instance_user,
    "ListAppInstanceUsers" => user::list_app_instance_users,
    "PutAppInstanceUserExpirationSettings" => user::put_app_instance_user_expiration_settings,
    "CreateAppInstanceBot" => bot::create_app_instance_bot,
    "DescribeAppInstanceBot" => bot::describe_app_instance_bot,
    "UpdateAppInstanceBot" => bot::update_app_instance_bot,
    "DeleteAppInstanceBot" => bot::delete_app_instance_bot,
    "ListAppInstanceBots" => bot::list_app_instance_bots,
    "RegisterAppInstanceUserEndpoint" => endpoint::register_app_instance_user_endpoint,
    "DescribeAppInstanceUserEndpoint" => endpoint::describe_app_instance_user_endpoint,
    "UpdateAppInstanceUserEndpoint" => endpoint::update_app_instance_user_endpoint,
    "DeregisterAppInstanceUserEndpoint" => endpoint::deregister_app_instance_user_endpoint,
    "ListAppInstanceUserEndpoints" => endpoint::list_app_instance_user_endpoints,
    "CreateAppInstanceAdmin" => admin::create_app_instance_admin,
    "DescribeAppInstanceAdmin" => admin::describe_app_instance_admin,
    "DeleteAppInstanceAdmin" => admin::delete_app_instance_admin,
    "ListAppInstanceAdmins" => admin::list_app_instance_admins,
    "PutAppInstanceRetentionSettings" => retention::put_app_instance_retention_settings,
    "GetAppInstanceRetentionSettings" => retention::get_app_instance_retention_settings,
    "PutMessagingStreamingConfigurations" => streaming::put_streaming_configurations,
    "GetMessagingStreamingConfigurations" => streaming::get_streaming_configurations,
    "DeleteMessagingStreamingConfigurations" => streaming::delete_streaming_configurations,
    "TagResource" => tags::tag_resource,
    "UntagResource" => tags::untag_resource,
    "ListTagsForResource" => tags::list_tags_for_resource,
}

/// The legacy namespace says NotFound of tags, streaming and retention settings where the others say Forbidden (wire
/// rule E-06).
fn in_era<T>(namespace: Namespace, result: Result<T, ServiceError>) -> Result<T, ServiceError> {
    result.map_err(|error| match error.refusal() {
        Some(refusal)
            if namespace == Namespace::Legacy
                && refusal.code() == ErrorCode::Forbidden
                && refusal.rule() == "E-06" =>
        {
            Refusal::not_found("E-06", refusal.message().to_owned()).into()
        }
        _ => error,
    })
}
