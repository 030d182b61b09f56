// Package memory is the reference adapter: it holds tables of canonical values and answers whatever it is asked to answer
// by lqp.Run itself. It serves as the oracle of tests, as the smallest example of an adapter, and as a source for data
// that a program already has in memory.
package memory
