#!/usr/bin/env bash
# The long run of faults: `faults.sh ROUNDS [PART-OF-A-NAME...]`. Counts go to standard output, and what was violated.
# The server under test is CHIME_SERVER_BIN, else it is built here with the profile CHIME_SDK_PROFILE (dev).
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root"

if [ -z "${CHIME_SERVER_BIN:-}" ]; then
  profile=${CHIME_SDK_PROFILE:-dev}
  cargo build -p chime-server --bin chime-server --profile "$profile"
  CHIME_SERVER_BIN=$CARGO_TARGET_DIR/${profile/#dev/debug}/chime-server
fi
export CHIME_SERVER_BIN
exec "$venv_current/bin/python" "$python_dir/faults.py" "$@"
