//! Users.

use chime_domain::iam::{CallerKind, CreateUser, User};

use super::super::call::Call;
use super::super::error::QueryError;
use super::super::xml::Xml;
use super::{list_request, no_boundary, page, tags};

fn fields(xml: &mut Xml, user: &User, with_tags: bool) {
    xml.text("Path", &user.path);
    xml.text("UserName", &user.name);
    xml.text("UserId", &user.id);
    xml.text("Arn", &user.arn);
    xml.moment("CreateDate", user.created);
    if with_tags {
        tags(xml, &user.held.tags);
    }
}

pub(super) async fn create(call: &Call<'_>, xml: &mut Xml) -> Result<(), QueryError> {
    no_boundary(call.form)?;
    let command = CreateUser {
        name: call.form.required("UserName")?.to_owned(),
        path: call.form.get("Path").map(str::to_owned),
        tags: call.form.tags("Tags"),
    };
    let user = call.iam().create_user(command).await?;
    xml.element("User", |xml| fields(xml, &user, true));
    Ok(())
}

pub(super) async fn get(call: &Call<'_>, xml: &mut Xml) -> Result<(), QueryError> {
    let caller = call.caller()?;
    if caller.kind == CallerKind::Root && call.form.get("UserName").is_none() {
        // The owner has no name and no path.
        xml.element("User", |xml| {
            xml.text("Path", "/");
            xml.text("UserName", "root");
            xml.text("UserId", &caller.user_id);
            xml.text("Arn", &caller.arn);
            xml.text("CreateDate", "1970-01-01T00:00:00Z");
        });
        return Ok(());
    }
    let user = call.iam().user(call.user_name()?).await?;
    xml.element("User", |xml| fields(xml, &user, true));
    Ok(())
}

pub(super) async fn update(call: &Call<'_>) -> Result<(), QueryError> {
    let name = call.form.required("UserName")?;
    call.iam().update_user(name, call.form.get("NewUserName"), call.form.get("NewPath")).await?;
    Ok(())
}

pub(super) async fn list(call: &Call<'_>, xml: &mut Xml) -> Result<(), QueryError> {
    let users = call.iam().list_users(&list_request(call.form)?).await?;
    page(xml, "Users", users, |xml, user| fields(xml, &user, false));
    Ok(())
}

pub(super) async fn delete(call: &Call<'_>) -> Result<(), QueryError> {
    Ok(call.iam().delete_user(call.form.required("UserName")?).await?)
}
