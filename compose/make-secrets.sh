#!/bin/sh
# Makes the passwords and tokens of this installation, each in a file of its own; what is there is kept.
# Containers read them as user 10001 (PostgreSQL and Redis: 999), so run this as root, or hand them over afterwards.
set -eu
umask 077
cd "$(dirname "$0")"
mkdir -p secrets

random() { head -c 32 /dev/urandom | base64 | tr -d '=\n' | tr '+/' '-_'; }

# make NAME OWNER VALUE
make() {
    if [ ! -s "secrets/$1" ]; then
        printf '%s\n' "$3" >"secrets/.$1"
        mv "secrets/.$1" "secrets/$1"
    fi
    if [ "$(id -u)" -eq 0 ]; then chown "$2" "secrets/$1"; fi
    chmod 440 "secrets/$1"
}

make postgres-password 999:10001 "$(random)"
make database-url 10001:10001 "postgresql+psycopg://ledger:$(cat secrets/postgres-password)@postgres:5432/ledger"
make orthanc-password 10001:10001 "$(random)"
make redis-password 10001:999 "$(random)"
make announcement-token 10001:10001 "$(random)"
make upload-token 10001:10001 "$(random)"
chmod 711 secrets

if [ "$(id -u)" -ne 0 ]; then
    echo "The files belong to you. As root: chown 10001:10001 secrets/* && chown 999:10001 secrets/postgres-password &&" >&2
    echo "chown 10001:999 secrets/redis-password, so that the containers can read them." >&2
fi
