"""The four role tables, walked row by row over HTTP: rules AUTH-01 to AUTH-108 and ROLE-*.

`TABLE` is written out from the rules by hand, one line a row. Each row names the cases in which it is tried; a case is
a world (privacy, mode, whether the caller is also a member, whose object is touched) and the verdict expected there.
The root key signs everything, so policies allow all and only the role decides.
"""

from dataclasses import dataclass

import pytest
from botocore.exceptions import ClientError

from harness.clients import FORBIDDEN, UNAUTHORIZED, Clients, Keys, refusal
from harness.world import World

OK, NO = "allowed", "forbidden"
NONE_OF_ITS_OWN = "allowed, but there is nothing to show"
"""The role may ask, yet the user has no such row in this channel: an empty answer, 403 or 404 are all sound."""


@dataclass(frozen=True)
class Case:
    expected: str
    privacy: str = "PUBLIC"
    mode: str = "UNRESTRICTED"
    member: bool = False
    """The caller is given a membership besides its role."""
    target: str = "other"
    """Whose user, message or membership is touched: other, own, admin, moderator."""

    def __str__(self):
        joined = "-member" if self.member else ""
        return f"{self.privacy}-{self.mode}{joined}-{self.target}-{self.expected.split(',')[0]}"


def both(expected, **more):
    return [Case(expected, "PUBLIC", **more), Case(expected, "PRIVATE", **more)]


ALLOWED = both(OK)
DENIED = both(NO)
PUBLIC_ONLY = [Case(OK, "PUBLIC"), Case(NO, "PRIVATE")]
PUBLIC_OR_OWN = ALLOWED
"""Rule ROLE-01: moderators and members may describe their own private channels."""
LIST_PUBLIC = PUBLIC_ONLY
"""ListChannels by its Privacy filter."""
MEMBERSHIP_FIRST = both(NO) + both(OK, member=True)
OWN_MESSAGE = both(OK, target="own") + both(NO, target="other")
OWN_ARN = both(OK, target="own", member=True) + both(NO, target="other")
OWN_ARN_OF_MEMBER = both(OK, target="own") + both(NO, target="other")
OWN_ARN_NOTHING = both(NONE_OF_ITS_OWN, target="own") + both(NO, target="other")
BAN_TARGET = both(OK) + both(NO, target="admin") + both(NO, target="moderator")
UNRESTRICTED = (both(OK, mode="UNRESTRICTED") + both(NO, mode="RESTRICTED"))

TABLE = {
    "AppInstanceAdmin": [
        (1, "UpdateChannel", ALLOWED),
        (2, "DeleteChannel", ALLOWED),
        (3, "DescribeChannel", ALLOWED),
        (4, "ListChannel", ALLOWED),
        (5, "ListChannelMembershipsForAppInstanceUser", ALLOWED),
        (6, "DescribeChannelMembershipForAppInstanceUser", ALLOWED),
        (7, "ListChannelsModeratedByAppInstanceUser", both(OK, target="moderator")),
        (8, "DescribeChannelModeratedByAppInstanceUser", both(OK, target="moderator")),
        (9, "CreateChannelMembership", ALLOWED + both(OK, mode="RESTRICTED")),
        (10, "DescribeChannelMembership", ALLOWED),
        (11, "ListChannelMembership", ALLOWED),
        (12, "DeleteChannelMembership", ALLOWED),
        (13, "SendChannelMessage", MEMBERSHIP_FIRST),
        (14, "GetChannelMessage", ALLOWED),
        (15, "ListChannelMessage", ALLOWED),
        (16, "DeleteChannelMessage", ALLOWED),
        (17, "RedactChannelMessage", ALLOWED),
        (18, "UpdateChannelMessage", OWN_MESSAGE),
        (19, "CreateChannelModerator", ALLOWED),
        (20, "DeleteChannelModerator", ALLOWED),
        (21, "DescribeChannelModerator", ALLOWED),
        (22, "ListChannelModerator", ALLOWED),
        (23, "CreateChannelBan", BAN_TARGET),
        (24, "DeleteChannelBan", ALLOWED),
        (25, "DescribeChannelBan", ALLOWED),
        (26, "ListChannelBan", ALLOWED),
        (27, "UpdateChannelReadMarker", MEMBERSHIP_FIRST),
    ],
    "ChannelModerator": [
        (28, "UpdateChannel", ALLOWED),
        (29, "DeleteChannel", ALLOWED),
        (30, "DescribeChannel", PUBLIC_OR_OWN),
        (31, "ListChannel", LIST_PUBLIC),
        (32, "ListChannelMembershipsForAppInstanceUser", OWN_ARN),
        (33, "DescribeChannelMembershipForAppInstanceUser", OWN_ARN),
        (34, "ListChannelsModeratedByAppInstanceUser", OWN_ARN),
        (35, "DescribeChannelModeratedByAppInstanceUser", OWN_ARN),
        (36, "CreateChannelMembership", ALLOWED + both(OK, mode="RESTRICTED")),
        (37, "DescribeChannelMembership", ALLOWED),
        (38, "ListChannelMembership", ALLOWED),
        (39, "DeleteChannelMembership", ALLOWED),
        (40, "SendChannelMessage", MEMBERSHIP_FIRST),
        (41, "GetChannelMessage", ALLOWED),
        (42, "ListChannelMessage", ALLOWED),
        (43, "DeleteChannelMessage", DENIED + both(NO, member=True)),
        (44, "RedactChannelMessage", ALLOWED),
        (45, "UpdateChannelMessage", OWN_MESSAGE),
        (46, "CreateChannelModerator", MEMBERSHIP_FIRST),
        (47, "DeleteChannelModerator", ALLOWED),
        (48, "DescribeChannelModerator", ALLOWED),
        (49, "ListChannelModerator", ALLOWED),
        (50, "CreateChannelBan", BAN_TARGET),
        (51, "DeleteChannelBan", ALLOWED),
        (52, "DescribeChannelBan", ALLOWED),
        (53, "ListChannelBan", ALLOWED),
        (54, "UpdateChannelReadMarker", MEMBERSHIP_FIRST),
    ],
    "Member": [
        (55, "UpdateChannel", DENIED),
        (56, "DeleteChannel", DENIED),
        (57, "DescribeChannel", PUBLIC_OR_OWN),
        (58, "ListChannel", LIST_PUBLIC),
        (59, "ListChannelMembershipsForAppInstanceUser", OWN_ARN_OF_MEMBER),
        (60, "DescribeChannelMembershipForAppInstanceUser", OWN_ARN_OF_MEMBER),
        (61, "ListChannelsModeratedByAppInstanceUser", OWN_ARN_OF_MEMBER),
        (62, "DescribeChannelModeratedByAppInstanceUser", OWN_ARN_NOTHING),
        (63, "CreateChannelMembership", UNRESTRICTED),
        (64, "DescribeChannelMembership", ALLOWED),
        (65, "ListChannelMembership", ALLOWED),
        (66, "DeleteChannelMembership", ALLOWED + both(OK, target="own")),
        (67, "SendChannelMessage", ALLOWED),
        (68, "GetChannelMessage", ALLOWED),
        (69, "ListChannelMessage", ALLOWED),
        (70, "DeleteChannelMessage", DENIED + both(NO, target="own")),
        (71, "RedactChannelMessage", DENIED + both(NO, target="own")),
        (72, "UpdateChannelMessage", OWN_MESSAGE),
        (73, "CreateChannelModerator", DENIED),
        (74, "DeleteChannelModerator", DENIED),
        (75, "DescribeChannelModerator", DENIED),
        (76, "ListChannelModerator", DENIED),
        (77, "CreateChannelBan", DENIED),
        (78, "DeleteChannelBan", DENIED),
        (79, "DescribeChannelBan", DENIED),
        (80, "ListChannelBan", DENIED),
        (81, "UpdateChannelReadMarker", ALLOWED),
    ],
    "Non-member": [
        (82, "UpdateChannel", DENIED),
        (83, "DeleteChannel", DENIED),
        (84, "DescribeChannel", PUBLIC_ONLY),
        (85, "ListChannel", LIST_PUBLIC),
        (86, "ListChannelMembershipsForAppInstanceUser", both(OK, target="own") + both(NO)),
        (87, "DescribeChannelMembershipForAppInstanceUser", OWN_ARN_NOTHING),
        (88, "ListChannelsModeratedByAppInstanceUser", both(OK, target="own") + both(NO)),
        (89, "DescribeChannelModeratedByAppInstanceUser", OWN_ARN_NOTHING),
        (90, "CreateChannelMembership", DENIED),
        (91, "DescribeChannelMembership", PUBLIC_ONLY),
        (92, "ListChannelMembership", PUBLIC_ONLY),
        (93, "DeleteChannelMembership", DENIED),
        (94, "SendChannelMessage", DENIED),
        (95, "GetChannelMessage", PUBLIC_ONLY),
        (96, "ListChannelMessage", PUBLIC_ONLY),
        (97, "DeleteChannelMessage", DENIED),
        (98, "RedactChannelMessage", DENIED),
        (99, "UpdateChannelMessage", DENIED + both(NO, target="own")),
        (100, "CreateChannelModerator", DENIED),
        (101, "DeleteChannelModerator", DENIED),
        (102, "DescribeChannelModerator", DENIED),
        (103, "ListChannelModerator", DENIED),
        (104, "CreateChannelBan", DENIED),
        (105, "DeleteChannelBan", DENIED),
        (106, "DescribeChannelBan", DENIED),
        (107, "ListChannelBan", DENIED),
        (108, "UpdateChannelReadMarker", DENIED),
    ],
}


def test_the_table_has_the_27_operations_of_each_of_the_four_roles_numbered_1_to_108():
    assert [len(rows) for rows in TABLE.values()] == [27, 27, 27, 27]
    assert [number for rows in TABLE.values() for number, _, _ in rows] == list(range(1, 109))
    operations = [[name for _, name, _ in rows] for rows in TABLE.values()]
    assert all(each == operations[0] for each in operations)


class Stage:
    """One channel owned by somebody else, a caller in its role, and targets to act on."""

    def __init__(self, cast, role, operation, case):
        self.cast, self.case, self.operation = cast, case, operation
        world = self.world = cast.world
        self.caller = cast.admin if role == "AppInstanceAdmin" else cast.caller
        owner = self.owner = cast.owner
        self.channel = channel = world.channel(owner, privacy=case.privacy, mode=case.mode)
        self.target = {"other": cast.bystander, "own": self.caller, "admin": cast.other_admin,
                       "moderator": owner}[case.target]
        world.join(channel, cast.bystander, owner)
        self.message = world.send(channel, owner, "the owner's")
        if case.target == "own" and "ChannelMessage" in operation:
            world.join(channel, self.caller, owner)
            self.message = world.send(channel, self.caller, "the caller's")
            if role != "Member":
                world.leave(channel, self.caller, owner)
        if role == "Member":
            if self.caller not in world.members(channel, owner):
                world.join(channel, self.caller, owner)
        if role == "ChannelModerator":
            world.moderator(channel, self.caller, owner)
        is_member = self.caller in world.members(channel, owner)
        if case.member and not is_member:
            world.join(channel, self.caller, owner)
        if not case.member and is_member and role != "Member":
            world.leave(channel, self.caller, owner)

    def attempt(self):
        return getattr(self, "_" + self.operation)(self.world.messaging)

    @property
    def _of(self):
        return {"ChannelArn": self.channel, "ChimeBearer": self.caller}

    def _UpdateChannel(self, api):
        api.update_channel(Name="renamed", Mode=self.case.mode, **self._of)

    def _DeleteChannel(self, api):
        api.delete_channel(**self._of)

    def _DescribeChannel(self, api):
        assert api.describe_channel(**self._of)["Channel"]["ChannelArn"] == self.channel

    def _ListChannel(self, api):
        found = api.list_channels(AppInstanceArn=self.world.app, Privacy=self.case.privacy, ChimeBearer=self.caller)
        assert found["Channels"], "the channel is there to be listed"

    def _ListChannelMembershipsForAppInstanceUser(self, api):
        found = api.list_channel_memberships_for_app_instance_user(
            AppInstanceUserArn=self.target, ChimeBearer=self.caller)
        if self.target == self.cast.bystander:
            assert found["ChannelMemberships"]

    def _DescribeChannelMembershipForAppInstanceUser(self, api):
        api.describe_channel_membership_for_app_instance_user(AppInstanceUserArn=self.target, **self._of)

    def _ListChannelsModeratedByAppInstanceUser(self, api):
        api.list_channels_moderated_by_app_instance_user(AppInstanceUserArn=self.target, ChimeBearer=self.caller)

    def _DescribeChannelModeratedByAppInstanceUser(self, api):
        target = self.owner if self.target == self.cast.bystander else self.target
        api.describe_channel_moderated_by_app_instance_user(AppInstanceUserArn=target, **self._of)

    def _CreateChannelMembership(self, api):
        api.create_channel_membership(MemberArn=self.cast.outsider, Type="DEFAULT", **self._of)

    def _DescribeChannelMembership(self, api):
        api.describe_channel_membership(MemberArn=self.cast.bystander, **self._of)

    def _ListChannelMembership(self, api):
        assert api.list_channel_memberships(**self._of)["ChannelMemberships"]

    def _DeleteChannelMembership(self, api):
        api.delete_channel_membership(MemberArn=self.target, **self._of)
        assert self.target not in self.world.members(self.channel, self.owner)

    def _SendChannelMessage(self, api):
        self.world.send(self.channel, self.caller)

    def _GetChannelMessage(self, api):
        assert api.get_channel_message(MessageId=self.message, **self._of)["ChannelMessage"]["Content"]

    def _ListChannelMessage(self, api):
        assert api.list_channel_messages(**self._of)["ChannelMessages"]

    def _DeleteChannelMessage(self, api):
        api.delete_channel_message(MessageId=self.message, **self._of)

    def _RedactChannelMessage(self, api):
        api.redact_channel_message(MessageId=self.message, **self._of)

    def _UpdateChannelMessage(self, api):
        api.update_channel_message(MessageId=self.message, Content="edited", **self._of)

    def _CreateChannelModerator(self, api):
        api.create_channel_moderator(ChannelModeratorArn=self.cast.outsider, **self._of)

    def _moderated(self):
        self.world.moderator(self.channel, self.cast.bystander, self.owner)

    def _DeleteChannelModerator(self, api):
        self._moderated()
        api.delete_channel_moderator(ChannelModeratorArn=self.cast.bystander, **self._of)

    def _DescribeChannelModerator(self, api):
        api.describe_channel_moderator(ChannelModeratorArn=self.owner, **self._of)

    def _ListChannelModerator(self, api):
        assert api.list_channel_moderators(**self._of)["ChannelModerators"]

    def _CreateChannelBan(self, api):
        target = self.cast.outsider if self.target == self.cast.bystander else self.target
        api.create_channel_ban(MemberArn=target, **self._of)

    def _banned(self):
        self.world.ban(self.channel, self.cast.outsider, self.owner)

    def _DeleteChannelBan(self, api):
        self._banned()
        api.delete_channel_ban(MemberArn=self.cast.outsider, **self._of)

    def _DescribeChannelBan(self, api):
        self._banned()
        api.describe_channel_ban(MemberArn=self.cast.outsider, **self._of)

    def _ListChannelBan(self, api):
        api.list_channel_bans(**self._of)

    def _UpdateChannelReadMarker(self, api):
        api.update_channel_read_marker(**self._of)


class Cast:
    """One app instance whose users serve every row; each row has a channel of its own."""

    def __init__(self, clients):
        self.world = World(clients, "role tables")
        self.owner, self.caller, self.bystander, self.outsider = self.world.users(
            "owner", "caller", "bystander", "outsider")
        self.admin, self.other_admin = self.world.admin("admin"), self.world.admin("other-admin")


@pytest.fixture(scope="module")
def cast(root):
    return Cast(root)


ROWS = [pytest.param(role, operation, case, id=f"AUTH-{number:02}-{role}-{operation}-{case}")
        for role, rows in TABLE.items() for number, operation, cases in rows for case in cases]


@pytest.mark.parametrize("role, operation, case", ROWS)
def test_auth(cast, role, operation, case):
    stage = Stage(cast, role, operation, case)
    if case.expected == OK:
        stage.attempt()
    elif case.expected == NO:
        assert refusal(stage.attempt) == FORBIDDEN
    else:
        try:
            stage.attempt()
        except ClientError as error:
            assert error.response["Error"]["Code"] in ("ForbiddenException", "NotFoundException"), error


@pytest.fixture
def people(world):
    return world.users("alice", "bob", "carol")


def attempts(world, channel, message, bearer, other):
    """The six public reads by name (rule ROLE-10)."""
    of = {"ChannelArn": channel, "ChimeBearer": bearer}
    api = world.messaging
    return {
        "DescribeChannel": lambda: api.describe_channel(**of),
        "ListChannels": lambda: api.list_channels(AppInstanceArn=world.app, ChimeBearer=bearer),
        "DescribeChannelMembership": lambda: api.describe_channel_membership(MemberArn=other, **of),
        "ListChannelMemberships": lambda: api.list_channel_memberships(**of),
        "GetChannelMessage": lambda: api.get_channel_message(MessageId=message, **of),
        "ListChannelMessages": lambda: api.list_channel_messages(**of),
    }


def test_role_01_and_02_members_describe_their_private_channel_but_do_not_list_it(world, people):
    alice, bob, _ = people
    channel = world.channel(alice, privacy="PRIVATE", MemberArns=[bob])
    assert world.messaging.describe_channel(ChannelArn=channel, ChimeBearer=bob)["Channel"]["Privacy"] == "PRIVATE"
    assert world.messaging.list_channels(AppInstanceArn=world.app, ChimeBearer=bob)["Channels"] == []


def test_role_03_a_member_may_remove_another_member(world, people):
    alice, bob, carol = people
    channel = world.channel(alice, MemberArns=[bob, carol])
    world.leave(channel, carol, bob)
    assert set(world.members(channel, alice)) == {alice, bob}


def test_role_04_admins_and_moderators_lift_a_ban_and_others_do_not(world, people):
    alice, bob, carol = people
    channel, admin = world.channel(alice, MemberArns=[bob]), world.admin()
    for lifts in (alice, admin):
        world.ban(channel, carol, alice)
        of = {"ChannelArn": channel, "MemberArn": carol}
        assert refusal(world.messaging.delete_channel_ban, ChimeBearer=bob, **of) == FORBIDDEN
        world.messaging.delete_channel_ban(ChimeBearer=lifts, **of)


def test_role_06_a_moderator_who_is_no_member_moderates_but_does_not_send(world, people):
    alice, bob, carol = people
    channel = world.channel(alice, privacy="PRIVATE")
    world.moderator(channel, bob, alice)
    world.messaging.update_channel(ChannelArn=channel, Name="new", ChimeBearer=bob)
    world.join(channel, carol, bob)
    assert refusal(world.send, channel, bob) == FORBIDDEN
    assert refusal(world.moderator, channel, carol, bob) == FORBIDDEN


def test_role_09_every_read_of_a_private_channel_is_forbidden_to_a_non_member(world, people):
    alice, bob, _ = people
    channel = world.channel(alice, privacy="PRIVATE")
    message = world.send(channel, alice)
    for name, attempt in attempts(world, channel, message, bob, alice).items():
        if name != "ListChannels":
            assert refusal(attempt) == FORBIDDEN, name


def test_role_10_the_six_public_reads_are_allowed_to_a_non_member(world, people):
    alice, bob, _ = people
    channel = world.channel(alice, privacy="PUBLIC")
    for attempt in attempts(world, channel, world.send(channel, alice), bob, alice).values():
        attempt()


def test_role_12_a_hidden_member_reads_all_and_sends_nothing(world, people):
    alice, bob, _ = people
    channel = world.channel(alice, privacy="PRIVATE")
    message = world.send(channel, alice)
    world.join(channel, bob, alice, type="HIDDEN")
    for attempt in attempts(world, channel, message, bob, alice).values():
        attempt()
    assert refusal(world.send, channel, bob) == FORBIDDEN


def test_role_05_the_new_moderator_need_not_be_a_member(world, people):
    channel = world.channel(people[0])
    world.moderator(channel, people[1], people[0])
    assert people[1] not in world.members(channel, people[0])


def test_role_07_a_moderator_has_no_rights_on_another_channel(world, people):
    mine = world.channel(people[0], privacy="PRIVATE")
    theirs = world.channel(people[1], privacy="PRIVATE")
    assert mine != theirs
    assert refusal(world.messaging.describe_channel, ChannelArn=theirs, ChimeBearer=people[0]) == FORBIDDEN
    assert refusal(world.messaging.update_channel, ChannelArn=theirs, Name="n", ChimeBearer=people[0]) == FORBIDDEN


def test_role_08_an_admin_has_no_rights_in_another_app_instance(root, world, people):
    admin = World(root).admin()
    channel = world.channel(people[0])
    refused = refusal(world.messaging.describe_channel, ChannelArn=channel, ChimeBearer=admin)
    assert refused in (UNAUTHORIZED, FORBIDDEN), refused


def test_role_11_a_banned_user_may_not_even_read_a_public_channel(world, people):
    alice, bob, _ = people
    channel = world.channel(alice, privacy="PUBLIC")
    message = world.send(channel, alice)
    world.ban(channel, bob, alice)
    of = {"ChannelArn": channel, "ChimeBearer": bob}
    for attempt in (
        lambda: world.messaging.describe_channel(**of),
        lambda: world.messaging.list_channel_messages(**of),
        lambda: world.messaging.get_channel_message(MessageId=message, **of),
        lambda: world.messaging.list_channel_memberships(**of),
        lambda: world.messaging.describe_channel_membership(MemberArn=alice, **of),
    ):
        assert refusal(attempt) == FORBIDDEN


def test_role_13_policy_denial_comes_before_role_denial(server, root, world, people):
    """A user whose policy says nothing is refused by policy even where its role would refuse it too."""
    channel = world.channel(people[0], privacy="PRIVATE")
    name = f"nobody-{world.app[-8:]}"
    root.iam.create_user(UserName=name)
    keys = Keys.of(root.iam.create_access_key(UserName=name)["AccessKey"])
    powerless = Clients(server, keys)
    refused = refusal(powerless.messaging.delete_channel, ChannelArn=channel, ChimeBearer=people[1])
    assert refused == (403, "AccessDeniedException")


def test_role_14_a_call_without_a_bearer_by_account_credentials_has_no_user(server, world, people):
    from harness.clients import quoted, send

    channel = world.channel(people[0])
    answer = send(server, "GET", f"/channels/{quoted(channel)}")
    assert (answer.status, answer.error) == UNAUTHORIZED, answer
