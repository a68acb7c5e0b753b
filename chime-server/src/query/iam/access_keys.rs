//! Access keys.

use chime_domain::iam::AccessKey;

use super::super::call::Call;
use super::super::error::QueryError;
use super::super::xml::Xml;

fn status(active: bool) -> &'static str {
    if active { "Active" } else { "Inactive" }
}

fn fields(xml: &mut Xml, key: &AccessKey) {
    xml.text("UserName", &key.user);
    xml.text("AccessKeyId", &key.id);
    xml.text("Status", status(key.active));
}

pub(super) async fn create(call: &Call<'_>, xml: &mut Xml) -> Result<(), QueryError> {
    let key = call.iam().create_access_key(call.user_name()?).await?;
    xml.element("AccessKey", |xml| {
        fields(xml, &key);
        xml.text("SecretAccessKey", &key.secret.0);
        xml.moment("CreateDate", key.created);
    });
    Ok(())
}

pub(super) async fn list(call: &Call<'_>, xml: &mut Xml) -> Result<(), QueryError> {
    let user = call.user_name()?;
    let keys = call.iam().list_access_keys(user).await?;
    xml.text("UserName", user);
    xml.list("AccessKeyMetadata", &keys, |xml, key| {
        fields(xml, key);
        xml.moment("CreateDate", key.created);
    });
    xml.value("IsTruncated", false);
    Ok(())
}

pub(super) async fn update(call: &Call<'_>) -> Result<(), QueryError> {
    let active = match call.form.required("Status")? {
        "Active" => true,
        "Inactive" => false,
        _ => return Err(QueryError::validation("Status must be Active or Inactive.")),
    };
    let id = call.form.required("AccessKeyId")?;
    Ok(call.iam().update_access_key(call.user_name()?, id, active).await?)
}

pub(super) async fn delete(call: &Call<'_>) -> Result<(), QueryError> {
    let id = call.form.required("AccessKeyId")?;
    Ok(call.iam().delete_access_key(call.user_name()?, id).await?)
}

/// Uses of keys are not recorded; the answer is that of a key that was never used.
pub(super) async fn last_used(call: &Call<'_>, xml: &mut Xml) -> Result<(), QueryError> {
    let key = call.iam().access_key(call.form.required("AccessKeyId")?).await?;
    xml.text("UserName", &key.user);
    xml.element("AccessKeyLastUsed", |xml| {
        xml.text("ServiceName", "N/A");
        xml.text("Region", "N/A");
    });
    Ok(())
}
