#!/usr/bin/env bash
# Sets the appliance up: system packages where missing, the Python environment in .venv, models and sample studies.
# Changes nothing outside this folder and its state directory except to install the packages that it names.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

readonly MINIMUM_PYTHON="3.11"
with_tests=no
with_models=yes

usage() {
    cat <<'END'
Usage: ./setup.sh [--tests] [--without-models]

  --tests            also what the tests need (DICOM validators, test libraries)
  --without-models   leave out the weights of the models and the sample studies

Environment: PYTHON names the interpreter to use (3.11 or later); PIP_* variables reach pip.
END
}

while [ $# -gt 0 ]; do
    case "$1" in
        --tests) with_tests=yes ;;
        --without-models) with_models=no ;;
        -h | --help) usage; exit 0 ;;
        *) usage >&2; exit 2 ;;
    esac
    shift
done

step() { printf '\n== %s\n' "$*"; }
note() { printf '   %s\n' "$*"; }
stop_with() { printf '\nSet-up stopped: %s\n' "$1" >&2; shift; for line in "$@"; do printf '  %s\n' "$line" >&2; done; exit 1; }

# ---------------------------------------------------------------- system packages

has_program() { PATH="$PATH:/usr/sbin:/usr/local/sbin" command -v "$1" >/dev/null 2>&1; }

has_plugin() {
    local folder
    for folder in /usr/share/orthanc/plugins /usr/lib/orthanc/plugins /usr/local/share/orthanc/plugins; do
        [ -e "$folder/$1" ] && return 0
    done
    return 1
}

has_postgresql() { compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || has_program initdb; }

find_python() {
    local candidate
    for candidate in "${PYTHON:-}" python3 python3.13 python3.12 python3.11 /usr/bin/python3; do
        [ -n "$candidate" ] || continue
        if "$candidate" -c "import sys, venv, ensurepip; sys.exit(sys.version_info < tuple(map(int, '$MINIMUM_PYTHON'.split('.'))))" \
            >/dev/null 2>&1; then
            printf '%s' "$candidate"
            return 0
        fi
    done
    return 1
}

missing_packages() {
    has_program Orthanc || echo orthanc
    has_plugin libOrthancPython.so || echo orthanc-python
    has_plugin libOrthancDicomWeb.so || echo orthanc-dicomweb
    has_program redis-server || echo redis-server
    has_program dcmsend || echo dcmtk
    has_program npm || echo npm
    find_python >/dev/null || printf '%s\n' python3 python3-venv
    if [ "$with_models" = yes ]; then
        [ -e /usr/share/mricron/templates/ch2.nii.gz ] || echo mricron-data
    fi
    if [ "$with_tests" = yes ]; then
        has_program dciodvfy || echo dicom3tools
        has_program chromium || echo chromium
        has_program DicomSRValidator || echo pixelmed-apps
        has_postgresql || echo postgresql
    fi
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

may_become_root() {
    [ "$(id -u)" -eq 0 ] || { has_program sudo && sudo -n true >/dev/null 2>&1; }
}

# The distribution starts a service when its package is installed, and again at boot. This node brings its own up, with
# its own configuration: a policy file keeps the new services still while apt runs, and they are disabled afterwards.
readonly POLICY=/usr/sbin/policy-rc.d
policy_is_ours=no

forbid_service_starts() {
    [ -e "$POLICY" ] && return 0
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$POLICY" >/dev/null
    policy_is_ours=yes
    as_root chmod 755 "$POLICY"
}

allow_service_starts() {
    [ "$policy_is_ours" = yes ] || return 0
    as_root rm -f "$POLICY"
    policy_is_ours=no
}

leave_disabled() {
    local package
    has_program systemctl || return 0
    for package in "$@"; do
        case "$package" in
            orthanc | redis-server | postgresql) as_root systemctl disable --quiet "$package" >/dev/null 2>&1 || true ;;
        esac
    done
}

install_packages() {
    local line="apt-get install --no-install-recommends $*"
    has_program apt-get || stop_with "these programs are missing: $*" \
        "This machine has no apt-get; install their counterparts, then run this again."
    may_become_root || stop_with "these system packages are missing: $*" \
        "Run as root:  $line" "then run this again."
    note "installing: $*"
    trap allow_service_starts EXIT
    forbid_service_starts
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update --quiet=2 </dev/null ||
        note "the package lists could not be refreshed; trying with those that are here"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet=2 --no-install-recommends "$@" \
        </dev/null >"$log" 2>&1 || {
        tail -n 15 "$log" >&2
        stop_with "apt could not install: $*" "Run as root:  $line" "The whole output is in $log."
    }
    leave_disabled "$@"
    allow_service_starts
}

set_up_system() {
    step "System packages"
    local missing
    mapfile -t missing < <(missing_packages)
    if [ ${#missing[@]} -eq 0 ]; then
        note "all here"
        return
    fi
    install_packages "${missing[@]}"
    mapfile -t missing < <(missing_packages)
    [ ${#missing[@]} -eq 0 ] || stop_with "still missing after apt: ${missing[*]}" \
        "If Python is named: this system's python3 is older than $MINIMUM_PYTHON; set PYTHON to a newer one."
}

# ---------------------------------------------------------------- Python environment

# The stamp says for which lock file, interpreter and folder .venv was made; the same stamp means nothing to do.
stamp_of() { { cat "$1" pyproject.toml; "$2" --version; pwd; } | sha256sum | cut -d' ' -f1; }

# An environment knows its own path: one that was moved or copied here is made anew.
venv_is_usable() { grep -qsF "$PWD/.venv" .venv/bin/activate && .venv/bin/python -c 'import pip' >/dev/null 2>&1; }

install_locked() {
    local lock="$1" total
    total=$(grep -c '^[a-zA-Z0-9]' "$lock")
    note "installing $total locked packages (some are large; this takes minutes the first time)"
    # one line per package, so that it is seen to go on
    if ! .venv/bin/python -m pip install --no-input --disable-pip-version-check --require-hashes --requirement "$lock" \
        </dev/null 2>&1 | tee "$log" |
        awk -v total="$total" '/^Collecting/ { n++; if (n % 10 == 0) { printf "   %d of %d\n", n, total; fflush() } }'
    then
        grep -E '^ERROR' "$log" | head -n 5 >&2 || true
        stop_with "pip could not install $lock" "Check the network or the package index (PIP_INDEX_URL)." \
            "The whole output is in $log."
    fi
}

set_up_python() {
    step "Python environment (.venv)"
    local lock=locks/runtime.txt python stamp
    [ "$with_tests" = no ] || lock=locks/test.txt
    python=$(find_python) || stop_with "Python $MINIMUM_PYTHON or later with its venv module is missing" \
        "Run as root:  apt-get install python3 python3-venv" "or set PYTHON to such an interpreter."
    stamp=$(stamp_of "$lock" "$python")
    if [ -x .venv/bin/appliance ] && grep -qsx "$stamp" .venv/appliance-stamps; then
        note "up to date"
        return
    fi
    if ! venv_is_usable; then
        note "making .venv with $("$python" --version)"
        "$python" -m venv --clear .venv
    fi
    install_locked "$lock"
    .venv/bin/python -m pip install --no-input --disable-pip-version-check --quiet --no-deps --no-build-isolation --editable . \
        </dev/null >>"$log" 2>&1 || stop_with "the appliance itself could not be installed into .venv" "See $log."
    echo "$stamp" >>.venv/appliance-stamps
    note "done: .venv/bin/appliance"
}

# ---------------------------------------------------------------- libraries of the pages

set_up_pages() {
    step "Libraries of the pages (npm)"
    packaging/npm/fetch.sh 2>>"$log" || stop_with "npm could not bring the libraries of the pages" \
        "Check the network or npm's registry (npm config get registry)." "The whole output is in $log."
}

say_about_gpu() {
    has_program nvidia-smi && nvidia-smi >/dev/null 2>&1 || return 0
    note "a GPU is here, and is not used: this set-up installs the CPU build of ONNX Runtime"
}

# ---------------------------------------------------------------- models and samples

pull() {
    local what="$1"
    shift
    if ! .venv/bin/appliance "$@" </dev/null; then
        note "not complete: $what. The node runs with what it has; try again with: .venv/bin/appliance $*"
    fi
}

set_up_models() {
    [ "$with_models" = yes ] || return 0
    step "Models (weights come from their publishers, checked against the recipes)"
    pull "models" models pull
    step "Sample studies"
    pull "sample studies" samples pull
}

mkdir -p build
readonly log="$PWD/build/setup.log"
set_up_system
set_up_python
set_up_pages
say_about_gpu
set_up_models
step "Set-up is complete"
