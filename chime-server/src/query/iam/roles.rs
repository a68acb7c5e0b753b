//! Roles, service-linked ones included (rules IAM-28 to IAM-31).

use chime_domain::iam::{CreateRole, Deletion, Role, UpdateRole};

use super::super::call::Call;
use super::super::error::QueryError;
use super::super::xml::{Xml, percent_encoded};
use super::{list_request, no_boundary, page, tags};

fn fields(xml: &mut Xml, role: &Role, in_full: bool) {
    xml.text("Path", &role.path);
    xml.text("RoleName", &role.name);
    xml.text("RoleId", &role.id);
    xml.text("Arn", &role.arn);
    xml.moment("CreateDate", role.created);
    xml.text("AssumeRolePolicyDocument", &percent_encoded(&role.trust));
    xml.maybe("Description", role.description.as_deref());
    xml.value("MaxSessionDuration", role.max_session);
    if in_full {
        tags(xml, &role.held.tags);
        // Uses are not recorded; this is a role that was never used.
        xml.element("RoleLastUsed", |_| {});
    }
}

fn name<'a>(call: &'a Call<'_>) -> Result<&'a str, QueryError> {
    call.form.required("RoleName")
}

pub(super) async fn create(call: &Call<'_>, xml: &mut Xml) -> Result<(), QueryError> {
    let form = call.form;
    no_boundary(form)?;
    let command = CreateRole {
        name: name(call)?.to_owned(),
        path: form.get("Path").map(str::to_owned),
        trust: form.required("AssumeRolePolicyDocument")?.to_owned(),
        description: form.get("Description").map(str::to_owned),
        max_session: form.number("MaxSessionDuration")?,
        tags: form.tags("Tags"),
    };
    let role = call.iam().create_role(command).await?;
    xml.element("Role", |xml| fields(xml, &role, true));
    Ok(())
}

pub(super) async fn get(call: &Call<'_>, xml: &mut Xml) -> Result<(), QueryError> {
    let role = call.iam().role(name(call)?).await?;
    xml.element("Role", |xml| fields(xml, &role, true));
    Ok(())
}

pub(super) async fn update(call: &Call<'_>) -> Result<(), QueryError> {
    let update = UpdateRole {
        description: call.form.even_empty("Description").map(str::to_owned),
        max_session: call.form.number("MaxSessionDuration")?,
    };
    call.iam().update_role(name(call)?, &update).await?;
    Ok(())
}

pub(super) async fn describe(call: &Call<'_>, xml: &mut Xml) -> Result<(), QueryError> {
    let description = call.form.even_empty("Description").map(str::to_owned);
    let description = description.ok_or_else(|| QueryError::validation("Description must be given."))?;
    let update = UpdateRole { description: Some(description), max_session: None };
    let role = call.iam().update_role(name(call)?, &update).await?;
    xml.element("Role", |xml| fields(xml, &role, true));
    Ok(())
}

pub(super) async fn list(call: &Call<'_>, xml: &mut Xml) -> Result<(), QueryError> {
    let roles = call.iam().list_roles(&list_request(call.form)?).await?;
    page(xml, "Roles", roles, |xml, role| fields(xml, &role, false));
    Ok(())
}

pub(super) async fn delete(call: &Call<'_>) -> Result<(), QueryError> {
    Ok(call.iam().delete_role(name(call)?).await?)
}

pub(super) async fn update_trust(call: &Call<'_>) -> Result<(), QueryError> {
    Ok(call.iam().update_trust(name(call)?, call.form.required("PolicyDocument")?).await?)
}

pub(super) async fn create_service_linked(call: &Call<'_>, xml: &mut Xml) -> Result<(), QueryError> {
    if call.form.get("CustomSuffix").is_some() {
        return Err(QueryError::new(400, "InvalidInput", "Custom suffix is not allowed for this service."));
    }
    let description = call.form.get("Description").map(str::to_owned);
    let service = call.form.required("AWSServiceName")?;
    let role = call.iam().create_service_linked_role(service, description).await?;
    xml.element("Role", |xml| fields(xml, &role, true));
    Ok(())
}

pub(super) async fn delete_service_linked(call: &Call<'_>, xml: &mut Xml) -> Result<(), QueryError> {
    let task = call.iam().delete_service_linked_role(name(call)?).await?;
    xml.text("DeletionTaskId", &task);
    Ok(())
}

pub(super) async fn deletion_status(call: &Call<'_>, xml: &mut Xml) -> Result<(), QueryError> {
    let task = call.form.required("DeletionTaskId")?;
    match call.iam().service_linked_role_deletion(task).await? {
        Deletion::Succeeded => xml.text("Status", "SUCCEEDED"),
        Deletion::Failed => {
            xml.text("Status", "FAILED");
            xml.element("Reason", |xml| {
                xml.text(
                    "Reason",
                    "The role is in use. Delete the streaming configurations of all app instances, wait a few minutes, and try again.",
                );
                xml.element("RoleUsageList", |_| {});
            });
        }
    }
    Ok(())
}
