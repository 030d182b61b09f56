package lqp

// Op is what a mutation does.
type Op string

// The operations, a closed set.
const (
	Insert Op = "insert"
	Update Op = "update"
	Delete Op = "delete"
	Upsert Op = "upsert"
)

// Mutation is one change to the rows of one table. Its rows are applied in order and together: all or none.
type Mutation struct {
	Op         Op
	Connection string // connection id, empty for the mini-DB
	Table      string
	Rows       []RowChange
	// Where selects the rows of an update or delete instead of naming them one by one; the values to set then stand in
	// the single element of Rows. AllRows must be true when Where is nil.
	Where   Expr
	AllRows bool
	// MaxAffected, when above zero, refuses the mutation if it would touch more rows.
	MaxAffected int
	// Key names the columns that an upsert matches on, the table's key when empty.
	Key []string
	// Reason is kept in the audit record, at most 500 code points.
	Reason string
	DryRun bool // check and report, change nothing
	// Partial carries out each of Rows that can be, in their order, and refuses the others one by one. Without it one row that
	// is refused refuses all. Where must be nil and AllRows false.
	Partial bool
}

// RowChange names one row and the values to give it.
type RowChange struct {
	// ID identifies the row: the row id in the mini-DB, else the key values in the order of Table.Key.
	ID []Value
	// Version is the version the writer has seen; 0 skips the check, so that the last writer wins, and is refused where the
	// table demands one and Overwrite is false.
	Version int64
	// Merge carries the change out although the row has another version by now, as long as the columns of Set were not given
	// other values meanwhile. Without it a row of another version refuses the change.
	Merge bool
	// Overwrite says that the writer wants to be the last one and to win. Version must be 0.
	Overwrite bool
	// Set lists the values by column; a column may occur once.
	Set []Assignment
}

// Assignment gives one column one value.
type Assignment struct {
	Column string // column id, or name before binding
	Value  Value
}
