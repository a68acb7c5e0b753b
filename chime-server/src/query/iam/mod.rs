//! The operations of IAM.

mod access_keys;
mod holding;
mod policies;
mod roles;
mod users;

use chime_domain::access::policy::Tag;
use chime_domain::iam::{ListRequest, Role, User};
use chime_domain::page::Page;

use super::call::Call;
use super::error::QueryError;
use super::form::Form;
use super::xml::Xml;

/// Answers a call to IAM into `xml`.
///
/// # Errors
///
/// What the operation refuses.
pub(super) async fn answer(call: &Call<'_>, xml: &mut Xml) -> Result<(), QueryError> {
    match call.operation.name {
        "CreateUser" => users::create(call, xml).await,
        "GetUser" => users::get(call, xml).await,
        "UpdateUser" => users::update(call).await,
        "ListUsers" => users::list(call, xml).await,
        "DeleteUser" => users::delete(call).await,
        "CreateAccessKey" => access_keys::create(call, xml).await,
        "ListAccessKeys" => access_keys::list(call, xml).await,
        "UpdateAccessKey" => access_keys::update(call).await,
        "DeleteAccessKey" => access_keys::delete(call).await,
        "GetAccessKeyLastUsed" => access_keys::last_used(call, xml).await,
        "PutUserPolicy" => holding::put_inline::<User>(call).await,
        "GetUserPolicy" => holding::get_inline::<User>(call, xml).await,
        "ListUserPolicies" => holding::list_inline::<User>(call, xml).await,
        "DeleteUserPolicy" => holding::delete_inline::<User>(call).await,
        "AttachUserPolicy" => holding::attach::<User>(call).await,
        "DetachUserPolicy" => holding::detach::<User>(call).await,
        "ListAttachedUserPolicies" => holding::list_attached::<User>(call, xml).await,
        "TagUser" => holding::tag::<User>(call).await,
        "UntagUser" => holding::untag::<User>(call).await,
        "ListUserTags" => holding::list_tags::<User>(call, xml).await,
        "CreateRole" => roles::create(call, xml).await,
        "GetRole" => roles::get(call, xml).await,
        "UpdateRole" => roles::update(call).await,
        "UpdateRoleDescription" => roles::describe(call, xml).await,
        "ListRoles" => roles::list(call, xml).await,
        "DeleteRole" => roles::delete(call).await,
        "UpdateAssumeRolePolicy" => roles::update_trust(call).await,
        "PutRolePolicy" => holding::put_inline::<Role>(call).await,
        "GetRolePolicy" => holding::get_inline::<Role>(call, xml).await,
        "ListRolePolicies" => holding::list_inline::<Role>(call, xml).await,
        "DeleteRolePolicy" => holding::delete_inline::<Role>(call).await,
        "AttachRolePolicy" => holding::attach::<Role>(call).await,
        "DetachRolePolicy" => holding::detach::<Role>(call).await,
        "ListAttachedRolePolicies" => holding::list_attached::<Role>(call, xml).await,
        "TagRole" => holding::tag::<Role>(call).await,
        "UntagRole" => holding::untag::<Role>(call).await,
        "ListRoleTags" => holding::list_tags::<Role>(call, xml).await,
        "CreatePolicy" => policies::create(call, xml).await,
        "GetPolicy" => policies::get(call, xml).await,
        "ListPolicies" => policies::list(call, xml).await,
        "DeletePolicy" => policies::delete(call).await,
        "CreatePolicyVersion" => policies::create_version(call, xml).await,
        "GetPolicyVersion" => policies::get_version(call, xml).await,
        "ListPolicyVersions" => policies::list_versions(call, xml).await,
        "SetDefaultPolicyVersion" => policies::set_default_version(call).await,
        "DeletePolicyVersion" => policies::delete_version(call).await,
        "CreateServiceLinkedRole" => roles::create_service_linked(call, xml).await,
        "DeleteServiceLinkedRole" => roles::delete_service_linked(call, xml).await,
        "GetServiceLinkedRoleDeletionStatus" => roles::deletion_status(call, xml).await,
        "ListOpenIDConnectProviders" => {
            let iam = call.iam();
            xml.list("OpenIDConnectProviderList", call.issuers.hosts(), |xml, host| {
                xml.text("Arn", &iam.provider_arn(host));
            });
            Ok(())
        }
        _ => Err(QueryError::invalid_action(call.operation.name)),
    }
}

/// What a list asks for.
fn list_request(form: &Form<'_>) -> Result<ListRequest, QueryError> {
    Ok(ListRequest {
        max_items: form.number("MaxItems")?,
        marker: form.get("Marker").map(str::to_owned),
        path_prefix: form.get("PathPrefix").map(str::to_owned),
    })
}

/// A page of a list.
fn page<T>(xml: &mut Xml, name: &str, page: Page<T>, each: impl FnMut(&mut Xml, T)) {
    xml.list(name, page.items, each);
    xml.value("IsTruncated", page.next.is_some());
    xml.maybe("Marker", page.next.as_deref());
}

fn tag(xml: &mut Xml, tag: &Tag) {
    xml.text("Key", &tag.key);
    xml.text("Value", &tag.value);
}

/// Tags inside an object, which are left out when there are none.
fn tags(xml: &mut Xml, tags: &[Tag]) {
    if !tags.is_empty() {
        xml.list("Tags", tags, tag);
    }
}

/// Permissions boundaries are not built. To ignore one would grant more than was asked for.
fn no_boundary(form: &Form<'_>) -> Result<(), QueryError> {
    match form.get("PermissionsBoundary") {
        None => Ok(()),
        Some(_) => Err(QueryError::new(400, "InvalidInput", "Permissions boundaries are not supported.")),
    }
}
