package minidb

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/livetables/livetables/lqp"
)

// The errors of the mini-DB, wrapped with operation and object.
var (
	// ErrNotFound: there is no such workspace, resource or row, or the guard hides it.
	ErrNotFound = errors.New("not found")
	// ErrExists: the name, the slug or the row id is taken.
	ErrExists = errors.New("already exists")
	// ErrLastOwner: the change would leave a workspace without an owner.
	ErrLastOwner = errors.New("a workspace needs an owner")
	// ErrForbidden: the guard refuses the change of a row that it shows.
	ErrForbidden = errors.New("not allowed")
	// ErrVersionRequired: the guard demands the version that the writer has seen, and none was given.
	ErrVersionRequired = errors.New("the row's version is required")
	// ErrSchemaChanged: the table's columns or the policy were changed after the write was planned. Plan it again.
	ErrSchemaChanged = errors.New("the table or its rules changed meanwhile")
	// ErrTypeChange: an update does not change the type of a column or its number of decimals; DB.ChangeType does.
	ErrTypeChange = errors.New("the type of a column is changed by a migration, not by an update")
	// ErrInUse: the choice is still the value of rows.
	ErrInUse = errors.New("in use")
	// ErrNotEmpty: the project still has bases.
	ErrNotEmpty = errors.New("not empty")
	// ErrArchived: the table is archived; it is neither read nor written nor changed until it is restored.
	ErrArchived = errors.New("the table is archived")
	// ErrRuleOfRows: a rule asks for what a copied row does not keep, so that the copy could show more than the original.
	ErrRuleOfRows = errors.New("a rule asks for the id or the version of rows, which a copy does not keep")
	// ErrLimit: a bound is exceeded; errors.As finds the *LimitError that names it.
	ErrLimit = errors.New("limit exceeded")
	// ErrNewerDatabase: the database was written by a later release.
	ErrNewerDatabase = errors.New("the database was written by a newer release")
)

// VersionError reports that a resource has another version than the writer has seen.
type VersionError struct {
	Current int64 // the version it has now
}

// Error implements error.
func (e *VersionError) Error() string {
	return "changed meanwhile: the version is now " + strconv.FormatInt(e.Current, 10)
}

// ConflictError reports that a row has another version than the writer has seen and that the change was not merged with it.
// It is told only of rows that the guard lets the writer read, or did when they were deleted.
type ConflictError struct {
	Write    int    // of the mutation in its Apply
	Index    int    // of the row change in its mutation
	Row      string // row id
	Expected int64
	Current  int64 // of a deleted row its last version plus 1
	Reason   ConflictReason
	Merge    bool            // the change was to be merged if need be
	Values   []lqp.Value     // the row as it is, in the order of the table's Schema().Columns; nil for one that is gone
	Fields   []FieldConflict // of ConflictFields, in the order of the change
	Deleted  *Deletion       // of ConflictDeleted
}

// Error implements error.
func (e *ConflictError) Error() string {
	switch e.Reason {
	case ConflictDeleted:
		return fmt.Sprintf("row %s was deleted", e.Row)
	case ConflictFields:
		return fmt.Sprintf("row %s has version %d, not %d: %d of the columns were changed by others too", e.Row, e.Current, e.Expected, len(e.Fields))
	case ConflictBase:
		return fmt.Sprintf("row %s has version %d, and version %d is not known any more", e.Row, e.Current, e.Expected)
	}
	return fmt.Sprintf("row %s has version %d, not %d", e.Row, e.Current, e.Expected)
}

// RowError says which row of which mutation an error is about. It wraps ErrNotFound, ErrForbidden, ErrExists or
// ErrVersionRequired.
type RowError struct {
	Write int    // of the mutation in its Apply
	Index int    // of the row change in its mutation
	Row   string // row id, empty for a row that was to be created
	Err   error
}

// Error implements error.
func (e *RowError) Error() string {
	if e.Row == "" {
		return fmt.Sprintf("row change %d: %v", e.Index, e.Err)
	}
	return fmt.Sprintf("row %s: %v", e.Row, e.Err)
}

// Unwrap is the sentinel.
func (e *RowError) Unwrap() error { return e.Err }

// The codes of field errors. They are stable.
const (
	CodeRequired        = "required"         // a required column has no value
	CodeUnique          = "unique"           // another row has the value
	CodeType            = "type"             // a value of another kind
	CodeScale           = "scale"            // more decimals than the column keeps
	CodeRange           = "range"            // a number too large for the column
	CodeTooLong         = "too_long"         // a text or name longer than allowed
	CodeTooShort        = "too_short"        // a text shorter than the column allows
	CodeMin             = "min"              // a value below the column's least one
	CodeMax             = "max"              // a value above the column's largest one
	CodeChoice          = "choice"           // not one of the choices
	CodeFormat          = "format"           // not of the form that the column's type has: an address, a number, a document
	CodePattern         = "pattern"          // a text that does not match the column's pattern
	CodeCheck           = "check"            // a row that breaks a check of its table
	CodeMember          = "member"           // a user who is no member of the workspace
	CodeReadOnly        = "read_only"        // a column that the mini-DB fills itself
	CodeUnknownColumn   = "unknown_column"   // the table has no such column
	CodeDuplicateColumn = "duplicate_column" // a column given twice
	CodeDuplicateRow    = "duplicate_row"    // a row or an upsert key given twice
	CodeAmbiguousKey    = "ambiguous_key"    // an upsert key that several rows have
	CodeRowID           = "row_id"           // not a row id, or none where one is needed
	CodeName            = "name"             // not a name
	CodeOption          = "option"           // an option that the column type does not have, or a bad value of it
	CodeInvalid         = "invalid"          // anything else that is malformed
)

// FieldError is one thing wrong with one value.
type FieldError struct {
	Row     int    `json:"row"`    // index of the row change in its mutation, or of the row in an import; 0 outside rows
	Column  string `json:"column"` // column id of a row's value, else the name of the field
	Code    string `json:"code"`   // one of the Code constants
	Message string `json:"message"`

	other string // id of the row to which a link cannot be made
}

// ValidationError holds everything wrong with the values of one mutation, one import or one resource.
type ValidationError struct {
	Write  int // index of the write in an Apply
	Fields []FieldError
}

// Error implements error: the first few field errors.
func (e *ValidationError) Error() string {
	const most = 3
	var b strings.Builder
	b.WriteString("invalid values")
	for i, f := range e.Fields {
		if i == most {
			fmt.Fprintf(&b, "; and %d more", len(e.Fields)-most)
			break
		}
		sep := "; "
		if i == 0 {
			sep = ": "
		}
		fmt.Fprintf(&b, "%srow %d, %s: %s", sep, f.Row, f.Column, f.Message)
	}
	return b.String()
}

// invalid is a ValidationError of one field of a resource.
func invalid(field, code, format string, args ...any) error {
	return &ValidationError{Fields: []FieldError{{Column: field, Code: code, Message: fmt.Sprintf(format, args...)}}}
}

// LimitError names an exceeded bound. It wraps ErrLimit.
type LimitError struct {
	Name string // "rows", "max_affected", "columns", …
	Max  int
}

// Error implements error.
func (e *LimitError) Error() string {
	return fmt.Sprintf("limit exceeded: at most %d %s", e.Max, e.Name)
}

// Unwrap is ErrLimit.
func (e *LimitError) Unwrap() error { return ErrLimit }
