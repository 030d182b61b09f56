package lqp

import "strings"

// Fact is what a source knows of a record itself, beside the values that people gave it: the meaning of a column such as
// its creation time. The zero Fact is none.
type Fact string

// The facts that functions of the record answer, each by its own name.
const (
	FactRecordID     Fact = "record_id"
	FactCreatedTime  Fact = "created_time"
	FactModifiedTime Fact = "last_modified_time"
	FactCreatedBy    Fact = "created_by"
	FactAutoNumber   Fact = "auto_number"
)

// RecordFunction is a function without arguments that answers a fact of the record: record_id(). It is no [Function]:
// [Bind] puts the column that holds the fact in the place of the call, and a source without such a column makes the call
// a problem.
type RecordFunction struct {
	Name string // lower case, as it stands in plans
	Fact Fact
	Doc  string // one sentence for people
}

var recordFunctions = []*RecordFunction{
	{"record_id", FactRecordID, "What identifies the record: its id, or the key of a table whose key is one column."},
	{"created_time", FactCreatedTime, "When the record was made."},
	{"last_modified_time", FactModifiedTime, "When the record was last changed."},
	{"created_by", FactCreatedBy, "Who made the record, NULL for the program itself."},
	{"auto_number", FactAutoNumber, "The number that the source gave the record when it was made."},
}

// RecordFunctions lists the functions of the record in the order in which documentation shows them.
func RecordFunctions() []*RecordFunction { return append([]*RecordFunction(nil), recordFunctions...) }

// LookupRecordFunction finds a function of the record by its lower-case name.
func LookupRecordFunction(name string) (*RecordFunction, bool) {
	for _, f := range recordFunctions {
		if f.Name == name {
			return f, true
		}
	}
	return nil, false
}

// record binds a call of a function of the record as the column that holds the fact; known is false for any other call.
func (x *exprBinder) record(c *Call, at *place) (bound Expr, known bool) {
	f, ok := LookupRecordFunction(strings.ToLower(c.Func))
	if !ok {
		return nil, false
	}
	if n := len(c.Args); n > 0 {
		x.report(c, at, CodeArgument, f.Name+" takes no arguments")
		return nil, true
	}
	holders := x.scope.holders(f.Fact)
	switch len(holders) {
	case 0:
		x.report(c, at, CodeUnknownFunction, "the source has no column that answers "+f.Name)
		return nil, true
	case 1:
		col := *holders[0]
		col.From, col.To = c.From, c.To
		return x.column(&col, at), true
	}
	names := make([]string, len(holders))
	for i, h := range holders {
		names[i] = h.Source + "." + h.Column
	}
	x.report(c, at, CodeAmbiguousColumn, f.Name+" may mean several columns; write "+strings.Join(names[:min(len(names), 3)], " or "))
	return nil, true
}

// holders lists the columns that hold the fact, one for each source that has one. Only visible columns do.
func (s Scope) holders(fact Fact) (cols []*Col) {
	for i := range s {
		if id := s[i].holder(fact); id != "" {
			cols = append(cols, Ref(s[i].Alias, id))
		}
	}
	return cols
}

// holder is the id of the column that holds the fact, empty when there is none. A key of one column identifies a record.
func (s *ScopeSource) holder(fact Fact) string {
	for i := range s.Columns {
		if s.Columns[i].Fact == fact {
			return s.Columns[i].ID
		}
	}
	if fact == FactRecordID && len(s.Key) == 1 {
		for i := range s.Columns {
			if s.Columns[i].ID == s.Key[0] {
				return s.Key[0]
			}
		}
	}
	return ""
}
