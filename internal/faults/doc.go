// Package faults lets the disk under a SQLite store fail while it is written to: input/output errors, no room, power
// failures. Then it looks for what was acknowledged and is lost, was refused and is there, or is there by half.
package faults
