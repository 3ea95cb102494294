#!/usr/bin/env bash
# Brings the libraries of the pages from npm, as package-lock.json pins them, to appliance/web/static/lib.
# npm checks every package against its hash; no script of a package is run. Which registry is npm's own affair.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
project=$(cd "$here/../.." && pwd)
target="$project/appliance/web/static/lib"
stamp=$(cat "$here/package-lock.json" "$here/files.txt" | sha256sum | cut -d' ' -f1)

if [ "$(cat "$target/.stamp" 2>/dev/null)" = "$stamp" ] && [ -e "$project/build/axe.min.js" ]; then
    echo "   up to date"
    exit 0
fi
command -v npm >/dev/null || { echo "npm is missing (Debian: apt-get install npm)" >&2; exit 1; }
mkdir -p "$project/build"
work=$(mktemp -d "$project/build/npm.XXXXXX")
trap 'rm -rf "$work"' EXIT
cp "$here/package.json" "$here/package-lock.json" "$work/"
npm ci --prefix "$work" --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel error >/dev/null </dev/null
rm -rf "$target"
mkdir -p "$target"
grep -v '^#' "$here/files.txt" | while read -r source name; do
    cp "$work/node_modules/$source" "$target/$name"
done
cp "$work/node_modules/axe-core/axe.min.js" "$project/build/" # for the tests, never served
echo "$stamp" >"$target/.stamp"
echo "   done: $(grep -cv '^#' "$here/files.txt") files"
