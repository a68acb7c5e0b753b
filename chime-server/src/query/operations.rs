//! The operations, and what each needs a permission on.

/// Which service an operation belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    Iam,
    Sts,
}

impl Service {
    /// The service of a signature's scope.
    pub(crate) fn signed_as(name: &str) -> Option<Self> {
        match name {
            "iam" => Some(Self::Iam),
            "sts" => Some(Self::Sts),
            _ => None,
        }
    }

    pub(crate) fn namespace(self) -> &'static str {
        match self {
            Self::Iam => "https://iam.amazonaws.com/doc/2010-05-08/",
            Self::Sts => "https://sts.amazonaws.com/doc/2011-06-15/",
        }
    }
}

/// What the caller's policies must allow the operation on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum On {
    /// It needs no permission.
    Nothing,
    /// The domain weighs both sides, or nobody signs.
    Decided,
    /// It has no resource level.
    Any,
    /// The user that is named, else the caller.
    User,
    /// A user to be made.
    NewUser,
    /// The user of an access key.
    KeyOfUser,
    /// The role that is named.
    Role,
    /// A role to be made.
    NewRole,
    /// A service-linked role to be made.
    ServiceRole,
    /// The role of a deletion.
    DeletedRole,
    /// The managed policy that is named.
    Policy,
    /// A managed policy to be made.
    NewPolicy,
    /// Somebody to vouch for.
    FederatedUser,
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operation {
    pub(crate) service: Service,
    pub(crate) name: &'static str,
    pub(crate) on: On,
    /// Whether the answer has a result element.
    pub(crate) answers: bool,
}

const fn iam(name: &'static str, on: On) -> Operation {
    Operation { service: Service::Iam, name, on, answers: true }
}

const fn sts(name: &'static str, on: On) -> Operation {
    Operation { service: Service::Sts, name, on, answers: true }
}

const fn silent(name: &'static str, on: On) -> Operation {
    Operation { service: Service::Iam, name, on, answers: false }
}

/// Every operation.
pub(crate) const OPERATIONS: &[Operation] = &[
    iam("CreateUser", On::NewUser),
    iam("GetUser", On::User),
    silent("UpdateUser", On::User),
    iam("ListUsers", On::Any),
    silent("DeleteUser", On::User),
    iam("CreateAccessKey", On::User),
    iam("ListAccessKeys", On::User),
    silent("UpdateAccessKey", On::User),
    silent("DeleteAccessKey", On::User),
    iam("GetAccessKeyLastUsed", On::KeyOfUser),
    silent("PutUserPolicy", On::User),
    iam("GetUserPolicy", On::User),
    iam("ListUserPolicies", On::User),
    silent("DeleteUserPolicy", On::User),
    silent("AttachUserPolicy", On::User),
    silent("DetachUserPolicy", On::User),
    iam("ListAttachedUserPolicies", On::User),
    silent("TagUser", On::User),
    silent("UntagUser", On::User),
    iam("ListUserTags", On::User),
    iam("CreateRole", On::NewRole),
    iam("GetRole", On::Role),
    iam("UpdateRole", On::Role),
    iam("UpdateRoleDescription", On::Role),
    iam("ListRoles", On::Any),
    silent("DeleteRole", On::Role),
    silent("UpdateAssumeRolePolicy", On::Role),
    silent("PutRolePolicy", On::Role),
    iam("GetRolePolicy", On::Role),
    iam("ListRolePolicies", On::Role),
    silent("DeleteRolePolicy", On::Role),
    silent("AttachRolePolicy", On::Role),
    silent("DetachRolePolicy", On::Role),
    iam("ListAttachedRolePolicies", On::Role),
    silent("TagRole", On::Role),
    silent("UntagRole", On::Role),
    iam("ListRoleTags", On::Role),
    iam("CreatePolicy", On::NewPolicy),
    iam("GetPolicy", On::Policy),
    iam("ListPolicies", On::Any),
    silent("DeletePolicy", On::Policy),
    iam("CreatePolicyVersion", On::Policy),
    iam("GetPolicyVersion", On::Policy),
    iam("ListPolicyVersions", On::Policy),
    silent("SetDefaultPolicyVersion", On::Policy),
    silent("DeletePolicyVersion", On::Policy),
    iam("CreateServiceLinkedRole", On::ServiceRole),
    iam("DeleteServiceLinkedRole", On::Role),
    iam("GetServiceLinkedRoleDeletionStatus", On::DeletedRole),
    iam("ListOpenIDConnectProviders", On::Any),
    sts("AssumeRole", On::Decided),
    sts("AssumeRoleWithWebIdentity", On::Decided),
    sts("GetCallerIdentity", On::Nothing),
    sts("GetSessionToken", On::Nothing),
    sts("GetAccessKeyInfo", On::Any),
    sts("GetFederationToken", On::FederatedUser),
];

impl Operation {
    /// The operation of that name.
    pub(crate) fn find(service: Service, name: &str) -> Option<&'static Self> {
        OPERATIONS.iter().find(|operation| operation.service == service && operation.name == name)
    }

    /// Whether it is called without a signature: its token speaks for the caller.
    pub(crate) fn is_unsigned(name: &str) -> bool {
        name == "AssumeRoleWithWebIdentity"
    }
}
