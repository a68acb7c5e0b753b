//! App instances, their users, admins and bots, and the tags of everything.

use super::Operation;
use super::row::Resource::{Any, AppInstance, AppInstanceAndUser, Bot, Tagged, User};
use super::row::services::{I, IL, IMTVPL};
use super::row::{delete, get, post, put};

pub(super) const ROWS: &[Operation] = &[
    get("/app-instance-bots", "ListAppInstanceBots", 200, I, Bot),
    post("/app-instance-bots", "CreateAppInstanceBot", 201, I, Any),
    get("/app-instance-bots/{appInstanceBotArn}", "DescribeAppInstanceBot", 200, I, Bot),
    put("/app-instance-bots/{appInstanceBotArn}", "UpdateAppInstanceBot", 200, I, Bot),
    delete("/app-instance-bots/{appInstanceBotArn}", "DeleteAppInstanceBot", 204, I, Bot),
    get("/app-instance-users", "ListAppInstanceUsers", 200, IL, User),
    post("/app-instance-users", "CreateAppInstanceUser", 201, IL, Any),
    get("/app-instance-users/{appInstanceUserArn}", "DescribeAppInstanceUser", 200, IL, User),
    put("/app-instance-users/{appInstanceUserArn}", "UpdateAppInstanceUser", 200, IL, User),
    delete("/app-instance-users/{appInstanceUserArn}", "DeleteAppInstanceUser", 204, IL, User),
    get("/app-instance-users/{appInstanceUserArn}/endpoints", "ListAppInstanceUserEndpoints", 200, I, User),
    post(
        "/app-instance-users/{appInstanceUserArn}/endpoints",
        "RegisterAppInstanceUserEndpoint",
        201,
        I,
        User,
    ),
    get(
        "/app-instance-users/{appInstanceUserArn}/endpoints/{endpointId}",
        "DescribeAppInstanceUserEndpoint",
        200,
        I,
        User,
    ),
    put(
        "/app-instance-users/{appInstanceUserArn}/endpoints/{endpointId}",
        "UpdateAppInstanceUserEndpoint",
        200,
        I,
        User,
    ),
    delete(
        "/app-instance-users/{appInstanceUserArn}/endpoints/{endpointId}",
        "DeregisterAppInstanceUserEndpoint",
        204,
        I,
        User,
    ),
    put(
        "/app-instance-users/{appInstanceUserArn}/expiration-settings",
        "PutAppInstanceUserExpirationSettings",
        200,
        I,
        User,
    ),
    get("/app-instances", "ListAppInstances", 200, IL, AppInstance),
    post("/app-instances", "CreateAppInstance", 201, IL, Any),
    get("/app-instances/{appInstanceArn}", "DescribeAppInstance", 200, IL, AppInstance),
    put("/app-instances/{appInstanceArn}", "UpdateAppInstance", 200, IL, AppInstance),
    delete("/app-instances/{appInstanceArn}", "DeleteAppInstance", 204, IL, AppInstance),
    get("/app-instances/{appInstanceArn}/admins", "ListAppInstanceAdmins", 200, IL, AppInstanceAndUser),
    post("/app-instances/{appInstanceArn}/admins", "CreateAppInstanceAdmin", 201, IL, AppInstanceAndUser),
    get(
        "/app-instances/{appInstanceArn}/admins/{appInstanceAdminArn}",
        "DescribeAppInstanceAdmin",
        200,
        IL,
        AppInstanceAndUser,
    ),
    delete(
        "/app-instances/{appInstanceArn}/admins/{appInstanceAdminArn}",
        "DeleteAppInstanceAdmin",
        204,
        IL,
        AppInstanceAndUser,
    ),
    get(
        "/app-instances/{appInstanceArn}/retention-settings",
        "GetAppInstanceRetentionSettings",
        200,
        IL,
        AppInstance,
    ),
    put(
        "/app-instances/{appInstanceArn}/retention-settings",
        "PutAppInstanceRetentionSettings",
        200,
        IL,
        AppInstance,
    ),
    get("/tags", "ListTagsForResource", 200, IMTVPL, Tagged),
    post("/tags?operation=tag-resource", "TagResource", 204, IMTVPL, Tagged),
    post("/tags?operation=untag-resource", "UntagResource", 204, IMTVPL, Tagged),
];
