#!/usr/bin/env bash
# Install what building (`setup.sh run`) or testing (`setup.sh test`) needs, and only what is missing. Where it may not
# install (not root, or CHIME_NO_INSTALL=1), it says exactly what is missing and fails.
set -euo pipefail
. "$(dirname "$0")/env.sh"

purpose=${1:-test}
missing=()

# need PACKAGE COMMAND...: the Debian package that brings any of these commands
need() {
  local package=$1 each
  shift
  for each; do if command -v "$each" >/dev/null; then return; fi; done
  missing+=("$package")
}

need build-essential cc
need pkg-config pkg-config
need cmake cmake
need nodejs node
if command -v node >/dev/null && ! command -v npm >/dev/null; then missing+=(npm); fi
if [ "$purpose" = test ]; then
  need curl curl
  need openssl openssl
  need python3 python3
  need chromium chromium chromium-browser
  need libnss3-tools certutil
  need procps pgrep
  need util-linux flock
  if ! compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null; then missing+=(postgresql); fi
  need nats-server nats-server
  if command -v python3 >/dev/null && ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
    missing+=(python3-venv)
  fi
fi
if [ -n "${CHIME_CHROMIUM:-}" ]; then missing=("${missing[@]/#chromium/}"); fi
wanted=()
for each in "${missing[@]}"; do if [ -n "$each" ]; then wanted+=("$each"); fi; done

if [ "${#wanted[@]}" -gt 0 ]; then
  if may_install && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "setup: installing ${wanted[*]}"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${wanted[@]}" >/dev/null
  else
    echo "setup: these Debian packages are missing and may not be installed from here: ${wanted[*]}" >&2
    echo "setup: run as root: apt-get install --no-install-recommends ${wanted[*]}" >&2
    exit 1
  fi
fi

if ! command -v cargo >/dev/null; then
  echo "setup: cargo is missing: install rustup and its stable toolchain first" >&2
  exit 1
fi
"$root/scripts/web.sh" >/dev/null
if [ "$purpose" = run ]; then exit 0; fi

for component in clippy rustfmt; do
  if cargo "${component/rustfmt/fmt}" --version >/dev/null 2>&1; then continue; fi
  if may_install && command -v rustup >/dev/null; then
    rustup component add "$component"
  else
    echo "setup: the Rust component $component is missing: rustup component add $component" >&2
    exit 1
  fi
done

fill_venv() { # fill_venv DIR REQUIREMENTS: the files pin everything, so nothing is resolved
  python3 -m venv "$1"
  "$1/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$2"
}

made "$venv_current" "today's Python clients" fill_venv "$venv_current" "$python_dir/requirements-current.txt"
made "$venv_2020" "the Python clients of December 2020" fill_venv "$venv_2020" "$python_dir/requirements-2020.txt"
made "$venv_servers" "moto, whose Kinesis streaming export is tested against" fill_venv "$venv_servers" "$python_dir/requirements-servers.txt"
made "$node_dir" "the JavaScript clients" npm_ci "$js_dir" "$node_dir"
ln -sfn "$node_dir/node_modules" "$js_dir/node_modules"
