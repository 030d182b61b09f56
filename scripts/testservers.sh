#!/usr/bin/env bash
# Installs what the tests need, on Debian 12 as root: the database servers, and
# the C compiler that Go's race detector wants.
#
#   scripts/testservers.sh            install what is missing
#   scripts/testservers.sh check      print what is missing, install nothing; status 1 if anything is
#
# PostgreSQL, MariaDB and Redis come from Debian 12 itself. MySQL and the
# DocumentDB extension (which FerretDB needs to answer MongoDB's protocol) are
# only in Debian sid, so they go into a directory tree of their own that is
# entered with chroot; the machine's own packages are not touched.
#
# This script only installs. Package internal/testenv starts and stops.
set -euo pipefail

# Keep in step with treeDir and binDir in internal/testenv/local.go.
home=${LIVETABLES_TEST_HOME:-/opt/livetables-test}
tree=$home/sid
bin=$home/bin
ferretdb_version=v2.7.0
versitygw_version=v1.8.0

debs="mariadb-server-core mariadb-client-core redis-server mmdebstrap debian-archive-keyring"
# Any version of these will do, wherever it comes from.
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || debs="postgresql $debs"
command -v gcc >/dev/null || debs="gcc libc6-dev $debs"
command -v make >/dev/null || debs="make $debs"

say() { printf 'testservers: %s\n' "$*" >&2; }

quietly() { # CMD...: its output only if it fails
	local log status=0
	log=$(mktemp)
	"$@" >"$log" 2>&1 || status=$?
	[ $status = 0 ] || cat "$log" >&2
	rm -f "$log"
	return $status
}

missing_debs() {
	local p
	for p in $debs; do
		dpkg-query -W -f '${db:Status-Status}\n' "$p" 2>/dev/null | grep -qx installed || printf '%s ' "$p"
	done
}
have_mysql() { [ -x "$tree/usr/sbin/mysqld" ]; }
have_documentdb() { ls "$tree"/usr/share/postgresql/*/extension/documentdb.control >/dev/null 2>&1; }
have_ferretdb() { [ -x "$bin/ferretdb" ]; }
have_versitygw() { [ -x "$bin/versitygw" ]; }

check() {
	local miss rc=0
	command -v dpkg-query >/dev/null || { say "not a Debian system"; return 1; }
	miss=$(missing_debs)
	[ -z "$miss" ] || { say "missing packages: $miss"; rc=1; }
	have_mysql || { say "missing MySQL in $tree"; rc=1; }
	have_documentdb || { say "missing DocumentDB in $tree"; rc=1; }
	have_ferretdb || { say "missing $bin/ferretdb"; rc=1; }
	have_versitygw || { say "missing $bin/versitygw"; rc=1; }
	return $rc
}

install_debs() {
	local miss policy=/usr/sbin/policy-rc.d
	miss=$(missing_debs)
	[ -n "$miss" ] || return 0
	say "apt-get install $miss"
	apt-get -qq update
	# Neither a system service nor a default PostgreSQL cluster is wanted.
	mkdir -p /etc/postgresql-common
	[ -e /etc/postgresql-common/createcluster.conf ] ||
		echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
	if [ ! -e $policy ]; then
		trap 'rm -f /usr/sbin/policy-rc.d' EXIT
		printf '#!/bin/sh\nexit 101\n' >$policy
		chmod +x $policy
	fi
	# shellcheck disable=SC2086 # a list of names
	quietly env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $miss
}

bootstrap() { # SUITE PACKAGES
	say "mmdebstrap $1 with $2 into $tree"
	rm -rf "$tree.part"
	# The packages are unpacked and not configured. Nothing of what their
	# scripts do is needed, and some do not run where /proc cannot be mounted,
	# such as in a container. base-files brings the top level, dash is the shell
	# that initdb calls.
	# A mirror's copy of a moving suite may be older than its Valid-Until date
	# allows; for throw-away test servers that is fine.
	quietly mmdebstrap --variant=extract \
		--aptopt='Acquire::Check-Valid-Until "false"' \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		--dpkgopt='path-exclude=/usr/lib/postgresql/*/lib/bitcode/*' \
		--include="base-files,dash,libc-bin,$2" "$1" "$tree.part" || return 1
	# What is needed after all: a name for the servers' user and for the machine,
	# and PostGIS, which DocumentDB requires and which only a link calls that.
	echo 'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin' >"$tree.part/etc/passwd"
	echo 'nogroup:x:65534:' >"$tree.part/etc/group"
	echo '127.0.0.1 localhost' >"$tree.part/etc/hosts"
	local control
	for control in "$tree.part"/usr/share/postgresql/*/extension/postgis-3.control; do
		[ ! -e "$control" ] || ln -sf postgis-3.control "${control%-3.control}.control"
	done
	# Where devices cannot be made, a file to write to has to do.
	[ -c "$tree.part/dev/null" ] || { : >"$tree.part/dev/null" && chmod 666 "$tree.part/dev/null"; }
	rm -rf "$tree"
	mv "$tree.part" "$tree"
}

install_tree() {
	have_mysql && have_documentdb && return 0
	# sid moves, and on a bad day one of the two cannot be installed. Half is
	# better than nothing; the tests that lack a server then say so.
	bootstrap sid mysql-server-core,postgresql-18-documentdb && return 0
	bootstrap sid mysql-server-core || bootstrap forky postgresql-18-documentdb || bootstrap sid postgresql-18-documentdb
}

go_install() { # PACKAGE VERSION
	say "go install ${1##*/} $2"
	mkdir -p "$bin"
	quietly env GOBIN="$bin" GOFLAGS='' GOWORK=off go install "$1@$2"
}

install_go_servers() {
	local rc=0
	have_ferretdb || go_install github.com/FerretDB/FerretDB/v2/cmd/ferretdb "$ferretdb_version" || rc=1
	# A gateway that serves a directory by the S3 protocol.
	have_versitygw || go_install github.com/versity/versitygw/cmd/versitygw "$versitygw_version" || rc=1
	return $rc
}

install() {
	if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
		say "this script needs Debian 12 and root. Elsewhere use Docker (docker compose -f deploy/compose.test.yml up -d),"
		say "or install PostgreSQL, MariaDB and Redis yourself; CONTRIBUTING.md lists the variables that name running servers."
		return 1
	fi
	mkdir -p "$home"
	exec 9>"$home/.lock" # two runs at once would tread on each other
	flock 9
	check 2>/dev/null && return 0
	local failed=''
	install_debs || failed="$failed packages"
	# They compile for minutes while the tree downloads.
	install_go_servers &
	local servers=$!
	install_tree || failed="$failed MySQL/DocumentDB"
	wait $servers || failed="$failed FerretDB/versitygw"
	[ -z "$failed" ] || { say "could not install:$failed"; return 1; }
	say "everything is installed"
}

case ${1:-install} in
install) install ;;
check) check ;;
*)
	sed -n '2,14s/^# \{0,1\}//p' "$0" >&2
	exit 2
	;;
esac
