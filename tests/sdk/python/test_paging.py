"""Pagination: wire.md P-*."""

import pytest

from harness.clients import BAD_REQUEST, quoted, refusal, send
from harness.world import World


@pytest.fixture(scope="module")
def full(root):
    """An app instance with 7 of everything that lists."""
    world = World(root, "paging")
    world.people = [world.user(f"u{n}") for n in range(7)]
    owner = world.people[0]
    for user in world.people:
        world.identity.create_app_instance_admin(AppInstanceArn=world.app, AppInstanceAdminArn=user)
    world.channels = [world.channel(owner, name=f"c{n}") for n in range(7)]
    main = world.main = world.channels[0]
    for user in world.people[1:]:
        world.join(main, user, owner)
        world.moderator(main, user, owner)
    for n in range(7):
        world.ban(main, world.user(f"banned{n}"), owner)
        world.send(main, owner, f"m{n}")
    world.people += [world.arn(f"banned{n}") for n in range(7)]
    return world


def pages(call, member, size, **arguments):
    """All pages as lists; MaxResults goes with the first page only (rule P-03)."""
    found, more = [], {"MaxResults": size}
    while True:
        answer = call(**arguments, **more)
        found.append(answer[member])
        if "NextToken" not in answer:
            return found
        assert answer["NextToken"] and answer["NextToken"] != more.get("NextToken")
        assert len(answer["NextToken"]) <= 2048
        more = {"NextToken": answer["NextToken"], **({"MaxResults": size} if size < 3 else {})}
        assert len(found) < 100, "paging does not end"


def lists(world):
    owner = world.people[0]
    bearer, of = {"ChimeBearer": owner}, {"ChannelArn": world.main, "ChimeBearer": owner}
    identity, messaging = world.identity, world.messaging
    return {
        "ListAppInstanceUsers": (identity.list_app_instance_users, "AppInstanceUsers",
                                 {"AppInstanceArn": world.app}, 14),
        "ListAppInstanceAdmins": (identity.list_app_instance_admins, "AppInstanceAdmins",
                                  {"AppInstanceArn": world.app}, 7),
        "ListChannels": (messaging.list_channels, "Channels", {"AppInstanceArn": world.app, **bearer}, 7),
        "ListChannelMemberships": (messaging.list_channel_memberships, "ChannelMemberships", of, 7),
        "ListChannelModerators": (messaging.list_channel_moderators, "ChannelModerators", of, 7),
        "ListChannelBans": (messaging.list_channel_bans, "ChannelBans", of, 7),
        "ListChannelMessages": (messaging.list_channel_messages, "ChannelMessages", of, 7),
        "ListChannelMembershipsForAppInstanceUser": (
            messaging.list_channel_memberships_for_app_instance_user, "ChannelMemberships", bearer, 7),
        "ListChannelsModeratedByAppInstanceUser": (
            messaging.list_channels_moderated_by_app_instance_user, "Channels", bearer, 7),
    }


NAMES = ["ListAppInstanceUsers", "ListAppInstanceAdmins", "ListChannels", "ListChannelMemberships",
         "ListChannelModerators", "ListChannelBans", "ListChannelMessages",
         "ListChannelMembershipsForAppInstanceUser", "ListChannelsModeratedByAppInstanceUser"]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
@pytest.mark.parametrize("name", NAMES)
def test_p_02_and_p_03_pages_of_any_size_give_each_item_once_and_end_without_a_token(full, name, size):
    call, member, arguments, total = lists(full)[name]
    found = pages(call, member, size, **arguments)
    items = [repr(sorted(each.items(), key=str)) for page in found for each in page]
    assert len(items) == len(set(items)) == total
    assert len(found[0]) <= size


@pytest.mark.parametrize("name", NAMES)
def test_p_02_a_full_list_in_one_page_has_no_token(full, name):
    call, member, arguments, total = lists(full)[name]
    answer = call(**arguments)
    assert "NextToken" not in answer and len(answer[member]) == total


@pytest.mark.parametrize("name", NAMES)
def test_p_03_a_token_used_with_another_operation_is_refused(full, name):
    call, _, arguments, _ = lists(full)[name]
    other = "ListChannelBans" if name != "ListChannelBans" else "ListChannelMessages"
    other_call, _, other_arguments, _ = lists(full)[other]
    foreign = other_call(MaxResults=2, **other_arguments)["NextToken"]
    assert refusal(call, NextToken=foreign, **arguments) == BAD_REQUEST


def test_p_03_a_token_of_another_channel_or_another_caller_is_refused(full):
    owner, other = full.people[0], full.people[1]
    call = full.messaging.list_channel_messages
    next_token = call(ChannelArn=full.main, ChimeBearer=owner, MaxResults=2)["NextToken"]
    assert refusal(call, ChannelArn=full.channels[1], ChimeBearer=owner, NextToken=next_token) == BAD_REQUEST
    assert refusal(call, ChannelArn=full.main, ChimeBearer=other, NextToken=next_token) == BAD_REQUEST


def test_p_04_a_token_with_one_character_changed_is_refused(full):
    owner = full.people[0]
    call = full.messaging.list_channel_messages
    next_token = call(ChannelArn=full.main, ChimeBearer=owner, MaxResults=2)["NextToken"]
    for at in (0, len(next_token) // 2, len(next_token) - 1):
        changed = next_token[:at] + ("A" if next_token[at] != "A" else "B") + next_token[at + 1:]
        refused = None
        try:
            call(ChannelArn=full.main, ChimeBearer=owner, NextToken=changed)
        except Exception as error:
            refused = error
        if at < len(next_token) - 1:  # the last character of base64 may carry no bits
            assert refused is not None and "BadRequest" in str(refused), (at, refused)


def test_p_04_messages_sent_and_deleted_while_paging_cause_no_skips_and_no_repeats(world):
    admin = world.admin()
    channel = world.channel(admin)
    ids = [world.send(channel, admin, f"m{n}") for n in range(10)]
    call = {"ChannelArn": channel, "ChimeBearer": admin, "SortOrder": "ASCENDING"}
    first = world.messaging.list_channel_messages(MaxResults=4, **call)
    seen = [each["Content"] for each in first["ChannelMessages"]]
    world.messaging.delete_channel_message(ChannelArn=channel, MessageId=ids[1], ChimeBearer=admin)
    world.messaging.delete_channel_message(ChannelArn=channel, MessageId=ids[5], ChimeBearer=admin)
    world.send(channel, admin, "late")
    rest = world.messaging.list_channel_messages(NextToken=first["NextToken"], **call)
    seen += [each["Content"] for each in rest["ChannelMessages"]]
    assert [each for each in seen if each != "late"] == ["m0", "m1", "m2", "m3", "m4", "m6", "m7", "m8", "m9"]


def test_p_04_descending_pages_do_not_shift_when_new_messages_arrive(world):
    alice = world.user("alice")
    channel = world.channel(alice)
    for n in range(6):
        world.send(channel, alice, f"m{n}")
    call = {"ChannelArn": channel, "ChimeBearer": alice}
    first = world.messaging.list_channel_messages(MaxResults=3, **call)
    world.send(channel, alice, "newer")
    rest = world.messaging.list_channel_messages(NextToken=first["NextToken"], **call)
    assert [each["Content"] for each in first["ChannelMessages"] + rest["ChannelMessages"]] == [
        f"m{n}" for n in reversed(range(6))]


def test_the_default_page_is_50_and_the_longest_too(world):
    alice = world.user("alice")
    channel = world.channel(alice)
    for n in range(51):
        world.send(channel, alice, str(n))
    assert len(world.messaging.list_channel_messages(ChannelArn=channel, ChimeBearer=alice)["ChannelMessages"]) == 50
    assert len(world.messaging.list_channel_messages(ChannelArn=channel, ChimeBearer=alice,
                                                     MaxResults=50)["ChannelMessages"]) == 50
    assert refusal(world.messaging.list_channel_messages, ChannelArn=channel, ChimeBearer=alice,
                   MaxResults=51) == BAD_REQUEST


def test_p_04_a_token_is_safe_in_a_url(full, server):
    answer = full.messaging.list_channel_messages(ChannelArn=full.main, ChimeBearer=full.people[0], MaxResults=2)
    text = answer["NextToken"]
    path = f"/channels/{quoted(full.main)}/messages?next-token={text}"
    assert send(server, "GET", path, bearer=full.people[0]).status == 200
