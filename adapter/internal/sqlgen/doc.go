// Package sqlgen writes the SQL of a bound query for any dialect, and by trying to write it, decides what can be pushed.
//
// Planning and generating are one walk. An [Emitter] appends SQL for an expression or gives up with a reason; [Plan] runs
// the walk and throws the text away, [Compile] runs it and keeps it. A claim that a clause is pushed can therefore
// not drift from the statement that is sent. A [Dialect] says how columns are stored, how values are bound and which
// functions exist; everything about NULL, truth, contexts, sorting, paging, grouping, joining and nesting is here.
//
// No user-written text reaches the SQL: values are bound, identifiers come from the schema through one quoting function,
// and names of sources and result columns are replaced by generated ones.
package sqlgen
