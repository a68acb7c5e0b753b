//! The managed policies and the service-linked role that exist from the start.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use super::document::PolicyDocument;

/// A managed policy of the service: it cannot be edited or deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ManagedPolicy {
    /// The policy's name.
    pub name: &'static str,
    /// Its ARN; all begin with `arn:aws:iam::aws:policy/`.
    pub arn: &'static str,
    /// Its path, which the ARN repeats.
    pub path: &'static str,
    /// What it is for.
    pub description: &'static str,
    /// The document.
    pub document: &'static str,
}

/// The service-linked role of streaming (rule IAM-28): created by the first streaming configuration.
pub const STREAMING_ROLE: &str = "AmazonChimeServiceChatStreamingAccess";

/// Who may assume [`STREAMING_ROLE`] (rule IAM-28).
pub const STREAMING_ROLE_TRUST: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Principal": { "Service": "chime.amazonaws.com" },
      "Action": "sts:AssumeRole"
    }
  ]
}"#;

/// The ARN of the policy that [`STREAMING_ROLE`] holds (rule IAM-29).
pub const STREAMING_POLICY_ARN: &str =
    "arn:aws:iam::aws:policy/aws-service-role/AmazonChimeSDKMessagingServiceRolePolicy";

/// Every managed policy.
pub const MANAGED_POLICIES: &[ManagedPolicy] = &[
    ManagedPolicy {
        name: "AmazonChimeSDK",
        arn: "arn:aws:iam::aws:policy/AmazonChimeSDK",
        path: "/",
        description: "Meetings and attendees of the SDK.",
        document: CHIME_SDK,
    },
    ManagedPolicy {
        name: "AmazonChimeFullAccess",
        arn: "arn:aws:iam::aws:policy/AmazonChimeFullAccess",
        path: "/",
        description: "Every action of the service, and what its consoles need of others.",
        document: CHIME_FULL_ACCESS,
    },
    ManagedPolicy {
        name: "AmazonChimeReadOnly",
        arn: "arn:aws:iam::aws:policy/AmazonChimeReadOnly",
        path: "/",
        description: "Reading of everything, changing of nothing.",
        document: CHIME_READ_ONLY,
    },
    ManagedPolicy {
        name: "AmazonChimeUserManagement",
        arn: "arn:aws:iam::aws:policy/AmazonChimeUserManagement",
        path: "/",
        description: "Inviting, suspending and changing the users of accounts.",
        document: CHIME_USER_MANAGEMENT,
    },
    ManagedPolicy {
        name: "AmazonChimeSDKMessagingServiceRolePolicy",
        arn: STREAMING_POLICY_ARN,
        path: "/aws-service-role/",
        description: "Writing of messaging events into the configured streams.",
        document: CHIME_STREAMING,
    },
    ManagedPolicy {
        name: "AdministratorAccess",
        arn: "arn:aws:iam::aws:policy/AdministratorAccess",
        path: "/",
        description: "Every action of every service.",
        document: ADMINISTRATOR_ACCESS,
    },
];

/// The managed policy of that ARN.
#[must_use]
pub fn managed_policy(arn: &str) -> Option<&'static ManagedPolicy> {
    MANAGED_POLICIES.iter().find(|policy| policy.arn == arn)
}

/// The parsed document of a managed policy; parsed once in a process.
#[must_use]
pub fn managed_document(arn: &str) -> Option<Arc<PolicyDocument>> {
    static PARSED: LazyLock<BTreeMap<&str, Arc<PolicyDocument>>> = LazyLock::new(|| {
        let parse = |policy: &ManagedPolicy| {
            PolicyDocument::parse(policy.document).ok().map(|document| (policy.arn, Arc::new(document)))
        };
        MANAGED_POLICIES.iter().filter_map(parse).collect()
    });
    PARSED.get(arn).cloned()
}

/// Rule IAM-18: nine actions; CreateMeetingWithAttendees is not one of them.
const CHIME_SDK: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": [
        "chime:CreateMeeting",
        "chime:DeleteMeeting",
        "chime:GetMeeting",
        "chime:ListMeetings",
        "chime:CreateAttendee",
        "chime:BatchCreateAttendee",
        "chime:DeleteAttendee",
        "chime:GetAttendee",
        "chime:ListAttendees"
      ],
      "Resource": "*"
    }
  ]
}"#;

/// StartDataExport and RetrieveDataExport come with `chime:*` (rule ADX-01).
const CHIME_FULL_ACCESS: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    { "Effect": "Allow", "Action": "chime:*", "Resource": "*" },
    {
      "Effect": "Allow",
      "Action": [
        "s3:ListBucket",
        "s3:ListAllMyBuckets",
        "s3:GetBucketAcl",
        "s3:GetBucketLocation",
        "s3:GetBucketLogging",
        "s3:GetBucketVersioning",
        "s3:GetBucketWebsite",
        "s3:GetEncryptionConfiguration"
      ],
      "Resource": "*"
    },
    {
      "Effect": "Allow",
      "Action": [
        "logs:CreateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:GetLogDelivery",
        "logs:ListLogDeliveries",
        "logs:CreateLogGroup",
        "logs:DescribeLogGroups",
        "logs:DescribeResourcePolicies",
        "logs:PutResourcePolicy"
      ],
      "Resource": "*"
    },
    {
      "Effect": "Allow",
      "Action": ["sns:CreateTopic", "sns:GetTopicAttributes"],
      "Resource": "arn:aws:sns:*:*:ChimeVoiceConnector-Streaming*"
    },
    {
      "Effect": "Allow",
      "Action": ["sqs:CreateQueue", "sqs:GetQueueAttributes"],
      "Resource": "arn:aws:sqs:*:*:ChimeVoiceConnector-Streaming*"
    },
    { "Effect": "Allow", "Action": "kinesis:ListStreams", "Resource": "*" },
    {
      "Effect": "Allow",
      "Action": "kinesis:DescribeStream",
      "Resource": "arn:aws:kinesis:*:*:stream/chime-messaging-*"
    }
  ]
}"#;

const CHIME_READ_ONLY: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": ["chime:Describe*", "chime:Get*", "chime:List*", "chime:SearchAvailablePhoneNumbers"],
      "Resource": "*"
    }
  ]
}"#;

const CHIME_USER_MANAGEMENT: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": [
        "chime:ActivateUsers",
        "chime:AssociatePhoneNumberWithUser",
        "chime:AssociateSigninDelegateGroupsWithAccount",
        "chime:BatchSuspendUser",
        "chime:BatchUnsuspendUser",
        "chime:BatchUpdateUser",
        "chime:CreateUser",
        "chime:DisassociatePhoneNumberFromUser",
        "chime:DisassociateSigninDelegateGroupsFromAccount",
        "chime:GetAccount",
        "chime:GetAccountSettings",
        "chime:GetDomain",
        "chime:GetMeetingDetail",
        "chime:GetPhoneNumber",
        "chime:GetUser",
        "chime:GetUserActivityReportData",
        "chime:GetUserByEmail",
        "chime:GetUserSettings",
        "chime:InviteUsers",
        "chime:InviteUsersFromProvider",
        "chime:ListAccountUsageReportData",
        "chime:ListAccounts",
        "chime:ListDelegates",
        "chime:ListDirectories",
        "chime:ListDomains",
        "chime:ListGroups",
        "chime:ListMeetingEvents",
        "chime:ListMeetingsReportData",
        "chime:ListPhoneNumbers",
        "chime:ListUsers",
        "chime:LogoutUser",
        "chime:ResetPersonalPIN",
        "chime:SubmitSupportRequest",
        "chime:SuspendUsers",
        "chime:UpdateAccountSettings",
        "chime:UpdateUser",
        "chime:UpdateUserLicenses",
        "chime:UpdateUserSettings"
      ],
      "Resource": "*"
    }
  ]
}"#;

/// Rule IAM-29.
const CHIME_STREAMING: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": "kms:GenerateDataKey",
      "Resource": "*",
      "Condition": { "StringLike": { "kms:ViaService": "kinesis.*.amazonaws.com" } }
    },
    {
      "Effect": "Allow",
      "Action": ["kinesis:PutRecord", "kinesis:PutRecords", "kinesis:DescribeStream"],
      "Resource": "arn:aws:kinesis:*:*:stream/chime-messaging-*"
    }
  ]
}"#;

const ADMINISTRATOR_ACCESS: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [{ "Effect": "Allow", "Action": "*", "Resource": "*" }]
}"#;
