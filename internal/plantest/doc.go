// Package plantest makes random tables and random queries over them, and answers queries as naively as can be: by nested
// loops and full sorts. The tests of whatever plans or runs queries compare themselves with it.
package plantest
