package httpapi

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/minidb"
)

// rowConflict tells of a row that was changed meanwhile.
type rowConflict struct {
	Row     string                `json:"row"`
	Reason  minidb.ConflictReason `json:"reason"`
	Fields  []fieldConflict       `json:"fields,omitempty"`
	Deleted *rowDeletion          `json:"deleted,omitempty"`
}

// fieldConflict is a column that two gave different values.
type fieldConflict struct {
	Column   string          `json:"column"` // its name
	ColumnID string          `json:"column_id"`
	Base     json.RawMessage `json:"base"`
	Mine     json.RawMessage `json:"mine"`
	Theirs   json.RawMessage `json:"theirs"`
	By       string          `json:"by,omitempty"`
	At       *time.Time      `json:"at,omitempty"`
	Version  int64           `json:"version,omitempty"`
}

type rowDeletion struct {
	By string     `json:"by,omitempty"`
	At *time.Time `json:"at,omitempty"`
}

// known is an instant that may not be known.
func known(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}

// conflictDetails are what people are told of the reasons.
var conflictDetails = map[minidb.ConflictReason]string{
	minidb.ConflictVersion: "the row was changed meanwhile; current is what it is now",
	minidb.ConflictFields:  "others changed the same fields meanwhile; conflict has the values",
	minidb.ConflictChanged: "the row was changed meanwhile; current is what would be deleted",
	minidb.ConflictBase:    "the row was changed meanwhile, and the version that the change began with is not known any more; current is what the row is now",
	minidb.ConflictDeleted: "the row was deleted meanwhile",
}

// rowConflictProblem is 412 for a version that the row had to have, 409 for a merge that is not possible.
func rowConflictProblem(c *livetables.Conflict) *Problem {
	status := http.StatusPreconditionFailed
	if c.Merge {
		status = http.StatusConflict
	}
	p := problemOf(status, livetables.CodeConflict, conflictDetails[c.Reason])
	p.CurrentVersion = c.Version
	if c.Values != nil {
		p.Current = appendRow(nil, shapeOf(c.Columns, shapeOptions{}), valuesOf(c.Values))
	}
	p.Conflict = &rowConflict{Row: c.Row, Reason: c.Reason}
	for i := range c.Fields {
		f := &c.Fields[i]
		p.Conflict.Fields = append(p.Conflict.Fields, fieldConflict{Column: f.Column.Name, ColumnID: f.Column.ID, Base: f.Base.AppendJSON(nil),
			Mine: f.Mine.AppendJSON(nil), Theirs: f.Theirs.AppendJSON(nil), By: f.Actor, At: known(f.At), Version: f.Version})
	}
	if c.Deleted != nil {
		p.Conflict.Deleted = &rowDeletion{By: c.Deleted.Actor, At: known(c.Deleted.At)}
	}
	return p
}
