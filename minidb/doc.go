// Package minidb is the internal database: a catalogue of workspaces, bases, tables, columns, views, shares, connections
// and rules, user tables with versioned rows, and the log of every change, all in one [adapter.Store].
//
// A user table is a physical table whose columns are named by generated ids that never change, so that a logical query on
// it goes to the store as it is and a rename touches the catalogue only. Only another type of a column builds the physical
// table anew, under another name. Every verb and every [DB.Apply] is one write
// transaction that holds the change, its checks and one change-log entry for each changed thing; the log is therefore
// the audit trail and the outbox at once. Reading the log from a position ([DB.Changes], [DB.TableChanges]) shows every
// committed change once and in commit order.
//
// Formula, lookup, rollup and count columns are kept in the rows too. Whatever changes what they read changes them in the same
// transaction, in rows of other tables as well.
//
// The package knows versions, uniqueness and the guards it is handed; who may do what is decided by its caller.
package minidb
