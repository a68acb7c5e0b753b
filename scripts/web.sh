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

web=$root/chime-server/web
packages=$cache/web-node-$(key "$web/package-lock.json")
pages=$cache/web-$(key "$web"/*.{html,css,mjs} "$web/package-lock.json")

made "$packages" "what the browser pages are made of" npm_ci "$web" "$packages"
if [ ! -d "$pages" ]; then
  ln -sfn "$packages/node_modules" "$web/node_modules"
  half=$(mktemp -d "$cache/web-half-XXXXXX")
  trap 'rm -rf "$half"' EXIT
  node "$web/build.mjs" "$half"
  chmod 755 "$half"
  mv -T "$half" "$pages" 2>/dev/null || [ -d "$pages" ] # somebody else was quicker
fi
echo "$pages"
