//! Signed forms through the whole router, and the XML that comes back.

use std::sync::Arc;

use axum::Router;
use chime_adapters::memory::MemoryStore;
use chime_adapters::{SystemEntropy, TestClock};
use chime_domain::Chime;
use chime_domain::ports::Clock;
use chime_domain::time::Timestamp;
use http_body_util::BodyExt;
use tower_service::Service as _;

use super::xml::percent_encoded;
use super::*;
use crate::AppOptions;
use crate::auth::RootKey;
use crate::auth::sigv4::{Secret, SignedRequest, Signer};
use crate::http::router;

const ROOT: (&str, &str) = ("AKIAROOTROOTROOTROOT", "root-secret");
const POLICY: &str = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["iam:GetUser", "iam:ListAccessKeys"], "Resource": "arn:aws:iam::123456789012:user/team/${aws:username}"}]}"#;

struct World {
    router: Router,
    clock: Arc<TestClock>,
}

/// An answer without what differs from run to run.
#[derive(Debug)]
struct Answer {
    status: u16,
    text: String,
}

impl Answer {
    /// The text of the first element of that name.
    fn value(&self, name: &str) -> &str {
        let (_, rest) = self.text.split_once(&format!("<{name}>")).unwrap_or_else(|| panic!("{self:?}"));
        rest.split_once(&format!("</{name}>")).unwrap().0
    }

    /// With the texts of these elements replaced by dots.
    fn without(&self, names: &[&str]) -> String {
        names.iter().fold(self.text.clone(), |text, name| {
            text.replacen(
                &format!("<{name}>{}</{name}>", self.value(name)),
                &format!("<{name}>…</{name}>"),
                1,
            )
        })
    }
}

impl World {
    async fn new() -> Self {
        let clock = Arc::new(TestClock::frozen(Timestamp::from_millis(1_610_403_151_123)));
        let chime = Chime::shared(Arc::new(MemoryStore::new()), clock.clone(), Arc::new(SystemEntropy));
        let options = AppOptions { root: Some(RootKey::new(ROOT.0, ROOT.1)), ..AppOptions::default() };
        Self { router: router(App::new(chime.build().await.unwrap(), options)), clock }
    }

    async fn send(&self, request: http::request::Builder, body: &str) -> Answer {
        let request = request.header("host", "chime.test").body(Body::from(body.to_owned())).unwrap();
        let response = self.router.clone().call(request).await.unwrap();
        let status = response.status().as_u16();
        assert_eq!(response.headers()[CONTENT_TYPE], "text/xml");
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        Answer { status, text: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    async fn signed(&self, key: (&str, &str), token: Option<&str>, service: &str, body: &str) -> Answer {
        let secret = Secret::new(key.1);
        let signer = Signer { access_key: key.0, secret: &secret, token, region: "us-east-1", service };
        let headers = [("host", &b"chime.test"[..])];
        let signed = SignedRequest {
            method: "POST",
            raw_path: "/",
            raw_query: "",
            headers: &headers,
            body: body.as_bytes(),
            secure: false,
        };
        let mut request = http::Request::post("/");
        for (name, value) in signer.sign_headers(&signed, self.clock.now()).unwrap() {
            request = request.header(name, value);
        }
        self.send(request, body).await
    }

    async fn iam(&self, body: &str) -> Answer {
        let answer = self.signed(ROOT, None, "iam", body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer
    }

    /// A user below `/team/` with a policy, and its key.
    async fn user(&self, name: &str) -> (String, String) {
        self.iam(&format!("Action=CreateUser&UserName={name}&Path=/team/")).await;
        let document = percent_encoded(POLICY);
        self.iam(&format!("Action=PutUserPolicy&UserName={name}&PolicyName=p&PolicyDocument={document}"))
            .await;
        let key = self.iam(&format!("Action=CreateAccessKey&UserName={name}")).await;
        (key.value("AccessKeyId").to_owned(), key.value("SecretAccessKey").to_owned())
    }
}

#[tokio::test]
async fn a_user_is_answered_in_the_form_that_clients_parse() {
    let world = World::new().await;
    let body =
        "Action=CreateUser&Version=2010-05-08&UserName=ada&Tags.member.1.Key=a&Tags.member.1.Value=b%2Bc+d";
    let answer = world.iam(body).await;
    assert_eq!(
        answer.without(&["UserId", "RequestId"]),
        "<CreateUserResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><CreateUserResult><User>\
         <Path>/</Path><UserName>ada</UserName><UserId>…</UserId>\
         <Arn>arn:aws:iam::123456789012:user/ada</Arn><CreateDate>2021-01-11T22:12:31Z</CreateDate>\
         <Tags><member><Key>a</Key><Value>b+c d</Value></member></Tags></User></CreateUserResult>\
         <ResponseMetadata><RequestId>…</RequestId></ResponseMetadata></CreateUserResponse>"
    );
    let answer = world.iam("Action=DeleteUser&UserName=ada").await;
    assert_eq!(
        answer.without(&["RequestId"]),
        "<DeleteUserResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\
         <ResponseMetadata><RequestId>…</RequestId></ResponseMetadata></DeleteUserResponse>"
    );
}

#[tokio::test]
async fn errors_have_their_codes_and_statuses_in_xml() {
    let world = World::new().await;
    let answer = world.signed(ROOT, None, "iam", "Action=GetUser&UserName=nobody").await;
    assert_eq!(answer.status, 404);
    assert_eq!(
        answer.without(&["RequestId"]),
        "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error><Type>Sender</Type>\
         <Code>NoSuchEntity</Code><Message>The user with name nobody cannot be found.</Message></Error>\
         <RequestId>…</RequestId></ErrorResponse>"
    );
    let too_large = "x".repeat(300 * 1024);
    for (key, service, body, status, code) in [
        (ROOT, "iam", "Action=CreateGroup&GroupName=g", 400, "InvalidAction"),
        (ROOT, "sts", "Action=CreateUser&UserName=ada", 400, "InvalidAction"),
        (ROOT, "iam", "UserName=ada", 400, "MissingAction"),
        (ROOT, "iam", "Action=%zz", 400, "MalformedInput"),
        (ROOT, "iam", "Action=CreateUser", 400, "ValidationError"),
        (ROOT, "iam", "Action=CreateUser&UserName=a/b", 400, "ValidationError"),
        (ROOT, "iam", "Action=CreateAccessKey", 400, "ValidationError"),
        (ROOT, "iam", "Action=ListUsers&MaxItems=many", 400, "ValidationError"),
        (ROOT, "iam", "Action=CreateUser&UserName=a&PermissionsBoundary=arn", 400, "InvalidInput"),
        (ROOT, "iam", "Action=CreatePolicy&PolicyName=p&PolicyDocument=x", 400, "MalformedPolicyDocument"),
        (ROOT, "chime", "Action=ListUsers", 403, "SignatureDoesNotMatch"),
        ((ROOT.0, "wrong"), "iam", "Action=ListUsers", 403, "SignatureDoesNotMatch"),
        (("AKIAAAAAAAAAAAAAAAAA", "x"), "iam", "Action=ListUsers", 403, "InvalidClientTokenId"),
        (ROOT, "iam", &too_large, 413, "RequestEntityTooLarge"),
    ] {
        let answer = world.signed(key, None, service, body).await;
        let shown = body.get(..40).unwrap_or(body);
        assert_eq!((answer.status, answer.value("Code")), (status, code), "{service} {shown}");
    }
    let answer = world.send(http::Request::post("/"), "Action=ListUsers").await;
    assert_eq!((answer.status, answer.value("Code")), (403, "MissingAuthenticationToken"));
    let answer = world.send(http::Request::get("/?Action=ListUsers"), "").await;
    assert_eq!((answer.status, answer.value("Code")), (403, "MissingAuthenticationToken"));
    let unsigned = "Action=AssumeRoleWithWebIdentity&RoleArn=r&RoleSessionName=me&WebIdentityToken=x";
    let answer = world.send(http::Request::post("/"), unsigned).await;
    assert_eq!((answer.status, answer.value("Code")), (400, "InvalidIdentityToken"));
}

#[tokio::test]
async fn policies_decide_on_the_arn_of_the_user_with_its_path() {
    let world = World::new().await;
    let (id, secret) = world.user("ada").await;
    world.user("bob").await;
    let ada = (id.as_str(), secret.as_str());
    for (body, status) in [
        ("Action=GetUser", 200),
        ("Action=GetUser&UserName=ada", 200),
        ("Action=ListAccessKeys", 200),
        ("Action=GetUser&UserName=bob", 403),
        ("Action=GetUser&UserName=nobody", 403),
        ("Action=CreateUser&UserName=eve&Path=/team/", 403),
        ("Action=ListUsers", 403),
        ("Action=DeleteUser&UserName=ada", 403),
    ] {
        let answer = world.signed(ada, None, "iam", body).await;
        assert_eq!(answer.status, status, "{body}: {answer:?}");
    }
    let answer = world.signed(ada, None, "sts", "Action=GetCallerIdentity").await;
    assert_eq!(answer.value("Arn"), "arn:aws:iam::123456789012:user/team/ada");
    world.iam("Action=DeleteUserPolicy&UserName=ada&PolicyName=p").await;
    assert_eq!(world.signed(ada, None, "iam", "Action=GetUser").await.status, 403);
}

#[tokio::test]
async fn documents_come_back_percent_encoded_and_otherwise_unchanged() {
    let world = World::new().await;
    world.user("ada").await;
    let answer = world.iam("Action=GetUserPolicy&UserName=ada&PolicyName=p").await;
    assert_eq!(answer.value("PolicyDocument"), percent_encoded(POLICY));
    assert!(answer.value("PolicyDocument").starts_with("%7B%22Version%22%3A%20%222012-10-17%22"));
}

#[tokio::test]
async fn an_assumed_role_signs_with_its_token_until_it_ends() {
    let world = World::new().await;
    let trust =
        r#"{"Statement": {"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "sts:*"}}"#;
    let document = percent_encoded(trust);
    world.iam(&format!("Action=CreateRole&RoleName=r&AssumeRolePolicyDocument={document}")).await;
    let body = "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fr\
                &RoleSessionName=demo&Tags.member.1.Key=k&Tags.member.1.Value=v&DurationSeconds=900";
    let vended = world.signed(ROOT, None, "sts", body).await;
    assert_eq!(
        vended.without(&["AccessKeyId", "SecretAccessKey", "SessionToken", "AssumedRoleId", "RequestId"]),
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><Credentials>\
         <AccessKeyId>…</AccessKeyId><SecretAccessKey>…</SecretAccessKey><SessionToken>…</SessionToken>\
         <Expiration>2021-01-11T22:27:31Z</Expiration></Credentials><AssumedRoleUser>\
         <AssumedRoleId>…</AssumedRoleId><Arn>arn:aws:sts::123456789012:assumed-role/r/demo</Arn>\
         </AssumedRoleUser><PackedPolicySize>1</PackedPolicySize></AssumeRoleResult>\
         <ResponseMetadata><RequestId>…</RequestId></ResponseMetadata></AssumeRoleResponse>"
    );
    let key = (vended.value("AccessKeyId"), vended.value("SecretAccessKey"));
    let token = Some(vended.value("SessionToken"));
    let identity = "Action=GetCallerIdentity";
    let answer = world.signed(key, token, "sts", identity).await;
    assert_eq!(answer.value("Arn"), "arn:aws:sts::123456789012:assumed-role/r/demo");
    let without = world.signed(key, None, "sts", identity).await;
    assert_eq!((without.status, without.value("Code")), (403, "InvalidClientTokenId"));
    let permanent = world.signed(ROOT, token, "sts", identity).await;
    assert_eq!((permanent.status, permanent.value("Code")), (403, "InvalidClientTokenId"));
    world.clock.advance(std::time::Duration::from_secs(900));
    let ended = world.signed(key, token, "sts", identity).await;
    assert_eq!((ended.status, ended.value("Code")), (403, "ExpiredToken"));
}

#[tokio::test]
async fn every_operation_of_the_table_is_built() {
    let world = World::new().await;
    for operation in operations::OPERATIONS {
        let service = if operation.service == Service::Iam { "iam" } else { "sts" };
        let answer = world.signed(ROOT, None, service, &format!("Action={}", operation.name)).await;
        assert!(!answer.text.contains("InvalidAction"), "{}", operation.name);
        assert!(answer.status < 500, "{answer:?}");
    }
}
