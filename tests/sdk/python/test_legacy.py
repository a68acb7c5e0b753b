"""The December 2020 client: one `chime` namespace, host prefixes, no bearer in its model (wire.md W-13, D-01, D-02).

These tests run in an environment of their own with botocore of that month. Names ending in `.test` resolve to the
server inside this process, as an operator's DNS would do it for NAME, identity-NAME and messaging-NAME.
"""

import json

import boto3
import botocore
import pytest
from botocore.exceptions import ParamValidationError

from harness.legacy import NAME, client, names, refused, token


@pytest.fixture(autouse=True, scope="module")
def resolved():
    with names():
        yield


@pytest.fixture(scope="module")
def chime(server):
    return client(server)


@pytest.fixture
def app(chime):
    return chime.create_app_instance(Name="NameOfAppInstance", ClientRequestToken=token())["AppInstanceArn"]


def user(chime, app, user_id):
    return chime.create_app_instance_user(AppInstanceArn=app, AppInstanceUserId=user_id, Name=user_id,
                                          ClientRequestToken=token())["AppInstanceUserArn"]


def test_the_environment_is_of_december_2020():
    assert botocore.__version__.startswith("1.19.")
    assert "ChimeBearer" not in boto3.session.Session()._session.get_service_model("chime").operation_model(
        "SendChannelMessage").input_shape.members


def test_w_13_the_client_itself_prefixes_the_host(server, chime):
    seen = []

    def note(request, **_):
        seen.append(request.url)

    chime.meta.events.register("before-send.chime", note)
    try:
        arn = chime.create_app_instance(Name="n", ClientRequestToken=token())["AppInstanceArn"]
        chime.get_messaging_session_endpoint()
    finally:
        chime.meta.events.unregister("before-send.chime", note)
    assert arn
    assert [each.split("/")[2] for each in seen] == [
        f"identity-{NAME}:{server.port}", f"messaging-{NAME}:{server.port}"]


def test_app_02_and_identity_operations_work_for_the_legacy_client(chime, app):
    alice = user(chime, app, "johndoe")
    assert chime.describe_app_instance(AppInstanceArn=app)["AppInstance"]["Name"] == "NameOfAppInstance"
    chime.update_app_instance(AppInstanceArn=app, Name="new")
    chime.update_app_instance_user(AppInstanceUserArn=alice, Name="John")
    found = chime.describe_app_instance_user(AppInstanceUserArn=alice)["AppInstanceUser"]
    assert found["Name"] == "John" and found["CreatedTimestamp"].year >= 2024
    chime.create_app_instance_admin(AppInstanceArn=app, AppInstanceAdminArn=alice)
    assert chime.list_app_instance_admins(AppInstanceArn=app)["AppInstanceAdmins"][0]["Admin"]["Arn"] == alice
    chime.delete_app_instance_admin(AppInstanceArn=app, AppInstanceAdminArn=alice)
    chime.delete_app_instance_user(AppInstanceUserArn=alice)
    chime.delete_app_instance(AppInstanceArn=app)


def test_ret_04_retention_is_set_updated_and_disabled(chime, app):
    for settings in ({"RetentionDays": 60}, {"RetentionDays": 30}, {}):
        chime.put_app_instance_retention_settings(
            AppInstanceArn=app, AppInstanceRetentionSettings={"ChannelRetentionSettings": settings})
        got = chime.get_app_instance_retention_settings(AppInstanceArn=app)
        assert got.get("AppInstanceRetentionSettings", {}).get("ChannelRetentionSettings", {}) == settings
        assert ("InitiateDeletionTimestamp" in got) == bool(settings)


def test_d_01_with_the_header_put_in_by_hand_every_messaging_call_works(server, chime, app):
    alice, bob = user(chime, app, "alice"), user(chime, app, "bobby")
    mine = client(server, bearer=alice)
    channel = mine.create_channel(AppInstanceArn=app, Name="n", Mode="UNRESTRICTED", Privacy="PRIVATE",
                                  ClientRequestToken=token())["ChannelArn"]
    mine.create_channel_membership(ChannelArn=channel, MemberArn=bob, Type="DEFAULT")
    message = mine.send_channel_message(ChannelArn=channel, Content="hi", Type="STANDARD", Persistence="PERSISTENT",
                                        ClientRequestToken=token())["MessageId"]
    theirs = client(server, bearer=bob)
    found = theirs.get_channel_message(ChannelArn=channel, MessageId=message)["ChannelMessage"]
    assert (found["Content"], found["Sender"]["Arn"]) == ("hi", alice)
    mine.update_channel_message(ChannelArn=channel, MessageId=message, Content="edited")
    assert [each["Content"] for each in theirs.list_channel_messages(ChannelArn=channel)["ChannelMessages"]] == [
        "edited"]
    mine.update_channel(ChannelArn=channel, Name="renamed", Mode="RESTRICTED")
    assert theirs.describe_channel(ChannelArn=channel)["Channel"]["Name"] == "renamed"
    theirs.update_channel_read_marker(ChannelArn=channel)
    assert len(mine.list_channel_memberships(ChannelArn=channel)["ChannelMemberships"]) == 2
    mine.create_channel_moderator(ChannelArn=channel, ChannelModeratorArn=bob)
    assert len(mine.list_channel_moderators(ChannelArn=channel)["ChannelModerators"]) == 2
    mine.delete_channel_moderator(ChannelArn=channel, ChannelModeratorArn=bob)
    mine.redact_channel_message(ChannelArn=channel, MessageId=message)
    mine.create_channel_ban(ChannelArn=channel, MemberArn=bob)
    assert len(mine.list_channel_bans(ChannelArn=channel)["ChannelBans"]) == 1
    mine.delete_channel_ban(ChannelArn=channel, MemberArn=bob)
    assert refused(theirs.describe_channel, ChannelArn=channel) == (403, "ForbiddenException")
    mine.delete_channel(ChannelArn=channel)


def test_d_01_the_model_of_that_time_knows_no_bearer_parameter(chime, app):
    with pytest.raises(ParamValidationError):
        chime.list_channels(AppInstanceArn=app, ChimeBearer=app)


def test_d_02_a_header_less_call_by_the_account_owner_has_no_user(chime, app):
    assert refused(chime.create_channel, AppInstanceArn=app, Name="n", ClientRequestToken=token()) == (
        401, "UnauthorizedClientException")


def test_d_02_a_header_less_call_acts_as_the_one_user_of_the_callers_policy(server, chime, app):
    alice = user(chime, app, "alice")
    iam = client(server, "iam")
    name = "legacy-" + token()[:8]
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="chat", PolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "chime:*", "Resource": [alice, app + "/channel/*"]}]}))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    mine = client(server, keys=(key["AccessKeyId"], key["SecretAccessKey"]))
    channel = mine.create_channel(AppInstanceArn=app, Name="n", Mode="UNRESTRICTED", Privacy="PUBLIC",
                                  ClientRequestToken=token())["ChannelArn"]
    assert mine.describe_channel(ChannelArn=channel)["Channel"]["CreatedBy"]["Arn"] == alice
    message = mine.send_channel_message(ChannelArn=channel, Content="hi", Type="STANDARD", Persistence="PERSISTENT",
                                        ClientRequestToken=token())["MessageId"]
    assert mine.get_channel_message(ChannelArn=channel, MessageId=message)["ChannelMessage"]["Sender"]["Arn"] == alice


def test_d_02_session_tag_credentials_of_the_guide_act_as_their_user(server, chime, app):
    alice = user(chime, app, "123456789")
    iam, sts = client(server, "iam"), client(server, "sts")
    account = sts.get_caller_identity()["Account"]
    name = "UserRole-" + token()[:8]
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
             "Action": ["sts:AssumeRole", "sts:TagSession"]}]}))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="chat", PolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "chime:*",
             "Resource": [app + "/user/${my_applications_user_guid}", app + "/channel/*"]}]}))
    found = sts.assume_role(RoleArn=role, RoleSessionName="demo", Tags=[
        {"Key": "my_applications_user_guid", "Value": "123456789"}])["Credentials"]
    mine = client(server, keys=(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"]))
    channel = mine.create_channel(AppInstanceArn=app, Name="n", ClientRequestToken=token())["ChannelArn"]
    assert mine.describe_channel(ChannelArn=channel)["Channel"]["CreatedBy"]["Arn"] == alice


def test_legacy_refusals_raise_the_modelled_classes(server, chime, app):
    with pytest.raises(chime.exceptions.BadRequestException):
        chime.create_app_instance(Name="n" * 257, ClientRequestToken=token())
    with pytest.raises(chime.exceptions.ForbiddenException):
        chime.describe_app_instance_user(AppInstanceUserArn=app + "/user/nobody")
    user(chime, app, "alice")
    with pytest.raises(chime.exceptions.ConflictException):
        user(chime, app, "alice")


def test_without_prefixes_an_ip_address_works_as_endpoint(server, app):
    bare = client(server, endpoint=server.url, inject_host_prefix=False)
    assert bare.describe_app_instance(AppInstanceArn=app)["AppInstance"]["AppInstanceArn"] == app


def test_w_12_the_console_prefix_of_the_guides_sample_works(server, app):
    console = client(server, endpoint=f"http://{NAME}:{server.port}/console")
    assert console.describe_app_instance(AppInstanceArn=app)["AppInstance"]["AppInstanceArn"] == app


def test_d_03_streaming_configurations_answer_under_the_legacy_member_name(chime, app):
    """None is set: either an empty answer or the NotFound that the legacy model knows."""
    try:
        answer = chime.get_app_instance_streaming_configurations(AppInstanceArn=app)
    except chime.exceptions.NotFoundException:
        return
    assert answer.get("AppInstanceStreamingConfigurations", []) == []
    chime.delete_app_instance_streaming_configurations(AppInstanceArn=app)
