#!/usr/bin/env bash
# Brings the libraries of the pages from npm, as package-lock.json pins them, to appliance/web/static/lib, and the build of
# OHIF to appliance/web/viewer/dist. Of OHIF the lock names the package alone: its build holds all that it depends on.
# npm checks every package against its hash; no script of a package is run. Which registry is npm's own affair.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
project=$(cd "$here/../.." && pwd)
target="$project/appliance/web/static/lib"
viewer="$project/appliance/web/viewer/dist"
stamp=$(cat "$here/package-lock.json" "$here/files.txt" "$here/fetch.sh" | sha256sum | cut -d' ' -f1)

if [ "$(cat "$target/.stamp" 2>/dev/null)" = "$stamp" ] && [ -e "$project/build/axe.min.js" ] && [ -d "$viewer" ]; then
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
# left out: what developers read, models that run in the browser, the microscope, icons, other ways to start and log in
rm -rf "$viewer"
mkdir -p "$viewer"
tar --create --directory "$work/node_modules/@ohif/app/dist" --exclude='*.map' --exclude=./ort \
    --exclude=./dicom-microscopy-viewer --exclude=./customizations --exclude='apple-touch-*' \
    --exclude=./app-config.js --exclude=./sw.js --exclude=./init-service-worker.js --exclude=./google.js \
    --exclude='./*.html' --exclude='oidc-client*' --exclude=./serve.json --exclude='./_*' . |
    tar --extract --directory "$viewer" --no-same-owner
cp "$work/node_modules/@ohif/app/LICENSE" "$viewer/LICENSE.txt"
find "$viewer" -type f \( -name '*.js' -o -name '*.css' -o -name '*.wasm' \) -size +4k -exec gzip --best --no-name --keep {} +
echo "$stamp" >"$target/.stamp"
echo "   done: $(grep -cv '^#' "$here/files.txt") files and the viewer"
