// Package mongodb reads MongoDB databases: a schema inferred from a sample of each collection, plans pushed down as find
// and aggregate commands with the meaning of lqp, and documents decoded straight into canonical values or JSON.
//
// # Columns
//
// A document's fields become columns, fields of embedded documents under their dotted path ("address.city"). The type
// that at least nineteen of twenty sampled values have is the column's; a value of another type reads as NULL. Fields
// without such a type, arrays of documents and documents used as maps are columns of kind json, which lose nothing.
// Integers make a number, with Decimal128 among them too; doubles, with integers among them, make a float. Dates are
// datetimes, ObjectIds and UUIDs texts. Missing fields, null and undefined are NULL. Fields whose names are empty, start
// with $ or contain a dot are left out, and the table's comment says so.
//
// # Pushdown
//
// Any document may hold any type, so every pushed predicate guards its types: a value of another type, or an array where
// a scalar was expected, must be the NULL it reads as. A column compared with a constant, a list of them or the beginning
// of a text becomes operators on the bare field, which its index serves. Anything else becomes an expression ($expr) that
// the server evaluates for every document, provided that it computes the functions in it as we do: that is tried on the
// first connection, with rows that hold the edge cases (server 5.1 or later, as it takes $documents). Pushed so are
// comparisons, logic, IF, COALESCE, arithmetic but MOD, ROUND to a constant count of digits, texts by their code points,
// and the parts of dates in UTC; groups, aggregates, HAVING and sorts take the same expressions. Sums are those of
// Decimal128, never of doubles. Where its 34 digits do not suffice the server fails on purpose, and the engine computes.
//
// Pages of large collections are read in pieces: documents whose first sort key has a value in the order of the bare
// field, which an index gives, and those that count as NULL apart. Sorting by an _id of a type of its own uses its index
// when the server proves, at that moment, that every _id is of the column's type. All other sorts are made by keys that
// the server computes. A sort of arrays, joins, nested queries and what else cannot be exact stay with the engine. Texts
// are compared by the simple collation, whatever the collection's default is. One difference is known: texts of more than
// a million characters read as NULL and are filtered as texts.
//
// # Connections
//
// Connections are made from [adapter.Settings] alone: no URI, no SRV records, no certificate files, no cloud identities,
// no compression. They go to the one host named ("direct"), also when that is a member of a replica set: other members are
// not looked for, so failing over means naming another host. The user is looked up in the database admin, then in the
// database itself, by SCRAM. TLS is spoken by the adapter inside its own dialer, so that neither certificates nor
// revocation lists make the driver open connections of its own. The adapter sends nothing but reading commands. Read
// concern is the server's default (local): what was read may be rolled back with the member that had it. Read preference
// says nothing on a direct connection; naming a secondary reads from it, as late as it is. A page that is read in pieces
// is as many reads, each of which sees the documents as they are then.
//
// # What was proven where
//
// The package is tested with the official driver against FerretDB 2.7 on DocumentDB 1.0, which speak MongoDB's protocol,
// not against MongoDB itself. What only MongoDB has is used as its manual describes it: views, their collations and time
// series (read like collections, without key), retries after a fail-over, the server's own time limit. A server that
// cannot evaluate what was pushed answers with an error, upon which the engine computes it in memory
// ([adapter.ErrData]). In a sharded collection an _id is unique only where the cluster was told to keep it so.
package mongodb
