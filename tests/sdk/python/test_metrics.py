"""Dashboard and alert rules name only what a running server exports, and every alert has its entry in the runbook."""

import csv
import json
import re
from pathlib import Path

import pytest
import yaml

from harness.clients import Clients, refusal
from harness.exports import eventually, stream
from harness.server import ChimeServer
from harness.sockets import open_socket
from harness.world import World

ROOT = Path(__file__).resolve().parents[3]
DASHBOARD = json.loads((ROOT / "deploy/grafana/chime.json").read_text())
RULES = [rule for group in yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())["groups"]
         for rule in group["rules"]]
JOBS = {job["job_name"] for job in yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
        ["scrape_configs"]}
OPERATING = ROOT / "docs/operating.md"

OF_OTHERS = {"up", "probe_success", "probe_ssl_earliest_cert_expiry"}
"""Of Prometheus itself, and of the probes that deploy/prometheus sets up."""
OUTCOMES = {"ok", "refused", "throttled", "failed"}
WORDS = {"by", "without", "on", "ignoring", "group_left", "group_right", "and", "or", "unless", "offset", "bool"}
GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
MATCHERS = re.compile(r"\{([^}]*)\}")
MATCHER = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"')


def identifiers(expression):
    """The metrics that a PromQL expression names: every identifier that is no function, keyword, label or duration."""
    bare = GROUPING.sub(" ", MATCHERS.sub(" ", expression))
    bare = re.sub(r'"[^"]*"|\[[^\]]*\]|\$\w+', " ", bare)
    names = re.findall(r"(?<![\w.])[a-zA-Z_:][\w:]*(?!\w*\s*\()", bare)
    return {name for name in names if name not in WORDS}


def labels(expression):
    """The labels it matches with their values, and those it groups by."""
    matched = [pair for inside in MATCHERS.findall(expression) for pair in MATCHER.findall(inside)]
    grouped = {name.strip() for inside in GROUPING.findall(expression) for name in inside.split(",") if name.strip()}
    return matched, grouped


def expressions():
    """Every expression of dashboard and rules, with where it stands."""
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", []):
            yield f"panel {panel['title']}", target["expr"]
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["definition"]).groups()
            yield f"variable {variable['name']}", f"sum by ({label}) ({metric})"
    for rule in RULES:
        yield f"alert {rule['alert']}", rule["expr"]


EXPRESSIONS = list(expressions())


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Names of what a server exports after requests that pass and fail and a delivery, and the labels it gives."""
    server = ChimeServer(tmp_path_factory.mktemp("metrics") / "data", database="memory:").start()
    try:
        world = World(Clients(server))
        alice = world.user("alice")
        channel = world.channel(alice)
        socket = open_socket(server, alice)
        world.send(channel, alice)
        assert socket.frame().event == "CREATE_CHANNEL_MESSAGE"
        refusal(world.send, channel, world.user("bob"))
        stream(world, ChannelMessage="chime-messaging-metrics")
        text = eventually(lambda: "chime_export_oldest_seconds" in server.metrics() and server.metrics())
        socket.close()
    finally:
        server.stop()
    samples = re.findall(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? ", text, re.MULTILINE)
    given = {name for _, inside in samples for name, _ in MATCHER.findall(inside)}
    assert "chime_requests_total" in {name for name, _ in samples}, text
    return {name for name, _ in samples}, given


def test_the_reading_of_expressions_finds_metrics_and_nothing_else():
    expression = ('histogram_quantile(0.99, sum by (le, x) (rate(a_bucket{b="c", d!~"e.*"}[$__rate_interval]))) > 1e3\n'
                  ' and on (f) g:h / ignoring(i) j offset 5m or vector(0) unless time() - k < 14 * 86400')
    assert identifiers(expression) == {"a_bucket", "g:h", "j", "k"}
    assert labels(expression) == ([("b", "c"), ("d", "e.*")], {"le", "x", "f", "i"})


@pytest.mark.parametrize("where, expression", EXPRESSIONS, ids=[where for where, _ in EXPRESSIONS])
def test_it_names_only_what_the_server_exports(exported, where, expression):
    names, given = exported
    assert identifiers(expression), expression
    assert identifiers(expression) - names - OF_OTHERS == set()
    matched, grouped = labels(expression)
    assert {name for name, _ in matched} | grouped <= given | {"instance", "job", "le"}


@pytest.mark.parametrize("where, expression", EXPRESSIONS, ids=[where for where, _ in EXPRESSIONS])
def test_it_asks_for_values_that_there_are(where, expression):
    with open(ROOT / "tests/sdk/operations.tsv", newline="") as table:
        operations = {row["operation"] for row in csv.DictReader(table, delimiter="\t")}
    known = {"outcome": OUTCOMES, "operation": operations, "job": JOBS}
    for name, value in labels(expression)[0]:
        if name in known and not value.startswith("$"):
            assert any(re.fullmatch(value, each) for each in known[name]), (name, value)


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_an_alert_waits_says_how_bad_it_is_and_leads_to_its_entry_in_the_runbook(rule):
    assert re.fullmatch(r"\d+[mh]", rule["for"])
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"]["summary"]
    page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
    assert page == "docs/operating.md" and anchor == rule["alert"].lower()
    assert f"### {rule['alert']}\n" in OPERATING.read_text()


def test_the_runbook_has_no_entry_for_an_alert_that_is_gone():
    entries = re.findall(r"^### (Chime\w+)$", OPERATING.read_text(), re.MULTILINE)
    assert sorted(entries) == sorted(rule["alert"] for rule in RULES)


def test_panels_have_titles_and_room_of_their_own():
    taken, ids = set(), [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    for panel in DASHBOARD["panels"]:
        assert panel["title"]
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24 and not cells & taken, panel["title"]
        taken |= cells
