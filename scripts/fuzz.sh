#!/usr/bin/env bash
# Every fuzz target for FUZZ_SECONDS (60) each. Needs cargo-fuzz and a nightly toolchain.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root/tests"

if ! cargo +nightly fuzz --version >/dev/null 2>&1; then
  echo "fuzz: missing: rustup toolchain install nightly && cargo install cargo-fuzz" >&2
  exit 1
fi
for target in $(cargo +nightly fuzz list --fuzz-dir fuzz); do
  echo "== $target"
  cargo +nightly fuzz run --fuzz-dir fuzz "$target" -- "-max_total_time=${FUZZ_SECONDS:-60}" -rss_limit_mb=2048
done
