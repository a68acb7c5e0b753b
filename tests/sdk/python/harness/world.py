"""An app instance with users and channels, made through the API by the root key."""

import itertools
import uuid

from .clients import token

_serial = itertools.count(1)


class World:
    """One app instance; every helper returns the ARN or id that the API returned."""

    def __init__(self, clients, name=None):
        self.clients = clients
        self.identity, self.messaging = clients.identity, clients.messaging
        self.app = self.identity.create_app_instance(
            Name=name or f"world-{next(_serial)}", ClientRequestToken=token())["AppInstanceArn"]

    def arn(self, user_id):
        return f"{self.app}/user/{user_id}"

    def user(self, user_id=None, name=None, **more):
        user_id = user_id or f"u-{uuid.uuid4().hex[:12]}"
        return self.identity.create_app_instance_user(
            AppInstanceArn=self.app, AppInstanceUserId=user_id, Name=name or user_id, ClientRequestToken=token(),
            **more)["AppInstanceUserArn"]

    def users(self, *names):
        return [self.user(name) for name in names]

    def admin(self, user_id=None):
        arn = self.user(user_id)
        self.identity.create_app_instance_admin(AppInstanceArn=self.app, AppInstanceAdminArn=arn)
        return arn

    def channel(self, bearer, *, privacy="PUBLIC", mode="UNRESTRICTED", name="channel", **more):
        return self.messaging.create_channel(
            AppInstanceArn=self.app, Name=name, Mode=mode, Privacy=privacy, ChimeBearer=bearer,
            ClientRequestToken=token(), **more)["ChannelArn"]

    def join(self, channel, member, bearer, type="DEFAULT"):
        return self.messaging.create_channel_membership(
            ChannelArn=channel, MemberArn=member, Type=type, ChimeBearer=bearer)

    def leave(self, channel, member, bearer):
        self.messaging.delete_channel_membership(ChannelArn=channel, MemberArn=member, ChimeBearer=bearer)

    def moderator(self, channel, user, bearer):
        self.messaging.create_channel_moderator(ChannelArn=channel, ChannelModeratorArn=user, ChimeBearer=bearer)

    def ban(self, channel, user, bearer):
        self.messaging.create_channel_ban(ChannelArn=channel, MemberArn=user, ChimeBearer=bearer)

    def send(self, channel, bearer, content="hello", *, type="STANDARD", persistence="PERSISTENT", **more):
        return self.messaging.send_channel_message(
            ChannelArn=channel, Content=content, Type=type, Persistence=persistence, ChimeBearer=bearer,
            ClientRequestToken=token(), **more)["MessageId"]

    def message(self, channel, message_id, bearer):
        return self.messaging.get_channel_message(
            ChannelArn=channel, MessageId=message_id, ChimeBearer=bearer)["ChannelMessage"]

    def messages(self, channel, bearer, **more):
        """Contents of all pages in the order listed."""
        return [each.get("Content") for each in self.listed(channel, bearer, **more)]

    def listed(self, channel, bearer, **more):
        found, next_token = [], {}
        while True:
            page = self.messaging.list_channel_messages(ChannelArn=channel, ChimeBearer=bearer, **next_token, **more)
            found += page["ChannelMessages"]
            if not page.get("NextToken"):
                return found
            next_token = {"NextToken": page["NextToken"]}

    def members(self, channel, bearer, **more):
        page = self.messaging.list_channel_memberships(ChannelArn=channel, ChimeBearer=bearer, **more)
        return [each["Member"]["Arn"] for each in page["ChannelMemberships"]]
