package lqp

// Query is one select block, its fields in the order in which they are evaluated. The zero Query is not valid: From is
// required.
//
// A user's query names things freely. [Bind] turns it into a bound query, in which
//   - every Source has a unique Alias and a Schema (or a bound nested Query);
//   - every Col names an alias and a column id, and every expression has its type;
//   - Compute is empty: computed columns have been put in the place of their names;
//   - Select is complete, in output order, with unique names;
//   - every OrderBy has explicit nulls, and Params are gone.
//
// Bound queries are immutable: rewriters copy what they change.
type Query struct {
	From    Source
	Joins   []Join
	Where   Expr // nil is true
	Compute []Named
	GroupBy []Named
	// Aggregates are computed per group; with aggregates and no GroupBy the whole input is one group.
	Aggregates []Aggregate
	Having     Expr
	// Select lists the output columns. Empty in a user's query means every column of every source and every computed
	// column, or every group key and aggregate.
	Select  []Named
	OrderBy []Order
	Page    Page
	Count   CountMode
	// TimeZone is the IANA zone of the date functions, empty for UTC.
	TimeZone string
}

// Source is what a block reads: a table of a connection, a table of the mini-DB (Connection is empty) or a nested query.
type Source struct {
	Connection string // connection id, empty for the mini-DB
	Table      string // Table.Name at that connection
	Query      *Query // nested query instead of a table
	Alias      string // name of the source inside its block, unique; default: the last part of Table
	Schema     *Table // set by Bind for a table
}

// JoinKind says which unmatched rows a join keeps.
type JoinKind string

// The join kinds. Right and full joins are done by the engine.
const (
	Inner JoinKind = "inner"
	Left  JoinKind = "left"
	Right JoinKind = "right"
	Full  JoinKind = "full"
)

// Join adds a source to the block: the rows so far are paired with its rows for which On is true.
type Join struct {
	Kind   JoinKind
	Source Source
	On     Expr
}

// Named is an expression with the name of its column in the output or in the scope of later clauses.
type Named struct {
	Name string
	Expr Expr
}

// Aggregate is a function of [Aggregates] over the rows of a group. Arg is nil for countall, which counts rows. Filter,
// when set, restricts the rows it sees.
type Aggregate struct {
	Name   string
	Func   string
	Arg    Expr
	Filter Expr
	// OrderBy is the order in which a function whose answer depends on it ([AggregateFunction.Ordered]) sees the rows of
	// the group. Bind sets it, to the record keys of the sources; it is empty for every other function.
	OrderBy []Order
	typ     Type
}

// Type is the aggregate's result type, known after Bind.
func (a Aggregate) Type() Type { return a.typ }

// NullOrder says where NULLs stand among the sorted values.
type NullOrder uint8

// The null orders. The default is that NULL is the smallest value: first ascending, last descending.
const (
	NullsDefault NullOrder = iota
	NullsFirst
	NullsLast
)

// Order is one sort key.
type Order struct {
	Expr  Expr
	Desc  bool
	Nulls NullOrder // never NullsDefault in a bound query
	// Whole compares texts over their whole length, beyond the [OrderPrefix] code points that sorting looks at otherwise.
	// OrderKey puts such keys last, to tell apart rows whose keys agree that far. No source sorts by them.
	Whole bool
	// Manual says that the order which people gave the rows of Expr's source is meant, and Expr only names that source. The engine sets
	// it and puts an expression of that order in the place of Expr.
	Manual bool
}

// Page bounds the result. Limit 0 means the caller's default in a user's query and no limit in a bound one.
type Page struct {
	Limit  int
	Offset int
	Cursor string // opaque token of the previous page, user queries only
	// After holds the sort-key values of the last row already seen, one for each OrderBy: only rows that sort after it
	// are wanted. Set by the engine from the cursor.
	After []Value
}

// CountMode asks for the count of all rows of the result, pages aside.
type CountMode string

// The count modes.
const (
	CountNone      CountMode = ""
	CountEstimated CountMode = "estimated"
	CountExact     CountMode = "exact"
)
