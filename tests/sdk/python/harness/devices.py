"""Devices of users: the endpoints that notifications are pushed to."""

from .clients import token

APP = "arn:aws:mobiletargeting:us-east-1:123456789012:apps/0123456789abcdef0123456789abcdef"


def register(world, user, device, **more):
    attributes = {"DeviceToken": device, **more.pop("EndpointAttributes", {})}
    return world.identity.register_app_instance_user_endpoint(**{
        "AppInstanceUserArn": user, "Type": "APNS", "ResourceArn": APP, "EndpointAttributes": attributes,
        "ClientRequestToken": token(), **more})["EndpointId"]


def described(world, user, endpoint):
    return world.identity.describe_app_instance_user_endpoint(
        AppInstanceUserArn=user, EndpointId=endpoint)["AppInstanceUserEndpoint"]
