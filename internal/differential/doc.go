// Package differential compares the engines with each other by machine: it makes random tables, puts the same rows into
// every engine, asks random queries of all of them, each through the path that a user's query takes (rewrite, division,
// adapter), and holds every answer against the naive one of package plantest. What differs is made as small as it can be
// and kept as a seed, a file that holds tables, rows and query.
//
// docs/differential.md tells people how to run it and what is compared how.
package differential
