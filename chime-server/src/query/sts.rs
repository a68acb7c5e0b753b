//! The operations of STS (wire.md section 9).

use chime_domain::iam::{AssumeRole, SessionOptions, Vended};

use super::call::Call;
use super::error::QueryError;
use super::xml::Xml;

/// Answers a call to STS into `xml`.
///
/// # Errors
///
/// What the operation refuses.
pub(super) async fn answer(call: &Call<'_>, xml: &mut Xml) -> Result<(), QueryError> {
    match call.operation.name {
        "AssumeRole" => assume_role(call, xml).await,
        "AssumeRoleWithWebIdentity" => assume_role_with_web_identity(call, xml).await,
        "GetCallerIdentity" => {
            let caller = call.caller()?;
            xml.text("Arn", &caller.arn);
            xml.text("UserId", &caller.user_id);
            xml.text("Account", &caller.account);
            Ok(())
        }
        "GetSessionToken" => {
            let duration = call.form.number("DurationSeconds")?;
            credentials(xml, &call.iam().session_token(call.caller()?, duration)?);
            Ok(())
        }
        "GetAccessKeyInfo" => {
            // There is one account, and the keys of other accounts are not known.
            let id = call.form.required("AccessKeyId")?;
            if !id.starts_with("ASIA") {
                call.iam().access_key(id).await?;
            }
            xml.text("Account", &call.chime.settings().account);
            Ok(())
        }
        "GetFederationToken" => federation_token(call, xml).await,
        _ => Err(QueryError::invalid_action(call.operation.name)),
    }
}

fn options(call: &Call<'_>) -> Result<SessionOptions, QueryError> {
    let form = call.form;
    if form.get("SourceIdentity").is_some() {
        return Err(QueryError::validation("SourceIdentity is not supported."));
    }
    Ok(SessionOptions {
        duration: form.number("DurationSeconds")?,
        policy: form.get("Policy").map(str::to_owned),
        policy_arns: form.list_of("PolicyArns", "arn"),
        tags: form.tags("Tags"),
        transitive: form.list("TransitiveTagKeys"),
    })
}

async fn command(call: &Call<'_>) -> Result<AssumeRole, QueryError> {
    let options = options(call)?;
    call.iam().check_session_policies(&options.policy_arns).await?;
    Ok(AssumeRole {
        role_arn: call.form.required("RoleArn")?.to_owned(),
        session_name: call.form.required("RoleSessionName")?.to_owned(),
        external_id: call.form.get("ExternalId").map(str::to_owned),
        options,
    })
}

fn credentials(xml: &mut Xml, vended: &Vended) {
    xml.element("Credentials", |xml| {
        xml.text("AccessKeyId", &vended.access_key_id);
        xml.text("SecretAccessKey", &vended.secret.0);
        xml.text("SessionToken", &vended.token.0);
        xml.moment("Expiration", vended.expires);
    });
}

fn assumed(xml: &mut Xml, vended: &Vended) {
    xml.element("AssumedRoleUser", |xml| {
        xml.text("AssumedRoleId", &vended.id);
        xml.text("Arn", &vended.arn);
    });
    if let Some(percent) = vended.packed_percent {
        xml.value("PackedPolicySize", percent);
    }
}

async fn assume_role(call: &Call<'_>, xml: &mut Xml) -> Result<(), QueryError> {
    let caller = call.caller()?;
    let vended = call.iam().assume_role(caller, &command(call).await?, &call.context(Some(caller))).await?;
    credentials(xml, &vended);
    assumed(xml, &vended);
    Ok(())
}

async fn assume_role_with_web_identity(call: &Call<'_>, xml: &mut Xml) -> Result<(), QueryError> {
    let command = command(call).await?;
    let token = call.form.required("WebIdentityToken")?;
    let identity = call.issuers.verify(token, call.chime.now())?;
    let vended = call.iam().assume_role_with_web_identity(&identity, &command, &call.context(None)).await?;
    xml.text("SubjectFromWebIdentityToken", &identity.subject);
    xml.text("Audience", &identity.audience);
    assumed(xml, &vended);
    credentials(xml, &vended);
    xml.text("Provider", &call.iam().provider_arn(&identity.issuer));
    Ok(())
}

async fn federation_token(call: &Call<'_>, xml: &mut Xml) -> Result<(), QueryError> {
    let options = options(call)?;
    call.iam().check_session_policies(&options.policy_arns).await?;
    let vended = call.iam().federation_token(call.caller()?, call.form.required("Name")?, options)?;
    credentials(xml, &vended);
    xml.element("FederatedUser", |xml| {
        xml.text("FederatedUserId", &vended.id);
        xml.text("Arn", &vended.arn);
    });
    if let Some(percent) = vended.packed_percent {
        xml.value("PackedPolicySize", percent);
    }
    Ok(())
}
