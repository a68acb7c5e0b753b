# Sourced by the other scripts: where things are kept. Everything that can be made again lives outside the checkout, so
# that a fresh clone on the same machine rebuilds nothing.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/chime
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target}

if ! command -v cargo >/dev/null && [ -x "$HOME/.cargo/bin/cargo" ]; then PATH=$HOME/.cargo/bin:$PATH; fi

# key FILE...: a name for what these files ask for, on this version of Python or Node
key() { { cat "$@"; python3 --version; node --version; } 2>/dev/null | sha256sum | cut -c1-16; }

python_dir=$root/tests/sdk/python
js_dir=$root/tests/sdk/js
venv_current=$cache/venv-$(key "$python_dir/requirements-current.txt")
venv_2020=$cache/venv-$(key "$python_dir/requirements-2020.txt")
venv_servers=$cache/venv-$(key "$python_dir/requirements-servers.txt")
node_dir=$cache/node-$(key "$js_dir/package-lock.json")

# The browser pages of the server, once scripts/web.sh has made them: the build takes them from there.
web_dir=$root/chime-server/web
web_pages=$cache/web-$(key "$web_dir"/*.{html,css,mjs} "$web_dir/package-lock.json")
if [ -d "$web_pages" ]; then export CHIME_WEB_DIR=$web_pages; fi

may_install() { [ "${CHIME_NO_INSTALL:-0}" != 1 ]; }

# made DIR WHAT COMMAND...: run the command once to fill DIR; a half-filled one is never taken for a whole one
made() {
  local dir=$1 what=$2
  shift 2
  if [ -e "$dir/.complete" ]; then return; fi
  if ! may_install; then
    echo "setup: $what is missing in $dir and may not be installed (CHIME_NO_INSTALL=1)" >&2
    exit 1
  fi
  echo "setup: installing $what" >&2
  rm -rf "$dir"
  mkdir -p "$dir"
  "$@"
  touch "$dir/.complete"
}

# npm_ci FROM DIR: the packages that the lock in FROM pins, in DIR
npm_ci() {
  cp "$1/package.json" "$1/package-lock.json" "$2/"
  npm ci --prefix "$2" --ignore-scripts --no-audit --no-fund --loglevel=error >&2
}
