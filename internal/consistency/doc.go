// Package consistency looks for stale reads and lost updates where several daemons share one database: clients read and write
// rows at all of them and write down what they saw and when. Registers, rows with a number and a version, must be
// linearizable: all operations fit into one order that agrees with the clock. Lists, to which numbers are appended, one or two
// lists at a time, must only grow, lose nothing and never be seen with half of an append.
//
// The check of registers is the one of Lowe, "Testing for linearizability" (2017), as package porcupine has it. That of lists
// follows the idea of Kingsbury and Alvaro, "Elle: Inferring Isolation Anomalies from Experimental Observations" (2020): a list
// that was read tells the order of all appends before it.
package consistency
