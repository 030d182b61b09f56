// Package testenv gives tests a real database server: a fresh database per
// test, on a server that is looked for in this order:
//
//  1. the one named by LIVETABLES_TEST_<KIND>_URL;
//  2. a binary on this machine, started on a free loopback port in a
//     directory of its own, as nobody when the tests run as root;
//  3. a container, where "docker info" works.
//
// When there is none the test is skipped and says what to install. With CI set
// in the environment it fails instead, unless LIVETABLES_TEST_ALLOW_MISSING
// names the kind.
//
// A server started for a test process lives as long as that process and leaves
// nothing behind, however the process ends. "go test ./..." is one process per
// package, so the command in cmd/withservers starts every server once and
// hands the URLs to all of them.
//
// The servers started here are not in UTC and do not sort text by code point,
// since the databases people connect are not and do not either.
//
// Only tests, benchmarks and the tools that run them may import this package.
package testenv
