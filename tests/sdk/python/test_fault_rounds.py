"""A few rounds of most faults, judged by what all clients saw. `make faults` runs all of them, and many rounds."""

import pytest

from harness.faults import FAULTS, Fault
from harness.site import POSTGRES, Site, Tally


@pytest.fixture(scope="module")
def sites(tmp_path_factory):
    """`sites(kind)`: one site of a kind at a time, until a round on it has failed."""
    running = {}

    def give(kind, *, spent=False):
        for one in [one for one in running if one != kind or spent]:
            running.pop(one).end()
        if kind not in running and not spent:
            directory = tmp_path_factory.mktemp("site")
            for parent in [directory, *directory.parents]:
                if parent.owner() == directory.owner() and str(parent) != "/tmp":
                    parent.chmod(0o755)
            running[kind] = Site(kind, directory)
        return running.get(kind)

    yield give
    for one in running.values():
        one.end()


def rounds(sites, fault, count):
    tally = Tally()
    try:
        for _ in range(count):
            sites(fault.kind).round(fault, tally)
    except BaseException:
        sites(fault.kind, spent=True)
        raise
    print(f"{fault.name} ({fault.kind}): {tally}")
    return tally


SHORT = sorted((one for one in FAULTS if one.short), key=lambda one: one.kind)


@pytest.mark.parametrize("fault", SHORT, ids=[f"{one.name} ({one.kind})" for one in SHORT])
def test_a_fault_loses_nothing_doubles_nothing_and_keeps_one_order(sites, fault):
    tally = rounds(sites, fault, fault.short)
    assert not tally.violations, "\n".join(str(one) for one in tally.violations[:20])
    assert tally.acknowledged and tally.listed and tally.heard


def test_a_message_that_is_removed_behind_the_servers_back_is_found_missing(sites):
    def remove(site, load):
        load.progress(5)
        site.postgres.psql(site.database, "DELETE FROM entry WHERE ctid IN (SELECT ctid FROM entry ORDER BY ctid DESC "
                                          "LIMIT 1)")

    tally = rounds(sites, Fault("removal", POSTGRES, remove, 1, 0), 1)
    sites(POSTGRES, spent=True)
    assert "nothing lost" in {one.claim for one in tally.violations}, tally.violations
