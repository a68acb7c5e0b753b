"""The long run: every fault in many rounds, its counts on standard output.

`faults.py ROUNDS [PART-OF-A-NAME...]`: kills get ROUNDS, other faults a share of it, at least one. A fault whose round
could not be finished gets a fresh site and goes on. Ends with 1 if anything was violated.
"""

import atexit
import contextlib
import random
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from harness.faults import FAULTS  # noqa: E402
from harness.history import Violation  # noqa: E402
from harness.site import CLUSTER, NOTIFY, POSTGRES, SMALL, SQLITE, Site, Tally  # noqa: E402


def run(fault, rounds, site_of):
    """All rounds of one fault."""
    tally = Tally()
    for n in range(rounds):
        found = len(tally.violations)
        try:
            site_of().round(fault, tally)
        except Exception as error:
            traceback.print_exc(file=sys.stdout)
            tally.violations.append(Violation("the round ends", f"{type(error).__name__}: {str(error)[:600]}"))
            site_of(fresh=True)
        for violation in tally.violations[found:][:20]:
            print(f"  round {n}: {violation}", flush=True)
    return tally


class Sites:
    """One site at a time, in a directory of its own."""

    def __init__(self, kind):
        self.kind, self.site, self.stack = kind, None, None

    def of(self, fresh=False):
        if fresh or self.site is None:
            self.end()
            self.stack = contextlib.ExitStack()
            directory = Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="chime-faults-")))
            directory.chmod(0o755)
            self.site = self.stack.enter_context(Site(self.kind, directory))
        return self.site

    def end(self):
        if self.stack is not None:
            self.stack.close()
        self.site = self.stack = None


def main(rounds, *parts):
    seed = time.time_ns() % 1_000_000
    random.seed(seed)
    print(f"seed {seed}", flush=True)
    violated = 0
    for kind in (SQLITE, POSTGRES, SMALL, NOTIFY, CLUSTER):
        sites = Sites(kind)
        atexit.register(sites.end)
        chosen = [one for one in FAULTS if one.kind == kind and (not parts or any(part in one.name for part in parts))]
        for fault in chosen:
            began = time.monotonic()
            tally = run(fault, max(1, round(int(rounds) * fault.share)), sites.of)
            print(f"{fault.name} ({kind}): {tally} [{time.monotonic() - began:.0f} s]", flush=True)
            violated += len(tally.violations)
        if chosen:
            tally = Tally()
            sites.of().archived(tally)
            print(f"all {len(sites.site.archive)} channels listed once more ({kind}): "
                  f"{len(tally.violations)} changed", flush=True)
            violated += len(tally.violations)
        sites.end()
    print("nothing was violated" if not violated else f"violations: {violated}", flush=True)
    return 1 if violated else 0


def ended(*_):
    """Ends by SystemExit, so that the servers are ended too."""
    sys.exit(2)


if __name__ == "__main__":
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, ended)
    sys.exit(main(*(sys.argv[1:] or ["100"])))
