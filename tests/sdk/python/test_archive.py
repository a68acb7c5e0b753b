"""One app instance in a file, from server to server."""

import pytest

from harness import clock
from harness.clients import Clients
from harness.server import ChimeServer
from harness.world import World
from test_backup import Place, run, world_of


@pytest.fixture
def place(request, tmp_path):
    """`place(kind)`: a new data directory and database, with a test clock."""
    places = []

    def make(kind):
        url = None
        if kind == "postgres":
            postgres = request.getfixturevalue("postgres")
            url = postgres.url(postgres.database())
        one = Place(tmp_path / f"data-{len(places)}", url)
        one.server = ChimeServer(one.data_dir, database=url)
        places.append(one)
        return one

    yield make
    clock.set_signing_offset(0)
    for each in places:
        each.server.kill9()
        assert not each.server.panicked(), each.server.panicked()


def exported(one, app, to):
    return run("export-app-instance", *one.settings, "--app-instance", app, "--to", to)


def imported(one, archive):
    return run("import-app-instance", *one.settings, "--from", archive)


def without_metadata(answer):
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def view(world, users, channels):
    """What the operations tell of an app instance."""
    identity, messaging, app = world.identity, world.messaging, world.app
    admin = users[0]
    told = [
        identity.describe_app_instance(AppInstanceArn=app),
        identity.list_app_instance_users(AppInstanceArn=app),
        identity.list_app_instance_admins(AppInstanceArn=app),
        identity.get_app_instance_retention_settings(AppInstanceArn=app),
        identity.list_tags_for_resource(ResourceARN=app),
        *[identity.describe_app_instance_user(AppInstanceUserArn=user) for user in users],
        *[messaging.list_channel_memberships_for_app_instance_user(AppInstanceUserArn=user, ChimeBearer=user)
          for user in users],
    ]
    for channel in channels:
        of_channel = {"ChannelArn": channel, "ChimeBearer": admin}
        told += [
            messaging.describe_channel(**of_channel),
            messaging.list_channel_memberships(**of_channel),
            messaging.list_channel_moderators(**of_channel),
            messaging.list_channel_bans(**of_channel),
        ]
        told += world.listed(channel, admin)
    return [without_metadata(each) for each in told]


def build(world):
    """An app instance with something of everything."""
    users = [world.admin("alice"), *world.users("bob", "carol")]
    alice, bob, carol = users
    world.identity.tag_resource(ResourceARN=world.app, Tags=[{"Key": "colour", "Value": "blue"}])
    world.identity.put_app_instance_user_expiration_settings(
        AppInstanceUserArn=carol, ExpirationSettings={"ExpirationDays": 2, "ExpirationCriterion": "CREATED_TIMESTAMP"})
    channels = [world.channel(alice, MemberArns=[bob, carol]), world.channel(bob)]
    world.messaging.create_channel_moderator(ChannelArn=channels[0], ChannelModeratorArn=bob, ChimeBearer=alice)
    world.messaging.create_channel_ban(ChannelArn=channels[1], MemberArn=carol, ChimeBearer=alice)
    sent = [world.send(channel, bob, f"{n}") for n in range(5) for channel in channels]
    world.messaging.delete_channel_message(ChannelArn=channels[0], MessageId=sent[4], ChimeBearer=alice)
    return users, channels


@pytest.mark.parametrize(("source", "target"), [("sqlite", "postgres"), ("postgres", "sqlite")])
def test_an_app_instance_goes_to_another_server_that_has_others(place, tmp_path, source, target):
    one, other = place(source), place(target)
    one.server.start()
    clients = Clients(one.server)
    world, neighbour = World(clients), World(clients)
    users, channels = build(world)
    secret = neighbour.user("mallory")
    neighbour.send(neighbour.channel(secret), secret, "not for others")
    expected = view(world, users, channels)
    archive = tmp_path / "archive"
    status, _, error = exported(one, world.app, archive)
    assert status == 0, error
    content = archive.read_bytes()
    for foreign in (neighbour.app.split("/")[-1], "not for others", "iam", "SecretAccessKey"):
        assert foreign.encode() not in content

    other.server.start()
    host = World(Clients(other.server))
    hosted = build(host)
    before = view(host, *hosted)
    if target == "sqlite":
        status, _, error = imported(other, archive)
        assert status == 1 and "in use" in error, error
        other.server.stop()
    status, said, error = imported(other, archive)
    assert (status, said) == (0, f"app instance {world.app}"), error
    state = other.verify()
    status, _, error = imported(other, archive)
    assert status == 1 and "there already" in error, error
    if target == "sqlite":
        assert other.verify() == state, "nothing of the second import"
        other.server.start()
    host, guest = world_of(other.server, host), world_of(other.server, world)
    assert view(guest, users, channels) == expected
    assert view(host, *hosted) == before
    apps = guest.identity.list_app_instances()["AppInstances"]
    assert {each["AppInstanceArn"] for each in apps} == {host.app, guest.app}

    alice, bob, carol = users
    guest.send(channels[0], bob, "here")
    assert guest.messages(channels[0], bob)[0] == "here"
    newcomer = guest.user("dave")
    guest.messaging.create_channel_membership(
        ChannelArn=channels[0], MemberArn=newcomer, Type="DEFAULT", ChimeBearer=alice)
    clock.advance(other.server, days=3)
    left = [each["AppInstanceUserArn"] for each in guest.identity.list_app_instance_users(
        AppInstanceArn=guest.app)["AppInstanceUsers"]]
    assert sorted(left) == sorted([alice, bob, newcomer]), "what was due later came with it: carol has expired"


def test_an_archive_that_is_not_whole_or_of_another_account_is_refused(place, tmp_path):
    one, other = place("sqlite"), place("sqlite")
    one.server.start()
    world = World(Clients(one.server))
    build(world)
    archive = tmp_path / "archive"
    assert exported(one, world.app, archive)[0] == 0
    status, _, error = exported(one, world.app, archive)
    assert status == 1 and "exists" in error, error
    missing = world.app[:-1] + ("0" if world.app[-1] != "0" else "1")
    status, _, error = exported(one, missing, tmp_path / "missing")
    assert status == 1 and "no app instance" in error and not (tmp_path / "missing").exists(), error
    whole = archive.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    for damaged in (whole[:-1], whole[:-70], whole[:40], bytes(flipped)):
        archive.write_bytes(damaged)
        status, _, error = imported(other, archive)
        assert status == 1 and "archive" in error, error
    archive.write_bytes(whole)
    config = tmp_path / "other.toml"
    config.write_text('account_id = "999999999999"\n')
    status, _, error = run("import-app-instance", *other.settings, "--config", config, "--from", archive)
    assert status == 1 and "another account" in error, error
    assert not (other.data_dir / "chime.db").exists()
    assert imported(other, archive)[0] == 0
