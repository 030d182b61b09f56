#!/bin/sh
# What "make test" runs beside the database servers: every test with the race
# detector; without it those that do one thing after the other, so that the
# detector makes them ten times slower and has nothing to find there; and
# without it once more, on PostgreSQL, the tests that run on both databases of
# internal/storetest.
#
#	GO, RACE, PKG, ARGS   as in the Makefile
set -u
GO=${GO:-go} RACE=${RACE:-} PKG=${PKG:-./...} ARGS=${ARGS:-}

# SQLite is translated from C, a hundred thousand lines that know no goroutines
# and of which the detector makes most of the time of all tests: it watches the
# driver and whoever calls it, not them.
case $RACE in
-race) RACE='-race -gcflags=github.com/ncruces/go-sqlite3-wasm/...=-race=false' ;;
esac

# Without the detector: the conformance suites of adapters, and two tests of
# packed and of large files in internal/tabular.
unwatched='Conformance$|^TestAttack50Workbooks$|^TestReadersHoldOneRecord$'

# shellcheck disable=SC2086 # the variables are lists of words
case " $RACE $ARGS " in
*" -race "*" -run"*|"  "*) # somebody knows what to run, or runs all of it in one go
	exec $GO test $RACE -timeout 30m $ARGS $PKG ;;
esac

status=0
both=
if [ "$PKG" = ./... ] && [ -z "${LIVETABLES_TEST_STORE:-}" ]; then
	both=$(grep -rlE --include='*_test.go' 'storetest\.(Main|Run|RunCentral)\(' . | xargs -n1 dirname | sort -u)
	export LIVETABLES_TEST_STORE=sqlite
fi
# shellcheck disable=SC2086
$GO test $RACE -timeout 30m -skip "$unwatched" $ARGS $PKG || status=$?
suites=$PKG
if [ "$PKG" = ./... ]; then
	suites=$(grep -rlE --include='*_test.go' '^func Test([A-Za-z0-9]*Conformance|Attack50Workbooks|ReadersHoldOneRecord)\(' . | xargs -n1 dirname | sort -u)
fi
# shellcheck disable=SC2086
$GO test -timeout 30m -run "$unwatched" $ARGS $suites || status=$?
if [ -n "$both" ]; then
	# shellcheck disable=SC2086
	LIVETABLES_TEST_STORE=postgres $GO test -timeout 30m $ARGS $both || status=$?
fi
exit $status
