//! Managed policies.

use chime_domain::iam::{CreatePolicy, PolicyScope, PolicySummary, PolicyVersion};

use super::super::call::Call;
use super::super::error::QueryError;
use super::super::xml::{Xml, percent_encoded};
use super::{list_request, page, tags};

fn fields(xml: &mut Xml, policy: &PolicySummary, in_full: bool) {
    xml.text("PolicyName", &policy.name);
    xml.text("PolicyId", &policy.id);
    xml.text("Arn", &policy.arn);
    xml.text("Path", &policy.path);
    xml.value("DefaultVersionId", format_args!("v{}", policy.default));
    xml.value("AttachmentCount", policy.attachments);
    xml.value("PermissionsBoundaryUsageCount", 0);
    xml.value("IsAttachable", policy.attachable);
    xml.moment("CreateDate", policy.created);
    xml.moment("UpdateDate", policy.updated);
    if in_full {
        xml.maybe("Description", policy.description.as_deref());
        tags(xml, &policy.tags);
    }
}

fn version_fields(xml: &mut Xml, version: &PolicyVersion, in_force: bool, with_document: bool) {
    if with_document {
        xml.text("Document", &percent_encoded(&version.document));
    }
    xml.value("VersionId", format_args!("v{}", version.number));
    xml.value("IsDefaultVersion", in_force);
    xml.moment("CreateDate", version.created);
}

fn arn<'a>(call: &'a Call<'_>) -> Result<&'a str, QueryError> {
    call.form.required("PolicyArn")
}

pub(super) async fn create(call: &Call<'_>, xml: &mut Xml) -> Result<(), QueryError> {
    let form = call.form;
    let command = CreatePolicy {
        name: form.required("PolicyName")?.to_owned(),
        path: form.get("Path").map(str::to_owned),
        description: form.get("Description").map(str::to_owned),
        document: form.required("PolicyDocument")?.to_owned(),
        tags: form.tags("Tags"),
    };
    let policy = call.iam().create_policy(command).await?;
    xml.element("Policy", |xml| fields(xml, &policy, true));
    Ok(())
}

pub(super) async fn get(call: &Call<'_>, xml: &mut Xml) -> Result<(), QueryError> {
    let policy = call.iam().policy(arn(call)?).await?;
    xml.element("Policy", |xml| fields(xml, &policy, true));
    Ok(())
}

pub(super) async fn list(call: &Call<'_>, xml: &mut Xml) -> Result<(), QueryError> {
    let scope = match call.form.get("Scope") {
        None | Some("All") => PolicyScope::All,
        Some("AWS") => PolicyScope::Aws,
        Some("Local") => PolicyScope::Local,
        Some(_) => return Err(QueryError::validation("Scope must be All, AWS or Local.")),
    };
    let only_attached = call.form.flag("OnlyAttached")?;
    let policies = call.iam().list_policies(scope, only_attached, &list_request(call.form)?).await?;
    page(xml, "Policies", policies, |xml, policy| fields(xml, &policy, false));
    Ok(())
}

pub(super) async fn delete(call: &Call<'_>) -> Result<(), QueryError> {
    Ok(call.iam().delete_policy(arn(call)?).await?)
}

pub(super) async fn create_version(call: &Call<'_>, xml: &mut Xml) -> Result<(), QueryError> {
    let (document, set_default) = (call.form.required("PolicyDocument")?, call.form.flag("SetAsDefault")?);
    let (version, in_force) = call.iam().create_policy_version(arn(call)?, document, set_default).await?;
    xml.element("PolicyVersion", |xml| version_fields(xml, &version, in_force, false));
    Ok(())
}

pub(super) async fn get_version(call: &Call<'_>, xml: &mut Xml) -> Result<(), QueryError> {
    let (version, in_force) = call.iam().policy_version(arn(call)?, call.form.required("VersionId")?).await?;
    xml.element("PolicyVersion", |xml| version_fields(xml, &version, in_force, true));
    Ok(())
}

pub(super) async fn list_versions(call: &Call<'_>, xml: &mut Xml) -> Result<(), QueryError> {
    let versions = call.iam().policy_versions(arn(call)?).await?;
    xml.list("Versions", &versions, |xml, (version, in_force)| {
        version_fields(xml, version, *in_force, false)
    });
    xml.value("IsTruncated", false);
    Ok(())
}

pub(super) async fn set_default_version(call: &Call<'_>) -> Result<(), QueryError> {
    let version = call.form.required("VersionId")?;
    Ok(call.iam().set_default_policy_version(arn(call)?, version).await?)
}

pub(super) async fn delete_version(call: &Call<'_>) -> Result<(), QueryError> {
    let version = call.form.required("VersionId")?;
    Ok(call.iam().delete_policy_version(arn(call)?, version).await?)
}
