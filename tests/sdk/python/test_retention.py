"""Message retention: rules RET-*, by moving the test clock."""

import datetime

import pytest

from harness import clock
from harness.clients import BAD_REQUEST, NOT_FOUND, Clients, refusal, send
from harness.world import World


class Timeline:
    """One channel whose messages are dated by the test clock."""

    def __init__(self, server):
        self.server = server
        self.world = World(Clients(server))
        self.alice = self.world.user("alice")
        self.channel = self.world.channel(self.alice)

    def send(self, content):
        return self.world.send(self.channel, self.alice, content)

    def visible(self):
        return self.world.messages(self.channel, self.alice, SortOrder="ASCENDING")

    def keep(self, days):
        settings = {"ChannelRetentionSettings": {"RetentionDays": days} if days else {}}
        return self.world.identity.put_app_instance_retention_settings(
            AppInstanceArn=self.world.app, AppInstanceRetentionSettings=settings)

    def settings(self):
        return self.world.identity.get_app_instance_retention_settings(AppInstanceArn=self.world.app)

    def wait(self, **span):
        clock.advance(self.server, **span)


@pytest.fixture
def line(own_server):
    return Timeline(own_server)


def test_ret_01_and_08_put_and_get_answer_the_days_and_the_end_of_the_grace_period(line):
    put, got = line.keep(60), line.settings()
    for answer in (put, got):
        assert answer["AppInstanceRetentionSettings"] == {"ChannelRetentionSettings": {"RetentionDays": 60}}
    due = put["InitiateDeletionTimestamp"]
    assert due == got["InitiateDeletionTimestamp"]
    expected = clock.signing_now() + datetime.timedelta(days=30)
    assert abs((due - expected).total_seconds()) < 60


def test_ret_08_without_retention_there_is_no_deletion_timestamp(line):
    assert "InitiateDeletionTimestamp" not in line.settings()
    line.keep(60)
    assert "InitiateDeletionTimestamp" not in line.keep(None)
    assert "InitiateDeletionTimestamp" not in line.settings()
    assert not line.settings().get("AppInstanceRetentionSettings", {}).get("ChannelRetentionSettings", {}).get(
        "RetentionDays")


@pytest.mark.parametrize("days", [1, 5475])
def test_ret_02_one_day_and_fifteen_years_are_taken(line, days):
    assert line.keep(days)["AppInstanceRetentionSettings"]["ChannelRetentionSettings"]["RetentionDays"] == days


def test_ret_02_zero_days_and_5476_are_refused(server, root, world):
    from harness.clients import quoted, send

    for days in (0, 5476, -1):
        body = {"AppInstanceRetentionSettings": {"ChannelRetentionSettings": {"RetentionDays": days}}}
        answer = send(server, "PUT", f"/app-instances/{quoted(world.app)}/retention-settings", body)
        assert (answer.status, answer.error) == BAD_REQUEST, answer


def test_ret_03_and_07_messages_past_the_period_are_deleted_for_good_after_the_grace_period(line):
    old = line.send("old")
    line.wait(days=40)
    line.keep(30)
    line.wait(days=5)
    line.send("new")
    line.wait(days=26)
    assert line.visible() == ["new"]
    line.keep(None)
    assert line.visible() == ["new"], "the grace period of the setting ended a day ago: old cannot come back"
    assert refusal(line.world.message, line.channel, old, line.alice) == NOT_FOUND


def test_ret_03_messages_within_the_period_stay(line):
    line.send("young")
    line.keep(60)
    line.wait(days=59)
    assert line.visible() == ["young"]


def test_ret_04_set_update_and_disable_in_turn(line):
    assert line.keep(60)["AppInstanceRetentionSettings"]["ChannelRetentionSettings"] == {"RetentionDays": 60}
    assert line.keep(30)["AppInstanceRetentionSettings"]["ChannelRetentionSettings"] == {"RetentionDays": 30}
    assert not line.keep(None)["AppInstanceRetentionSettings"].get("ChannelRetentionSettings")


def test_ret_05_and_06_during_grace_old_messages_are_hidden_and_disabling_restores_them(line):
    message = line.send("old")
    line.wait(days=10)
    line.keep(5)
    assert line.visible() == []
    assert refusal(line.world.message, line.channel, message, line.alice) == NOT_FOUND
    line.wait(days=29)
    line.keep(None)
    assert line.visible() == ["old"]


def test_ret_06_extending_within_grace_restores_what_is_not_past_the_new_period(line):
    line.send("very old")
    line.wait(days=30)
    line.send("old")
    line.wait(days=10)
    line.keep(5)
    assert line.visible() == []
    line.wait(days=5)
    line.keep(20)
    assert line.visible() == ["old"]


def test_ret_07_after_grace_new_messages_are_deleted_as_soon_as_they_pass_the_period(line):
    line.keep(2)
    line.wait(days=31)
    line.send("short-lived")
    line.wait(days=1)
    assert line.visible() == ["short-lived"]
    line.wait(days=1, hours=1)
    assert line.visible() == []
    line.keep(None)
    assert line.visible() == []


def test_ret_10_shortening_again_restarts_the_thirty_days(line):
    line.send("old")
    line.wait(days=20)
    line.keep(10)
    line.wait(days=20)
    line.keep(5)
    line.wait(days=20)
    line.keep(None)
    assert line.visible() == ["old"], "40 days after the first setting, 20 after the second"


def test_ret_07_a_setting_survives_a_restart_and_still_deletes(line):
    line.send("old")
    line.wait(days=3)
    line.keep(1)
    line.server.stop()
    line.server.start()
    clock.follow(line.server)
    assert line.settings()["AppInstanceRetentionSettings"] == {"ChannelRetentionSettings": {"RetentionDays": 1}}
    # The restarted test clock may begin at real time again; 40 days later the deletion is due by either reading.
    line.wait(days=40)
    line.keep(None)
    assert line.visible() == []


def test_ret_03_retention_never_touches_another_app_instance(line):
    other = Timeline(line.server)
    other.send("kept")
    line.send("gone")
    line.keep(1)
    line.wait(days=40)
    assert line.visible() == []
    assert other.visible() == ["kept"]


def test_ret_04_a_client_can_page_while_messages_are_hidden(line):
    for n in range(5):
        line.send(f"old{n}")
    line.wait(days=3)
    for n in range(5):
        line.send(f"new{n}")
    line.keep(1)
    assert line.world.messages(line.channel, line.alice, SortOrder="ASCENDING", MaxResults=2) == [
        f"new{n}" for n in range(5)]


def test_ret_09_a_deleted_message_and_a_deleted_channel_stay_gone_whatever_retention_says(line):
    admin = line.world.admin()
    message = line.send("deleted")
    line.keep(60)
    line.world.messaging.delete_channel_message(ChannelArn=line.channel, MessageId=message, ChimeBearer=admin)
    line.keep(None)
    assert line.visible() == []
    assert refusal(line.world.message, line.channel, message, line.alice) == NOT_FOUND


def test_ret_11_the_retention_of_rooms_is_an_accounts_other_setting_and_never_touches_channels(line):
    """Its operations belong to Enterprise accounts and are not built: asking for them changes nothing here."""
    line.send("kept")
    line.keep(60)
    path = "/accounts/12345678-1234-1234-1234-123456789012/retention-settings"
    body = {"RetentionSettings": {"RoomRetentionSettings": {"RetentionDays": 1},
                                  "ConversationRetentionSettings": {"RetentionDays": 1}}}
    answer = send(line.server, "PUT", path, body)
    if answer.status == 404:
        assert answer.error == "UnknownOperationException"
    else:
        assert answer.status in (204, 403), answer
    line.wait(days=40)
    assert line.visible() == ["kept"]
    assert line.settings()["AppInstanceRetentionSettings"] == {"ChannelRetentionSettings": {"RetentionDays": 60}}
