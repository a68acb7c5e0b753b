//! The policies that the developer guide prints, with its garbles where a rule says how to read them.

use super::super::evaluate::Verdict;
use super::super::managed::{
    MANAGED_POLICIES, STREAMING_POLICY_ARN, STREAMING_ROLE_TRUST, managed_document, managed_policy,
};
use super::super::{MANAGED_LIMIT, NamedPolicy, PolicySet, RequestContext, Tag, TrustPolicy, policy_size};
use super::{APP, CHANNEL, OTHER_USER, USER, allows, context, policy};

/// The role that is vended to end users; the guide's `${…}` resources are kept.
pub(super) const USER_ROLE_POLICY: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    { "Effect": "Allow", "Action": ["chime:GetMessagingSessionEndpoint"], "Resource": ["*"] },
    {
      "Effect": "Allow",
      "Action": [
        "chime:SendChannelMessage", "chime:ListChannelMessages", "chime:CreateChannelMembership",
        "chime:ListChannelMemberships", "chime>DeleteChannelMembership", "chime:CreateChannelModerator",
        "chime:ListChannelModerators", "chime:DescribeChannelModerator", "chime:CreateChannel",
        "chime:DescribeChannel", "chime:ListChannels", "chime>DeleteChannel", "chime:RedactChannelMessage",
        "chime:UpdateChannelMessage", "chime:Connect", "chime:ListChannelBans", "chime:CreateChannelBan",
        "chime>DeleteChannelBan", "chime:ListChannelMembershipsForAppInstanceUser"
      ],
      "Resource": [
        "${Chime_App_Instance_Arn}/user/${my_applications_user_id}",
        "${Chime_App_Instance_Arn}/channel/*"
      ]
    }
  ]
}"#;

const DEVELOPER_POLICY: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Action": [
        "chime:CreateAppInstance", "chime:DescribeAppInstance", "chime:ListAppInstances",
        "chime:UpdateAppInstance", "chime>DeleteAppInstance", "chime:CreateAppInstanceUser",
        "chime>DeleteAppInstanceUser", "chime:ListAppInstanceUsers", "chime:UpdateAppInstanceUser",
        "chime:DescribeAppInstanceUser", "chime:CreateAppInstanceAdmin", "chime:DescribeAppInstanceAdmin",
        "chime:ListAppInstanceAdmins", "chime>DeleteAppInstanceAdmin", "chime:PutAppInstanceRetentionSettings",
        "chime:GetAppInstanceRetentionSettings", "chime:PutAppInstanceStreamingConfigurations",
        "chime:GetAppInstanceStreamingConfigurations", "chime>DeleteAppInstanceStreamingConfigurations",
        "chime:TagResource", "chime:UntagResource", "chime:ListTagsForResource"
      ],
      "Effect": "Allow",
      "Resource": "*"
    }
  ]
}"#;

const MINIMAL_ACTIONS: &[&str] = &[
    "ListChannels",
    "DescribeChannel",
    "ListChannelMembershipsForAppInstanceUser",
    "DescribeChannelMembershipForAppInstanceUser",
    "ListChannelsModeratedByAppInstanceUser",
    "DescribeChannelModeratedByAppInstanceUser",
    "SendChannelMessage",
    "GetChannelMessage",
    "ListChannelMessages",
    "Connect",
];

/// The minimal user policy; the user's id stands where rule IAM-20 reads it.
fn minimal_policy() -> PolicySet {
    policy(
        r#"{
          "Version": "2012-10-17",
          "Statement": [
            { "Action": "chime:GetMessagingSessionEndpoint", "Effect": "Allow", "Resource": "*" },
            {
              "Action": [
                "chime:ListChannels", "chime:DescribeChannel", "chime:ListChannelMembershipsForAppInstanceUser",
                "chime:DescribeChannelMembershipForAppInstanceUser", "chime:ListChannelsModeratedByAppInstanceUser",
                "chime:DescribeChannelModeratedByAppInstanceUser", "chime:SendChannelMessage",
                "chime:GetChannelMessage", "chime:ListChannelMessages", "chime:Connect"
              ],
              "Effect": "Allow",
              "Resource": [
                "arn:aws:chime:us-east-1:111122223333:app-instance/a1/user/u1",
                "arn:aws:chime:us-east-1:111122223333:app-instance/a1/channel/*"
              ]
            }
          ]
        }"#,
    )
}

/// The guide prints `user/{appInstanceId}` where it means `user/{appInstanceUserId}`.
#[test]
fn iam_20_a_user_is_meant_by_its_own_id_and_the_id_of_the_app_instance_names_nobody_else() {
    let on = |user: &str| {
        policy(&format!(
            r#"{{ "Version": "2012-10-17", "Statement": [{{ "Action": "chime:Connect", "Effect": "Allow",
                "Resource": "arn:aws:chime:us-east-1:111122223333:app-instance/a1/user/{user}" }}] }}"#
        ))
    };
    let ctx = context();
    assert!(allows(&on("u1"), "chime:Connect", USER, &ctx));
    assert!(!allows(&on("u1"), "chime:Connect", OTHER_USER, &ctx));
    for garbled in ["a1", "{appInstanceId}", "${appInstanceId}"] {
        assert!(!allows(&on(garbled), "chime:Connect", USER, &ctx), "{garbled}");
    }
}

#[test]
fn the_minimal_user_policy_grants_its_eleven_actions_and_no_more() {
    let policies = minimal_policy();
    let ctx = context();
    assert!(allows(&policies, "chime:GetMessagingSessionEndpoint", "*", &ctx));
    for name in MINIMAL_ACTIONS {
        let action = format!("chime:{name}");
        assert!(policies.evaluate_all(&action, &[USER, CHANNEL], &ctx).is_ok(), "{action}");
        assert!(policies.evaluate_all(&action, &[OTHER_USER, CHANNEL], &ctx).is_err(), "{action}");
        assert!(!allows(&policies, &action, "*", &ctx), "{action}");
    }
    for name in ["CreateChannel", "DeleteChannelMessage", "CreateAppInstance", "DeleteChannel"] {
        assert!(!allows(&policies, &format!("chime:{name}"), CHANNEL, &ctx), "{name}");
    }
    let elsewhere = CHANNEL.replace("/a1/", "/a2/");
    assert!(policies.evaluate_all("chime:SendChannelMessage", &[USER, &elsewhere], &ctx).is_err());
}

#[test]
fn the_websocket_policy_lets_its_user_connect_and_nothing_else() {
    let policies = policy(
        r#"{
          "Version": "2012-10-17",
          "Statement": [
            {
              "Effect": "Allow",
              "Action": ["chime:Connect"],
              "Resource": ["arn:aws:chime:us-east-1:111122223333:app-instance/a1/user/u1"]
            }
          ]
        }"#,
    );
    let ctx = context();
    assert!(allows(&policies, "chime:Connect", USER, &ctx));
    assert!(!allows(&policies, "chime:Connect", OTHER_USER, &ctx));
    assert!(!allows(&policies, "chime:GetMessagingSessionEndpoint", "*", &ctx));
}

#[test]
fn the_developer_policy_grants_what_it_spells_right_and_nothing_garbled() {
    let policies = policy(DEVELOPER_POLICY);
    let ctx = context();
    for name in [
        "CreateAppInstance",
        "DescribeAppInstance",
        "ListAppInstances",
        "UpdateAppInstance",
        "CreateAppInstanceUser",
        "ListAppInstanceUsers",
        "UpdateAppInstanceUser",
        "DescribeAppInstanceUser",
        "CreateAppInstanceAdmin",
        "DescribeAppInstanceAdmin",
        "ListAppInstanceAdmins",
        "PutAppInstanceRetentionSettings",
        "GetAppInstanceRetentionSettings",
        "PutAppInstanceStreamingConfigurations",
        "GetAppInstanceStreamingConfigurations",
        "TagResource",
        "UntagResource",
        "ListTagsForResource",
    ] {
        assert!(allows(&policies, &format!("chime:{name}"), APP, &ctx), "{name}");
    }
    let garbled = [
        "DeleteAppInstance",
        "DeleteAppInstanceUser",
        "DeleteAppInstanceAdmin",
        "DeleteAppInstanceStreamingConfigurations",
    ];
    for name in garbled {
        assert!(!allows(&policies, &format!("chime:{name}"), APP, &ctx), "{name}");
    }
    let read = policy(&DEVELOPER_POLICY.replace("chime>", "chime:"));
    for name in garbled {
        assert!(allows(&read, &format!("chime:{name}"), APP, &ctx), "{name}");
    }
    assert!(!allows(&read, "chime:CreateChannel", CHANNEL, &ctx));
}

#[test]
fn a_vended_role_is_restricted_to_the_user_of_its_session_tag() {
    let policies = policy(USER_ROLE_POLICY);
    let tags = [Tag::new("Chime_App_Instance_Arn", APP), Tag::new("my_applications_user_id", "u1")];
    let ctx = RequestContext { session_tags: &tags, ..context() };
    assert!(policies.evaluate_all("chime:SendChannelMessage", &[USER, CHANNEL], &ctx).is_ok());
    assert!(policies.evaluate_all("chime:SendChannelMessage", &[OTHER_USER, CHANNEL], &ctx).is_err());
    assert!(!allows(&policies, "chime:DeleteChannel", CHANNEL, &ctx));
    // The guide's own call passes the tag under another name, which then has no value (rule IAM-25).
    let tags = [Tag::new("Chime_App_Instance_Arn", APP), Tag::new("my_applications_user_guid", "u1")];
    let ctx = RequestContext { session_tags: &tags, ..context() };
    assert!(policies.evaluate_all("chime:SendChannelMessage", &[USER, CHANNEL], &ctx).is_err());
}

fn managed(arn: &str) -> PolicySet {
    PolicySet::new(vec![NamedPolicy::new(arn, managed_document(arn).unwrap())])
}

#[test]
fn every_managed_policy_parses_and_keeps_the_size_limit() {
    for known in MANAGED_POLICIES {
        assert_eq!(known.arn, format!("arn:aws:iam::aws:policy{}{}", known.path, known.name));
        assert_eq!(managed_policy(known.arn), Some(known));
        assert_eq!(managed_document(known.arn).unwrap().text(), known.document);
        assert!(policy_size(known.document) <= MANAGED_LIMIT);
    }
    assert!(managed_document("arn:aws:iam::aws:policy/Other").is_none());
    assert!(TrustPolicy::parse(STREAMING_ROLE_TRUST).is_ok());
}

#[test]
fn the_sdk_policy_grants_nine_actions_without_create_meeting_with_attendees() {
    let sdk = managed("arn:aws:iam::aws:policy/AmazonChimeSDK");
    let ctx = context();
    for name in [
        "CreateMeeting",
        "DeleteMeeting",
        "GetMeeting",
        "ListMeetings",
        "CreateAttendee",
        "BatchCreateAttendee",
        "DeleteAttendee",
        "GetAttendee",
        "ListAttendees",
    ] {
        assert!(allows(&sdk, &format!("chime:{name}"), "*", &ctx), "{name}");
    }
    for name in ["CreateMeetingWithAttendees", "CreateChannel", "Connect"] {
        assert!(!allows(&sdk, &format!("chime:{name}"), "*", &ctx), "{name}");
    }
}

#[test]
fn the_other_managed_policies_grant_what_their_names_say() {
    let ctx = context();
    let full = managed("arn:aws:iam::aws:policy/AmazonChimeFullAccess");
    for action in ["chime:StartDataExport", "chime:RetrieveDataExport", "chime:CreateAppInstance"] {
        assert!(allows(&full, action, "*", &ctx), "{action}");
    }
    assert!(!allows(&full, "iam:CreateUser", "*", &ctx));
    let read = managed("arn:aws:iam::aws:policy/AmazonChimeReadOnly");
    assert!(allows(&read, "chime:ListChannels", USER, &ctx));
    assert!(!allows(&read, "chime:SendChannelMessage", USER, &ctx));
    let users = managed("arn:aws:iam::aws:policy/AmazonChimeUserManagement");
    assert!(allows(&users, "chime:InviteUsers", "*", &ctx));
    assert!(!allows(&users, "chime:CreateAppInstance", "*", &ctx));
    let admin = managed("arn:aws:iam::aws:policy/AdministratorAccess");
    assert!(allows(&admin, "iam:CreateUser", "*", &ctx));
}

#[test]
fn the_streaming_role_writes_only_to_messaging_streams_and_uses_keys_only_through_kinesis() {
    let role = managed(STREAMING_POLICY_ARN);
    let ctx = context();
    let stream = "arn:aws:kinesis:us-east-1:111122223333:stream/chime-messaging-x";
    for action in ["kinesis:PutRecord", "kinesis:PutRecords", "kinesis:DescribeStream"] {
        assert!(allows(&role, action, stream, &ctx), "{action}");
        assert!(!allows(&role, action, "arn:aws:kinesis:us-east-1:111122223333:stream/x", &ctx), "{action}");
    }
    assert!(!allows(&role, "kinesis:DeleteStream", stream, &ctx));
    let key = "arn:aws:kms:us-east-1:111122223333:key/k";
    assert!(matches!(role.evaluate("kms:GenerateDataKey", key, &ctx), Verdict::ImplicitDeny(_)));
    let via = |service| RequestContext { other: service, ..ctx };
    assert!(allows(
        &role,
        "kms:GenerateDataKey",
        key,
        &via(&[("kms:ViaService", "kinesis.us-east-1.amazonaws.com")])
    ));
    assert!(!allows(
        &role,
        "kms:GenerateDataKey",
        key,
        &via(&[("kms:ViaService", "s3.us-east-1.amazonaws.com")])
    ));
}
