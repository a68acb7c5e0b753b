#!/usr/bin/env python3
"""Write the configuration reference, in Markdown, from the JSON Schema that `chime-server config schema` prints.

    chime-server config schema | scripts/config-reference.py > docs/configuration.md
"""

import json
import re
import sys

HEAD = """\
# Configuration

Made by `make config-reference` from `chime-server config schema`; do not edit it. A test compares it with the server.

A setting comes from a flag, else from its environment variable, else from the TOML file that `--config FILE` or
`CHIME_CONFIG` names, else it has its default. A setting with a dot stands in a section of the file: `throttle.burst` is
`burst` under `[throttle]`. Variables give lists separated by commas. Unknown variables that begin with `CHIME_` and
unknown keys of the file are errors. `chime-server serve --help` lists the flags, `chime-server config check` reads the
configuration without serving, and `chime-server config explain` prints what is in force and where it came from.

"""
VARIABLE = re.compile(r"\s*Variable: (CHIME_\w+)\.$")
BOUNDLESS = 2**63 - 1


def main():
    schema = json.load(sys.stdin)
    settings, sections, tables = [], {}, {}
    for name, member in schema["properties"].items():
        if member["type"] == "object":
            sections[name] = list(member["properties"].items())
        elif member["type"] == "array" and member["items"]["type"] == "object":
            tables[name] = member
        else:
            settings.append((name, member))
    parts = [HEAD, "## Settings without a section\n\n", *table("", settings)]
    for name, members in sections.items():
        parts += [f"\n## `[{name}]`\n\n", *table(f"{name}.", members)]
    for name, member in tables.items():
        parts += [f"\n## `[[{name}]]`\n\n", *array(member)]
    sys.stdout.write("".join(parts))


def table(prefix, members):
    yield "| setting and variable | value | default | meaning |\n| --- | --- | --- | --- |\n"
    for name, member in members:
        about, variable = split(member["description"])
        given = f"`{prefix}{name}`<br>`{variable}`"
        yield row(given, kind(member), default(member), about)


def array(member):
    required = member["items"].get("required", [])
    yield f"{member['description']} Only the file can hold them; the header may be repeated.\n\n"
    yield "| key | value | required | meaning |\n| --- | --- | --- | --- |\n"
    for name, each in member["items"]["properties"].items():
        yield row(f"`{name}`", kind(each), "yes" if name in required else "no", each["description"])


def row(*cells):
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |\n"


def split(description):
    """The meaning of a setting, and its variable."""
    found = VARIABLE.search(description)
    if not found:
        raise SystemExit(f"config-reference: no variable at the end of {description!r}")
    return description[:found.start()], found[1]


def kind(member):
    match member["type"]:
        case "string":
            return "text"
        case "boolean":
            return "`true` or `false`"
        case "array":
            return "list of texts"
        case "integer":
            least, most = member.get("minimum", 0), member.get("maximum", BOUNDLESS)
            return f"number from {least}" if most >= BOUNDLESS else f"number, {least} to {most}"
        case other:
            raise SystemExit(f"config-reference: settings of type {other} are not known")


def default(member):
    if "default" not in member:
        return "none"
    value = member["default"]
    return f"`{value}`" if isinstance(value, str) else f"`{json.dumps(value)}`"


if __name__ == "__main__":
    main()
