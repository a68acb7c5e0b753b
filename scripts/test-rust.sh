#!/usr/bin/env bash
# Rust: all tests of the workspace, documentation examples included.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root"

if cargo nextest --version >/dev/null 2>&1; then
  cargo nextest run --workspace
  cargo test --workspace --doc
else
  cargo test --workspace
fi
