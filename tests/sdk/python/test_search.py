"""SearchChannels and the preferences of memberships, as today's client speaks them."""

import json

import pytest

from harness.clients import BAD_REQUEST, FORBIDDEN, UNAUTHORIZED, quoted, refusal, send
from harness.world import World


class Company:
    """Alice, bob and carol in channels that are called after their members' initials."""

    def __init__(self, root):
        self.world = world = World(root, "search")
        self.boss = world.admin("boss")
        self.alice, self.bob, self.carol = alice, bob, carol = world.users("alice", "bob", "carol")
        for name, privacy, creator, others in (
                ("a", "PUBLIC", alice, []), ("ab", "PRIVATE", alice, [bob]), ("ac", "PUBLIC", alice, [carol]),
                ("bc", "PRIVATE", bob, [carol]), ("abc", "PRIVATE", alice, [bob, carol])):
            more = {"MemberArns": others} if others else {}
            world.channel(creator, privacy=privacy, name=name, ChannelId=name, Metadata=f"about {name}", **more)

    def search(self, bearer, *fields, **more):
        return self.world.messaging.search_channels(ChimeBearer=bearer, Fields=list(fields), **more)

    def finds(self, bearer, *fields):
        return sorted(each["Name"] for each in self.search(bearer, *fields)["Channels"])


@pytest.fixture(scope="module")
def company(root):
    return Company(root)


def includes(*members):
    return {"Key": "MEMBERS", "Operator": "INCLUDES", "Values": list(members)}


def equals(*members):
    return {"Key": "MEMBERS", "Operator": "EQUALS", "Values": list(members)}


def test_search_includes_finds_the_callers_channels_with_at_least_these_members(company):
    alice, bob, carol = company.alice, company.bob, company.carol
    assert company.finds(alice, includes(alice)) == ["a", "ab", "abc", "ac"]
    assert company.finds(alice, includes(bob, carol)) == ["abc"]
    assert company.finds(bob, includes(alice)) == ["ab", "abc"]


def test_search_equals_finds_the_callers_channels_with_exactly_these_members(company):
    alice, bob, carol = company.alice, company.bob, company.carol
    assert company.finds(alice, equals(alice)) == ["a"]
    assert company.finds(alice, equals(bob, alice)) == ["ab"]
    assert company.finds(alice, equals(bob, carol)) == []
    assert company.finds(alice, includes(bob), equals(alice, bob)) == ["ab"]


def test_search_shows_admins_every_channel_and_strangers_none(company):
    assert company.finds(company.boss, includes(company.bob)) == ["ab", "abc", "bc"]
    assert company.finds(company.world.user(), includes(company.bob)) == []


def test_search_answers_summaries_in_the_modelled_shape(company):
    found, = company.search(company.alice, equals(company.alice))["Channels"]
    assert found == {"Name": "a", "ChannelArn": f"{company.world.app}/channel/a", "Mode": "UNRESTRICTED",
                     "Privacy": "PUBLIC", "Metadata": "about a"}


@pytest.mark.parametrize("size", [1, 2, 3, 50])
def test_search_pages_hold_each_channel_once(company, size):
    found, more = [], {}
    while True:
        answer = company.search(company.alice, includes(company.alice), MaxResults=size, **more)
        assert len(answer["Channels"]) <= size
        found += [each["Name"] for each in answer["Channels"]]
        if not answer.get("NextToken"):
            break
        more = {"NextToken": answer["NextToken"]}
    assert sorted(found) == ["a", "ab", "abc", "ac"]


def test_search_tokens_are_the_callers_and_the_searchs_own(company):
    token = company.search(company.alice, includes(company.alice), MaxResults=1)["NextToken"]
    for bearer, field in ((company.bob, includes(company.alice)), (company.alice, equals(company.alice))):
        assert refusal(company.search, bearer, field, NextToken=token) == BAD_REQUEST
    for size in (0, 51):
        path = f"/channels?operation=search&max-results={size}"
        answer = send(company.world.clients.server, "POST", path, {"Fields": [includes(company.alice)]},
                      bearer=company.alice)
        assert (answer.status, answer.error) == BAD_REQUEST


def test_search_needs_a_bearer_also_of_the_owner_of_the_account(company):
    answer = send(company.world.clients.server, "POST", "/channels?operation=search",
                  {"Fields": [includes(company.alice)]})
    assert (answer.status, answer.error) == UNAUTHORIZED
    assert refusal(company.search, company.world.arn("nobody"), includes(company.alice)) == UNAUTHORIZED


@pytest.mark.parametrize("body", [
    {}, {"Fields": []}, {"Fields": None}, {"Fields": [{}]},
    {"Fields": [{"Key": "NAME", "Operator": "EQUALS", "Values": ["ALICE"]}]},
    {"Fields": [{"Key": "MEMBERS", "Operator": "STARTS", "Values": ["ALICE"]}]},
    {"Fields": [{"Key": "MEMBERS", "Operator": "EQUALS", "Values": []}]},
    {"Fields": [{"Key": "MEMBERS", "Operator": "EQUALS", "Values": ["not an arn"]}]},
    {"Fields": [{"Key": "MEMBERS", "Operator": "EQUALS"}]},
    {"Fields": [{"Key": "MEMBERS", "Values": ["ALICE"]}]},
    {"Fields": [{"Operator": "EQUALS", "Values": ["ALICE"]}]},
    {"Fields": [{"Key": "MEMBERS", "Operator": "EQUALS", "Values": ["ALICE"] * 21}]},
    {"Fields": [{"Key": "MEMBERS", "Operator": "EQUALS", "Values": ["ALICE"]}] * 21},
])
def test_search_fields_outside_the_model_are_refused(company, body):
    body = json.loads(json.dumps(body).replace("ALICE", company.alice))
    answer = send(company.world.clients.server, "POST", "/channels?operation=search", body, bearer=company.alice)
    assert (answer.status, answer.error) == BAD_REQUEST, answer


def test_search_takes_20_values_and_20_fields(company):
    assert company.finds(company.alice, equals(*[company.alice] * 20)) == ["a"]
    assert company.finds(company.alice, *[equals(company.alice)] * 20) == ["a"]


def test_search_for_a_user_of_another_app_instance_is_forbidden(company, world):
    assert refusal(company.search, company.alice, includes(world.user())) == FORBIDDEN


# Preferences of a membership

FILTERED = {"PushNotifications": {"AllowNotifications": "FILTERED", "FilterRule": '{"type": ["urgent"]}'}}


@pytest.fixture
def cast(world):
    return world.users("alice", "bob")


@pytest.fixture
def channel(world, cast):
    return world.channel(cast[0], privacy="PRIVATE", MemberArns=[cast[1]])


def put(world, channel, member, preferences, bearer=None):
    return world.messaging.put_channel_membership_preferences(
        ChannelArn=channel, MemberArn=member, ChimeBearer=bearer or member, Preferences=preferences)


def get(world, channel, member, bearer=None):
    return world.messaging.get_channel_membership_preferences(
        ChannelArn=channel, MemberArn=member, ChimeBearer=bearer or member)


def test_preferences_are_empty_until_they_are_put_then_the_last_that_were(world, cast, channel):
    _, bob = cast
    first = get(world, channel, bob)
    assert (first["ChannelArn"], first["Member"]) == (channel, {"Arn": bob, "Name": "bob"})
    assert first["Preferences"] == {}
    for preferences in (FILTERED, {"PushNotifications": {"AllowNotifications": "NONE"}},
                        {"PushNotifications": {"AllowNotifications": "ALL"}}):
        answer = put(world, channel, bob, preferences)
        assert (answer["ChannelArn"], answer["Member"]["Arn"]) == (channel, bob)
        assert answer["Preferences"] == preferences
        assert get(world, channel, bob)["Preferences"] == preferences


def test_preferences_without_push_notifications_allow_all(world, cast, channel):
    put(world, channel, cast[1], FILTERED)
    put(world, channel, cast[1], {})
    everything = {"PushNotifications": {"AllowNotifications": "ALL"}}
    assert get(world, channel, cast[1])["Preferences"] == everything


def test_preferences_are_their_members_own(world, cast, channel):
    alice, bob = cast
    boss, stranger = world.admin("boss"), world.user("stranger")
    put(world, channel, bob, FILTERED)
    for other in (alice, boss, stranger):
        assert refusal(get, world, channel, bob, other) == FORBIDDEN
        assert refusal(put, world, channel, bob, {}, other) == FORBIDDEN
    assert refusal(get, world, channel, boss) == FORBIDDEN, "an admin who is no member has none"
    assert get(world, channel, bob)["Preferences"] == FILTERED


def test_preferences_end_with_the_membership(world, cast, channel):
    alice, bob = cast
    put(world, channel, bob, FILTERED)
    world.ban(channel, bob, alice)
    assert refusal(put, world, channel, bob, FILTERED) == FORBIDDEN
    assert refusal(get, world, channel, bob) == FORBIDDEN
    world.messaging.delete_channel_ban(ChannelArn=channel, MemberArn=bob, ChimeBearer=alice)
    world.join(channel, bob, alice)
    assert get(world, channel, bob)["Preferences"] == {}


@pytest.mark.parametrize("preferences", [
    None,
    {"PushNotifications": {}},
    {"PushNotifications": {"AllowNotifications": "SOME"}},
    {"PushNotifications": {"AllowNotifications": "FILTERED"}},
    {"PushNotifications": {"AllowNotifications": "FILTERED", "FilterRule": ""}},
    {"PushNotifications": {"AllowNotifications": "FILTERED", "FilterRule": "not json"}},
    {"PushNotifications": {"AllowNotifications": "ALL", "FilterRule": "{}"}},
])
def test_preferences_outside_the_model_are_refused_and_change_nothing(world, cast, channel, preferences):
    _, bob = cast
    put(world, channel, bob, FILTERED)
    path = f"/channels/{quoted(channel)}/memberships/{quoted(bob)}/preferences"
    body = {} if preferences is None else {"Preferences": preferences}
    answer = send(world.clients.server, "PUT", path, body, bearer=bob)
    assert (answer.status, answer.error) == BAD_REQUEST, answer
    assert get(world, channel, bob)["Preferences"] == FILTERED


def test_a_filter_rule_holds_2048_bytes_and_not_one_more(world, cast, channel):
    def rule(size):
        start, end = '{"a":["', '"]}'
        room = size - len(start) - len(end)
        return start + "\u2603" * (room // 3) + "x" * (room % 3) + end

    preferences = {"PushNotifications": {"AllowNotifications": "FILTERED", "FilterRule": rule(2048)}}
    put(world, channel, cast[1], preferences)
    assert get(world, channel, cast[1])["Preferences"] == preferences
    preferences["PushNotifications"]["FilterRule"] = rule(2049)
    assert refusal(put, world, channel, cast[1], preferences) == BAD_REQUEST


def test_preferences_need_a_bearer(world, cast, channel):
    path = f"/channels/{quoted(channel)}/memberships/{quoted(cast[1])}/preferences"
    answer = send(world.clients.server, "GET", path)
    assert (answer.status, answer.error) == UNAUTHORIZED
