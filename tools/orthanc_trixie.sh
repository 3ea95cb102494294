#!/usr/bin/env bash
# Brings the Orthanc of another Debian release into build/orthanc-RELEASE, to run the tests on it: unpacked packages with
# their own loader and libraries, on this machine's network and files. Installs nothing, needs no root.
#
#   tools/orthanc_trixie.sh [RELEASE]     prints the folder; status 3 where the packages cannot be had (the reason on stderr)
#
# Then: ORTHANC_TREE=build/orthanc-trixie .venv/bin/python -m pytest -m orthanc
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly RELEASE="${1:-trixie}"
readonly PACKAGES=(orthanc orthanc-python orthanc-dicomweb)
readonly CANNOT_BE_HAD=3
tree="$PWD/build/orthanc-$RELEASE"
mkdir -p build

give_up() { printf 'no Orthanc of %s here: %s\n' "$RELEASE" "$*" >&2; exit "$CANNOT_BE_HAD"; }

works() { "$1/Orthanc" --version >/dev/null 2>&1; }

if works "$tree"; then
    printf '%s\n' "$tree"
    exit 0
fi

for program in apt-get dpkg dpkg-deb; do
    command -v "$program" >/dev/null || give_up "this machine has no $program"
done

# The mirror that this machine's own apt is set up with; a Debian of any release serves the others as well.
# shellcheck disable=SC2016  # apt expands it
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | sed -n 1p)
[ -n "$mirror" ] || give_up "apt knows no Debian mirror (apt-get update may help)"
keyring=$(find /usr/share/keyrings -name 'debian-archive-keyring.*' -print -quit)
[ -n "$keyring" ] || give_up "the keys of the Debian archive are not here (package debian-archive-keyring)"

draft=$(mktemp -d -- "$PWD/build/.orthanc-XXXXXX")
trap 'rm -rf -- "$draft"' EXIT
mkdir -p "$draft/apt"/{etc,lists/partial,cache/archives/partial} "$draft/tree"
: >"$draft/apt/status"
printf 'deb [signed-by=%s] %s %s main\n' "$keyring" "$mirror" "$RELEASE" >"$draft/apt/etc/sources.list"

# apt with lists, cache and an empty package database of its own
apt_of_release() {
    apt-get --quiet=2 \
        -o "Dir::Etc::SourceList=$draft/apt/etc/sources.list" -o "Dir::Etc::SourceParts=/dev/null" \
        -o "Dir::Etc::Preferences=/dev/null" -o "Dir::Etc::PreferencesParts=/dev/null" \
        -o "Dir::State::Status=$draft/apt/status" -o "Dir::State::Lists=$draft/apt/lists" \
        -o "Dir::Cache=$draft/apt/cache" -o "APT::Sandbox::User=$(id -un)" -o "Acquire::Languages=none" \
        -o "Acquire::Retries=2" "$@" </dev/null
}

log="$PWD/build/orthanc-$RELEASE.log"
apt_of_release update >"$log" 2>&1 || give_up "its package list cannot be fetched (see $log)"
apt_of_release install --download-only --yes --no-install-recommends "${PACKAGES[@]}" >>"$log" 2>&1 ||
    give_up "its packages cannot be fetched (see $log)"

# A release may have /lib as a link into /usr; a package that still carries /lib must not replace it.
mkdir -p "$draft/tree/usr"/{bin,sbin,lib,lib64}
for name in bin sbin lib lib64; do ln -s "usr/$name" "$draft/tree/$name"; done
for package in "$draft/apt/cache/archives"/*.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar -x -C "$draft/tree" --keep-directory-symlink --no-same-owner
done

in_tree() { (cd "$draft/tree" && find usr -path "$1" -print -quit); }
loader=$(in_tree 'usr/lib*/ld-linux-*.so.*')
libraries=$(dirname "$(in_tree 'usr/lib/*/libdcmdata.so.*')")
dictionary=$(in_tree 'usr/share/*/dicom.dic')
{ [ -n "$loader" ] && [ "$libraries" != . ]; } || give_up "its packages hold no loader or no DCMTK"

cat >"$draft/tree/Orthanc" <<END_OF_SCRIPT
#!/bin/sh
# Orthanc of Debian $RELEASE, with that release's loader, libraries, Python and DICOM dictionary.
tree=\$(CDPATH='' cd -- "\$(dirname -- "\$0")" && pwd)
export PYTHONHOME="\$tree/usr" DCMDICTPATH="\$tree/$dictionary"
unset PYTHONPATH
exec "\$tree/$loader" --library-path "\$tree/$libraries:\$tree/usr/lib" "\$tree/usr/sbin/Orthanc" "\$@"
END_OF_SCRIPT
chmod 755 "$draft/tree/Orthanc"
works "$draft/tree" || give_up "it does not run here: $("$draft/tree/Orthanc" --version 2>&1 | head -n 1)"

rm -rf -- "$tree"
mv -- "$draft/tree" "$tree"
printf '%s\n' "$tree"
