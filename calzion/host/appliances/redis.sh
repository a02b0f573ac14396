#!/bin/sh
# Runs a redis server on the volume at /data. Usage: redis.sh REDIS_SERVER ADDRESS
# REDIS_PASSWORD: '' is none.
set -eu
server=$1 address=$2

exec 9>/data/.lock
flock -w 60 9 || {
	echo "another server still uses this volume" >&2
	exit 1
}

password=
if [ -n "${REDIS_PASSWORD:-}" ]; then
	escaped=$(printf %s "$REDIS_PASSWORD" | sed 's/[\\"]/\\&/g')
	password="requirepass \"$escaped\""
fi
unset REDIS_PASSWORD

exec "$server" - <<EOF
bind $address
port 6379
protected-mode no
dir /data
appendonly yes
daemonize no
$password
EOF
