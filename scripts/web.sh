#!/usr/bin/env bash
# Bundle the browser pages of the server, once for each state of their sources, and print the folder they are in: a build
# takes them from there by CHIME_WEB_DIR.
set -euo pipefail
. "$(dirname "$0")/env.sh"

for each in node npm; do
  if ! command -v "$each" >/dev/null; then
    echo "web: missing: $each (apt-get install --no-install-recommends nodejs npm)" >&2
    exit 1
  fi
done

packages=$cache/web-node-$(key "$web_dir/package-lock.json")

made "$packages" "what the browser pages are made of" npm_ci "$web_dir" "$packages"
if [ ! -d "$web_pages" ]; then
  ln -sfn "$packages/node_modules" "$web_dir/node_modules"
  half=$(mktemp -d "$cache/web-half-XXXXXX")
  trap 'rm -rf "$half"' EXIT
  node "$web_dir/build.mjs" "$half"
  chmod 755 "$half"
  mv -T "$half" "$web_pages" 2>/dev/null || [ -d "$web_pages" ] # somebody else was quicker
fi
echo "$web_pages"
