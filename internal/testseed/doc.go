// Package testseed gives a random test its seed: the same one in every run, another one on demand, and always one that is
// written down.
//
// A test that draws a new seed each time fails now and then for what it finds in code that nobody changed. That is a good
// find and a bad gate: so tests of a change repeat the same cases, and exploring is a run of its own ("make explore", and the
// campaigns, each with seeds of its own). docs/decisions/0051-seeds-of-tests.md has the reasons.
package testseed
