"""The configuration reference is what the server prints, and nothing that somebody wrote."""

import difflib
import os
import subprocess
import sys
from pathlib import Path

from harness.server import binary

ROOT = Path(__file__).resolve().parents[3]
REFERENCE = ROOT / "docs" / "configuration.md"


def config(command):
    """What `chime-server config COMMAND` prints where no variable sets anything."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CHIME_")}
    line = [binary(), "config", command]
    return subprocess.run(line, env=environment, check=True, capture_output=True, text=True).stdout


def rendered(text):
    command = [sys.executable, str(ROOT / "scripts" / "config-reference.py")]
    return subprocess.run(command, input=text, check=True, capture_output=True, text=True).stdout


def test_the_configuration_reference_is_that_of_this_server():
    ours, servers = REFERENCE.read_text().splitlines(), rendered(config("schema")).splitlines()
    difference = "\n".join(difflib.unified_diff(ours, servers, str(REFERENCE.name), "the server", lineterm="", n=0))
    assert not difference, f"run `make config-reference`\n{difference}"


def test_every_setting_that_config_explain_names_is_in_the_reference():
    explained = config("explain")
    named = [line.split(" = ")[0] for line in explained.splitlines() if not line.startswith(" ")]
    text = REFERENCE.read_text()
    assert len(named) > 30, explained
    assert [name for name in named if f"| `{name}`<br>" not in text] == []
