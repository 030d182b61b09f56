// Package kills looks for what a killed daemon loses: clients write to livetablesd, which is killed at random moments, again
// and again, and so is the database server where it keeps its data in one. Afterwards everything that was acknowledged must
// be there, once and whole, with its entries in the change log, and nothing may be there by half.
package kills
