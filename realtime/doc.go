// Package realtime carries committed changes to whoever is subscribed.
//
// A [Broker] moves [Event]s between instances and goroutines. It may lose or repeat events without harm: the change log
// in the database is the truth, offsets are dense, and a subscriber that finds a gap reads the log.
package realtime
