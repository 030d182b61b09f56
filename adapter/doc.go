// Package adapter is the contract between the engine and the databases it reads and writes.
//
// An adapter author implements [Adapter]; the smallest correct one answers Plan with [ScanOnly] and delivers whole tables from
// Scan, by [Deliver] if the source can only be read: the engine filters, sorts, groups and joins what comes. Every clause an
// adapter does take must be answered exactly as lqp.Run would. Package adaptertest checks that claim and can be run by
// anybody on an adapter of their own. docs/adapters.md walks through writing one.
package adapter
