package lqp

// Row is one row of values by the place of their column.
type Row interface {
	// Value is the value in column i.
	Value(i int) Value
	// AppendJSON appends the value in column i to dst as canonical JSON. It equals Value(i).AppendJSON(dst).
	AppendJSON(dst []byte, i int) []byte
}
