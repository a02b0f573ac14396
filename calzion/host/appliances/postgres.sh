#!/bin/sh
# Runs a PostgreSQL server on the volume at /data. Usage: postgres.sh BIN ADDRESS
# POSTGRES_USER (a superuser), POSTGRES_PASSWORD, POSTGRES_DB; they are brought in line at every start.
set -eu
bin=$1 address=$2
user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}
password=${POSTGRES_PASSWORD:?a password is needed}
unset POSTGRES_USER POSTGRES_PASSWORD POSTGRES_DB
data=/data/postgres
new=/data/.new
TZ=UTC LC_ALL=C.UTF-8
export TZ LC_ALL

fail() {
	echo "$1" >&2
	exit 1
}

literal() { printf "'%s'" "$(printf %s "$1" | sed "s/'/''/g")"; }

identifier() { printf '"%s"' "$(printf %s "$1" | sed 's/"/""/g')"; }

case $user$database$password in
*'
'*) fail "the user, the password and the database must each be one line" ;;
esac

# The lock lasts as long as the server: nothing else may touch the volume, so that its pid file is stale.
exec 9>/data/.lock
flock -w 60 9 || fail "another server still uses this volume"

if [ ! -e "$data" ]; then
	rm -rf "$new"
	"$bin/initdb" --pgdata="$new" --username="$user" --auth=reject --encoding=UTF8 --locale=C.UTF-8 >/tmp/initdb.log 2>&1 || {
		cat /tmp/initdb.log >&2
		fail "the database could not be made"
	}
	cat >>"$new/postgresql.conf" <<-EOF
		shared_buffers = 64MB
		max_wal_size = 256MB
		huge_pages = off
		log_timezone = UTC
		timezone = UTC
	EOF
	mv "$new" "$data"
	sync
fi

wrote=$(cat "$data/PG_VERSION")
here=$("$bin/postgres" --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/')
[ "$wrote" = "$here" ] || fail "the volume was written by PostgreSQL $wrote and this is $here: dump it with $wrote and load the dump into a new volume"

rm -f "$data/postmaster.pid"
echo "host all all all scram-sha-256" >"$data/pg_hba.conf"

# A statement a line. Those that make what is there already fail, and are ignored.
role=$(identifier "$user")
"$bin/postgres" --single -D "$data" -c log_min_error_statement=panic -c log_min_messages=fatal postgres >/dev/null 2>/tmp/setup.log <<EOF || {
CREATE ROLE $role SUPERUSER LOGIN;
ALTER ROLE $role SUPERUSER LOGIN PASSWORD $(literal "$password");
CREATE DATABASE $(identifier "$database") OWNER $role;
EOF
	cat /tmp/setup.log >&2
	fail "the database could not be prepared"
}
unset password

exec "$bin/postgres" -D "$data" -c listen_addresses="$address" -c port=5432 -c unix_socket_directories= \
	-c hba_file="$data/pg_hba.conf"
