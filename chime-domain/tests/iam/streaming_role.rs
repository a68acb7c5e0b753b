//! The life of the service-linked role (rules IAM-28 to IAM-31).

use chime_domain::access::policy::{NamedPolicy, managed};
use chime_domain::access::policy::{PolicySet, RequestContext};
use chime_domain::iam::{Caller, Deletion, IamCode, Role, UpdateRole};
use chime_domain::identity::{CreateAppInstance, StreamingConfiguration, StreamingDataType};
use chime_domain::text::ResourceName;

use super::world::{ACCOUNT, ALL, START, World, refused, run};

const NAME: &str = "AmazonChimeServiceChatStreamingAccess";

fn delete(world: &World) -> Deletion {
    let task = run(world.chime.iam().delete_service_linked_role(NAME)).unwrap();
    run(world.chime.iam().service_linked_role_deletion(&task)).unwrap()
}

#[test]
fn iam_28_30_and_31_the_first_streaming_configuration_makes_the_role_which_stays_while_there_are_any() {
    let world = World::new();
    let iam = world.chime.iam();
    refused(run(iam.role(NAME)), IamCode::NoSuchEntity);
    let command = CreateAppInstance::new(ResourceName::new("app").unwrap());
    let app = run(world.chime.identity().create_app_instance(command)).unwrap();
    let stream = StreamingConfiguration {
        data_type: StreamingDataType::Channel,
        resource_arn: format!("arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/chime-messaging-x").into(),
    };
    run(world.chime.identity().put_streaming_configurations(&app, vec![stream])).unwrap();
    let role = run(iam.role(NAME)).unwrap();
    assert!(role.trust.contains("chime.amazonaws.com"));
    assert_eq!(delete(&world), Deletion::Failed);
    assert!(run(iam.role(NAME)).is_ok());
    run(world.chime.identity().delete_streaming_configurations(&app)).unwrap();
    assert_eq!(delete(&world), Deletion::Succeeded);
    refused(run(iam.role(NAME)), IamCode::NoSuchEntity);
    let again = run(iam.create_service_linked_role("chime.amazonaws.com", None)).unwrap();
    assert_ne!(again.id, role.id);
}

#[test]
fn iam_30_only_its_description_can_be_edited() {
    let world = World::new();
    let iam = world.chime.iam();
    run(iam.create_service_linked_role("messaging.chime.amazonaws.com", None)).unwrap();
    refused(run(iam.create_service_linked_role("chime.amazonaws.com", None)), IamCode::InvalidInput);
    refused(run(iam.create_service_linked_role("s3.amazonaws.com", None)), IamCode::InvalidInput);
    let described = UpdateRole { description: Some("Streams.".into()), ..UpdateRole::default() };
    assert_eq!(run(iam.update_role(NAME, &described)).unwrap().description.as_deref(), Some("Streams."));
    let code = IamCode::UnmodifiableEntity;
    let longer = UpdateRole { max_session: Some(7_200), ..UpdateRole::default() };
    refused(run(iam.update_role(NAME, &longer)), code);
    refused(run(iam.put_inline_policy::<Role>(NAME, "p", ALL)), code);
    refused(run(iam.attach_policy::<Role>(NAME, "arn:aws:iam::aws:policy/AmazonChimeSDK")), code);
    refused(run(iam.detach_policy::<Role>(NAME, managed::STREAMING_POLICY_ARN)), code);
    refused(run(iam.update_trust(NAME, &super::world::trusts(ACCOUNT))), code);
    refused(run(iam.delete_role(NAME)), code);
    refused(world.assume(&Caller::root(ACCOUNT), &super::world::assume(NAME)), IamCode::AccessDenied);
    world.role("own", &super::world::trusts(ACCOUNT), ALL);
    refused(run(iam.delete_service_linked_role("own")), IamCode::Validation);
    refused(run(iam.service_linked_role_deletion("task/none")), IamCode::NoSuchEntity);
}

#[test]
fn iam_29_its_policy_writes_to_streams_of_messaging_only() {
    let arn = managed::STREAMING_POLICY_ARN;
    let policies = PolicySet::new(vec![NamedPolicy::new(arn, managed::managed_document(arn).unwrap())]);
    let may = |action: &str, resource: &str, via: &[(&str, &str)]| {
        let ctx = RequestContext { other: via, ..RequestContext::at(START) };
        policies.evaluate(action, resource, &ctx).is_allowed()
    };
    let stream = |name: &str| format!("arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/{name}");
    assert!(may("kinesis:PutRecord", &stream("chime-messaging-a"), &[]));
    for action in ["kinesis:PutRecord", "kinesis:PutRecords", "kinesis:DescribeStream"] {
        assert!(may(action, &stream("chime-messaging-a"), &[]), "{action}");
        assert!(!may(action, &stream("other"), &[]), "{action}");
    }
    assert!(!may("kinesis:DeleteStream", &stream("chime-messaging-a"), &[]));
    let kinesis = [("kms:ViaService", "kinesis.us-east-1.amazonaws.com")];
    assert!(may("kms:GenerateDataKey", "arn:aws:kms:k", &kinesis));
    assert!(!may(
        "kms:GenerateDataKey",
        "arn:aws:kms:k",
        &[("kms:ViaService", "s3.us-east-1.amazonaws.com")]
    ));
    assert!(!may("kms:GenerateDataKey", "arn:aws:kms:k", &[]));
}
