#!/bin/sh
# Entry point of the service "postgres-recovery": waits for folders that "Postgres Point in Time" (Recovered By: Recovery Container) lays out below
# RECOVERY_ROOT, starts PostgreSQL in each, one at a time, and says in the file "status" how far it is:
#   taken, running, stopped, or failed and why.
# It needs the image of the same major version as the server that was backed up (postgres:15 for PostgreSQL 15), the same folder mounted
# under the same path as in n8n, and nothing else. It listens on RECOVERY_PORT, with the roles and passwords of the recovered server.
set -eu

RECOVERY_ROOT=${RECOVERY_ROOT:-/recovery}
RECOVERY_PORT=${RECOVERY_PORT:-5432}
RECOVERY_LISTEN=${RECOVERY_LISTEN:-*}
POSTGRES=${POSTGRES:-postgres}
server=
folder=

# As root the server runs as "postgres", by whichever tool the image has; it refuses root itself.
as_postgres() {
	if [ "$(id -u)" -ne 0 ]; then exec "$@"; fi
	for tool in gosu su-exec; do
		if command -v "$tool" >/dev/null 2>&1; then exec "$tool" postgres "$@"; fi
	done
	exec setpriv --reuid=postgres --regid=postgres --init-groups "$@"
}

say() {
	printf '%s\n' "$2" >"$1/status.new"
	mv "$1/status.new" "$1/status"
	printf '%s: %s\n' "$1" "$2"
}

stop_server() {
	if [ -n "$server" ]; then
		kill -INT "$server" 2>/dev/null || true
		wait "$server" || true
		server=
		say "$folder" stopped
	fi
}
trap 'stop_server; exit 0' TERM INT

major_of() {
	"$POSTGRES" --version | sed 's/^.*(PostgreSQL) \([0-9]*\).*$/\1/'
}

# Whether the server takes connections, by the file that it writes: the first line of postmaster.pid is its process, the eighth says "ready". A server that was
# killed leaves such a file behind.
is_ready() {
	[ "$(sed -n 1p "$1/data/postmaster.pid" 2>/dev/null || true)" = "$server" ] && [ "$(sed -n '8s/ *$//p' "$1/data/postmaster.pid" 2>/dev/null || true)" = ready ]
}

take() {
	folder=$1
	say "$folder" taken
	wanted=$(sed -n 's/^major=//p' "$folder/request")
	if [ "$wanted" != "$(major_of)" ]; then
		say "$folder" "failed this container has PostgreSQL $(major_of), and the base backup is of PostgreSQL $wanted"
		return
	fi
	mkdir -p "$folder/socket"
	touch "$folder/server.log"
	# The folder itself stays its maker's, who writes "stop" into it later on.
	if [ "$(id -u)" -eq 0 ]; then
		for part in data wal tablespaces socket server.log; do
			if [ -e "$folder/$part" ]; then chown -R postgres "$folder/$part"; fi
		done
	fi
	chmod 644 "$folder/server.log"
	(as_postgres "$POSTGRES" -D "$folder/data" -c "listen_addresses=$RECOVERY_LISTEN" -c "port=$RECOVERY_PORT" -c "unix_socket_directories=$folder/socket" >>"$folder/server.log" 2>&1) &
	server=$!
	running=
	while kill -0 "$server" 2>/dev/null; do
		if [ -e "$folder/stop" ]; then
			stop_server
			return
		fi
		if [ -z "$running" ] && is_ready "$folder"; then
			running=yes
			say "$folder" running
		fi
		sleep 0.5
	done
	wait "$server" || true
	server=
	say "$folder" "failed $(grep -E '(FATAL|PANIC):' "$folder/server.log" | grep -v 'database system is' | tail -n 1 | sed 's/^.*\(FATAL\|PANIC\): */\1: /' || true)"
}

# Who made the folder may be a user who cannot delete what belongs to the server.
clean() {
	grep -qs remove "$1/stop" || return 0
	[ -d "$1/data" ] || return 0
	rm -rf "$1/data" "$1/wal" "$1/tablespaces" "$1/socket" "$1/server.log"
	say "$1" removed
}

# What a container that was killed had taken is taken again: its server is gone, and its data folder starts like after a crash.
take_back() {
	case $(cat "$1/status" 2>/dev/null || true) in taken | running) ;; *) return 0 ;; esac
	pid=$(sed -n 1p "$1/data/postmaster.pid" 2>/dev/null || true)
	# One that has ended is there until its parent has noticed, and PostgreSQL would take it for alive.
	looks=0
	while [ -n "$pid" ] && [ "$looks" -lt 50 ] && grep -q '^State:[[:space:]]*[ZX]' "/proc/$pid/status" 2>/dev/null; do
		sleep 0.2
		looks=$((looks + 1))
	done
	if [ -n "$pid" ] && grep -q '^State:[[:space:]]*[^ZX[:space:]]' "/proc/$pid/status" 2>/dev/null; then
		if [ "$(cat "/proc/$pid/comm")" = postgres ]; then
			printf '%s: its server (process %s) runs without this one; stop it first\n' "$1" "$pid" >&2
			return 0
		fi
		# In a new container the number is another process, which PostgreSQL would take for its own.
		rm -f "$1/data/postmaster.pid"
	fi
	rm -f "$1/status"
	printf '%s: taken back\n' "$1"
}

for status in "$RECOVERY_ROOT"/status "$RECOVERY_ROOT"/*/status; do
	if [ -f "$status" ]; then take_back "$(dirname "$status")"; fi
done

while :; do
	for stop in "$RECOVERY_ROOT"/stop "$RECOVERY_ROOT"/*/stop; do
		if [ -f "$stop" ]; then clean "$(dirname "$stop")"; fi
	done
	for request in "$RECOVERY_ROOT"/request "$RECOVERY_ROOT"/*/request; do
		[ -f "$request" ] || continue
		found=$(dirname "$request")
		[ -e "$found/status" ] && continue
		[ -e "$found/stop" ] && continue
		take "$found"
	done
	sleep 1 &
	wait $! || true
done
