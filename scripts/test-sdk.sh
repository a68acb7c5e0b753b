#!/usr/bin/env bash
# Real clients against a real server. `test-sdk.sh` runs every suite and prints each one's closing line at the end;
# `test-sdk.sh SUITE...` runs some of: python faults cluster export legacy cli js browser meetings coverage. Fails if any fails.
# The server under test is CHIME_SERVER_BIN, else it is built here with the profile CHIME_SDK_PROFILE (dev).
set -uo pipefail
. "$(dirname "$0")/env.sh"
cd "$root" || exit 1

if [ -z "${CHIME_SERVER_BIN:-}" ]; then
  profile=${CHIME_SDK_PROFILE:-dev}
  cargo build -p chime-server --bin chime-server --profile "$profile" || exit 1
  CHIME_SERVER_BIN=$CARGO_TARGET_DIR/${profile/#dev/debug}/chime-server
fi
export CHIME_SERVER_BIN CHIME_MOTO_SERVER=$venv_servers/bin/moto_server

logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

pytest() { # pytest VENV ARGUMENTS...
  local venv=$1
  shift
  (cd "$python_dir" && exec "$venv/bin/python" -m pytest -p no:cacheprovider --color=no "$@")
}

# What must have the machine to itself: bursts, kills and disks would disturb the timing of the others.
alone=(test_throttling.py test_faults.py)
cluster=(test_cluster.py test_cluster_meetings.py test_fault_rounds.py)
exports=(test_export.py test_export_kinesis.py test_meeting_events.py)

suite_python() {
  "$venv_current/bin/ruff" check --quiet --no-cache "$root/tests/sdk" || return 1
  local others=("${alone[@]}" "${cluster[@]}" "${exports[@]}")
  pytest "$venv_current" -q -n 2 --dist loadfile "${others[@]/#/--ignore=}"
}
suite_faults() { pytest "$venv_current" -q "${alone[@]}"; }
suite_cluster() { pytest "$venv_current" -q "${cluster[@]}"; }
suite_export() { pytest "$venv_current" -q -n 2 --dist loadfile "${exports[@]}"; }
suite_legacy() { pytest "$venv_2020" -q; }
suite_cli() { AWS_CURRENT=$venv_current/bin/aws AWS_2020=$venv_2020/bin/aws tests/sdk/cli/run.sh; }
suite_js() { (cd "$js_dir" && exec node --no-warnings --test sdk.test.mjs); }
suite_browser() { (cd "$js_dir" && exec node --no-warnings --test browser.test.mjs); }
suite_meetings() { (cd "$js_dir" && exec node --no-warnings --test --test-concurrency=1 meetings.test.mjs replicas.test.mjs nodes.test.mjs); }
suite_coverage() { "$venv_current/bin/python" tests/sdk/coverage.py; }

suites=("$@")
if [ "${#suites[@]}" -eq 0 ]; then suites=(python faults cluster export legacy cli js browser meetings coverage); fi
status=0
summary=
for suite in "${suites[@]}"; do
  echo "== $suite"
  started=$SECONDS
  if "suite_$suite" 2>&1 | tee "$logs/$suite"; then verdict=ok; else verdict=FAILED status=1; fi
  case $suite in
    js | browser | meetings) closing=$(grep -E '^# (tests|pass|fail) ' "$logs/$suite" | tr -d '#' | paste -sd, -) ;;
    *) closing=$(grep -v '^ *$' "$logs/$suite" | tail -1) ;;
  esac
  summary+=$(printf '%-9s %-7s %4d s  %s' "$suite" "$verdict" $((SECONDS - started)) "$closing")$'\n'
done
printf '\nreal clients:\n%s' "$summary"
exit "$status"
