// Package spill is temporary storage on disk for what queries do not hold in memory: encrypted, bounded, and gone when the
// query is.
package spill
