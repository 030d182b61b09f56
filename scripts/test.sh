#!/bin/sh
# What "make test" runs beside the database servers: every test with the race
# detector, and the conformance suites of adapters without it. Those ask one
# question after the other; the detector makes them ten times slower and has
# nothing to find there.
#
#	GO, RACE, PKG, ARGS   as in the Makefile
set -u
GO=${GO:-go} RACE=${RACE:-} PKG=${PKG:-./...} ARGS=${ARGS:-}

# shellcheck disable=SC2086 # the variables are lists of words
case " $RACE $ARGS " in
*" -race "*" -run"*|"  "*) # somebody knows what to run, or runs all of it in one go
	exec $GO test $RACE -timeout 30m $ARGS $PKG ;;
esac

status=0
# shellcheck disable=SC2086
$GO test $RACE -timeout 30m -skip 'Conformance$' $ARGS $PKG || status=$?
suites=$PKG
if [ "$PKG" = ./... ]; then
	suites=$(grep -rl --include='*_test.go' '^func Test[A-Za-z0-9]*Conformance(' . | xargs -n1 dirname | sort -u)
fi
# shellcheck disable=SC2086
$GO test -timeout 30m -run 'Conformance$' $ARGS $suites || status=$?
exit $status
