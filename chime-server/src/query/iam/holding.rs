//! Inline policies, attached policies and tags of users and roles.

use chime_domain::iam::Holder;

use super::super::call::Call;
use super::super::error::QueryError;
use super::super::xml::{Xml, percent_encoded};
use super::{list_request, page, tag as one_tag};

/// The parameter that names a user or a role.
fn name_of<H: Holder>() -> &'static str {
    if H::NOUN == "user" { "UserName" } else { "RoleName" }
}

fn holder<'a, H: Holder>(call: &'a Call<'_>) -> Result<&'a str, QueryError> {
    call.form.required(name_of::<H>())
}

pub(super) async fn put_inline<H: Holder>(call: &Call<'_>) -> Result<(), QueryError> {
    let (name, document) = (call.form.required("PolicyName")?, call.form.required("PolicyDocument")?);
    Ok(call.iam().put_inline_policy::<H>(holder::<H>(call)?, name, document).await?)
}

pub(super) async fn get_inline<H: Holder>(call: &Call<'_>, xml: &mut Xml) -> Result<(), QueryError> {
    let (holder, name) = (holder::<H>(call)?, call.form.required("PolicyName")?);
    let document = call.iam().inline_policy::<H>(holder, name).await?;
    xml.text(name_of::<H>(), holder);
    xml.text("PolicyName", name);
    xml.text("PolicyDocument", &percent_encoded(&document));
    Ok(())
}

pub(super) async fn list_inline<H: Holder>(call: &Call<'_>, xml: &mut Xml) -> Result<(), QueryError> {
    let request = list_request(call.form)?;
    let names = call.iam().list_inline_policies::<H>(holder::<H>(call)?, &request).await?;
    page(xml, "PolicyNames", names, |xml, name| xml.escape(&name));
    Ok(())
}

pub(super) async fn delete_inline<H: Holder>(call: &Call<'_>) -> Result<(), QueryError> {
    let name = call.form.required("PolicyName")?;
    Ok(call.iam().delete_inline_policy::<H>(holder::<H>(call)?, name).await?)
}

pub(super) async fn attach<H: Holder>(call: &Call<'_>) -> Result<(), QueryError> {
    let arn = call.form.required("PolicyArn")?;
    Ok(call.iam().attach_policy::<H>(holder::<H>(call)?, arn).await?)
}

pub(super) async fn detach<H: Holder>(call: &Call<'_>) -> Result<(), QueryError> {
    let arn = call.form.required("PolicyArn")?;
    Ok(call.iam().detach_policy::<H>(holder::<H>(call)?, arn).await?)
}

pub(super) async fn list_attached<H: Holder>(call: &Call<'_>, xml: &mut Xml) -> Result<(), QueryError> {
    let request = list_request(call.form)?;
    let attached = call.iam().list_attached_policies::<H>(holder::<H>(call)?, &request).await?;
    page(xml, "AttachedPolicies", attached, |xml, policy| {
        xml.text("PolicyName", &policy.name);
        xml.text("PolicyArn", &policy.arn);
    });
    Ok(())
}

pub(super) async fn tag<H: Holder>(call: &Call<'_>) -> Result<(), QueryError> {
    Ok(call.iam().tag::<H>(holder::<H>(call)?, &call.form.tags("Tags")).await?)
}

pub(super) async fn untag<H: Holder>(call: &Call<'_>) -> Result<(), QueryError> {
    Ok(call.iam().untag::<H>(holder::<H>(call)?, &call.form.list("TagKeys")).await?)
}

pub(super) async fn list_tags<H: Holder>(call: &Call<'_>, xml: &mut Xml) -> Result<(), QueryError> {
    let tags = call.iam().list_tags::<H>(holder::<H>(call)?, &list_request(call.form)?).await?;
    page(xml, "Tags", tags, |xml, tag| one_tag(xml, &tag));
    Ok(())
}
