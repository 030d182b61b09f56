package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// Changes that are taken back.
func revertRoutes() []route {
	dry := []string{"dry_run"}
	return []route{
		{method: "POST", path: api + "/tables/{table}/rows/{row}/revert/{entry}", handler: revertRow, params: dry, body: bodyOptional},
		{method: "POST", path: api + "/workspaces/{workspace}/revert", handler: revertChanges, params: dry, body: bodyJSON},
		{method: "GET", path: api + "/tables/{table}/rows/{row}/diff", handler: diffRow, params: []string{"from", "to"}},
		{method: "GET", path: api + "/tables/{table}/trash", handler: deletedRows, params: []string{"limit", "cursor", "keys"}},
		{method: "POST", path: api + "/tables/{table}/trash/restore", handler: restoreRows, params: dry, body: bodyJSON},
		{method: "GET", path: api + "/workspaces/{workspace}/undo", handler: undoList, params: []string{"base_id", "table_id"}},
		{method: "POST", path: api + "/workspaces/{workspace}/undo", handler: undo, params: dry, body: bodyOptional},
		{method: "POST", path: api + "/workspaces/{workspace}/redo", handler: redo, params: dry, body: bodyOptional},
	}
}

// revertOptions are the options as they stand in a body.
func (c *call) revertOptions(conflicts, reason string, dry, portion bool) (livetables.RevertOptions, error) {
	param, err := c.params.boolean("dry_run")
	return livetables.RevertOptions{Conflicts: minidb.ConflictMode(conflicts), Reason: reason, DryRun: dry || param, Portion: portion,
		Count: func(rows int) error { return c.tally.count(c.ctx(), rows) }}, err
}

func revertRow(c *call) error {
	in, err := decode[struct {
		Conflicts string `json:"conflicts"`
		Reason    string `json:"reason"`
		DryRun    bool   `json:"dry_run"`
	}](c)
	if err != nil {
		return err
	}
	opt, err := c.revertOptions(in.Conflicts, in.Reason, in.DryRun, false)
	if err != nil {
		return err
	}
	report, err := c.access.RevertRow(c.ctx(), c.id("table"), c.id("row"), c.id("entry"), opt)
	if err != nil {
		return err
	}
	return c.reverted(report)
}

func revertChanges(c *call) error {
	in, err := decode[struct {
		Operation string     `json:"operation"`
		Actor     string     `json:"actor"`
		From      *time.Time `json:"from"`
		To        *time.Time `json:"to"`
		Base      string     `json:"base_id"`
		Table     string     `json:"table_id"`
		Row       string     `json:"row_id"`
		Conflicts string     `json:"conflicts"`
		Portion   bool       `json:"portion"`
		Reason    string     `json:"reason"`
		DryRun    bool       `json:"dry_run"`
	}](c)
	if err != nil {
		return err
	}
	opt, err := c.revertOptions(in.Conflicts, in.Reason, in.DryRun, in.Portion)
	if err != nil {
		return err
	}
	changes := livetables.Changes{Operation: in.Operation, Actor: in.Actor, Base: in.Base, Table: in.Table, Row: in.Row}
	if in.From != nil {
		changes.From = *in.From
	}
	if in.To != nil {
		changes.To = *in.To
	}
	report, err := c.access.Revert(c.ctx(), c.id("workspace"), changes, opt)
	if err != nil {
		return err
	}
	return c.reverted(report)
}

func restoreRows(c *call) error {
	in, err := decode[struct {
		Rows   []string `json:"rows"`
		Reason string   `json:"reason"`
		DryRun bool     `json:"dry_run"`
	}](c)
	if err != nil {
		return err
	}
	opt, err := c.revertOptions("", in.Reason, in.DryRun, false)
	if err != nil {
		return err
	}
	report, err := c.access.RestoreRows(c.ctx(), c.id("table"), in.Rows, opt)
	if err != nil {
		return err
	}
	return c.reverted(report)
}

// reportDocument is what became of changes that were taken back.
type reportDocument struct {
	Kind      minidb.OperationKind `json:"kind"`
	Operation string               `json:"operation,omitempty"`
	Target    string               `json:"target,omitempty"`
	DryRun    bool                 `json:"dry_run"`
	Affected  int                  `json:"affected"`
	More      bool                 `json:"more"`
	Rows      []revertedRow        `json:"rows,omitempty"`
	// RowsLeft are rows that are not listed, for there are too many.
	RowsLeft int `json:"rows_left,omitempty"`
	// Left are changes that are none of rows.
	Left     []leftChange `json:"left,omitempty"`
	LeftMore bool         `json:"left_more,omitempty"`
}

type leftChange struct {
	Entry        string    `json:"entry_id"`
	Action       string    `json:"action"`
	ResourceType string    `json:"resource_type"`
	Resource     string    `json:"resource_id"`
	Table        string    `json:"table_id,omitempty"`
	At           time.Time `json:"at"`
	Reason       string    `json:"reason"`
	Change       int64     `json:"change,omitempty"`
}

type revertedRow struct {
	Table     string           `json:"table_id"`
	ID        string           `json:"row_id"`
	Op        string           `json:"op"` // restore, update, delete, none
	Version   int64            `json:"version,omitempty"`
	Moved     bool             `json:"moved,omitempty"`
	Changes   []revertedCell   `json:"changes"`
	Conflicts []revertConflict `json:"conflicts,omitempty"`
	Conflict  *wholeConflict   `json:"conflict,omitempty"`
	Lost      []lostCell       `json:"lost,omitempty"`
	Refused   []lostCell       `json:"refused,omitempty"`
}

type revertedCell struct {
	Column string    `json:"column_id"`
	Name   string    `json:"column"`
	From   lqp.Value `json:"from"`
	To     lqp.Value `json:"to"`
}

type revertConflict struct {
	Column string     `json:"column_id"`
	Name   string     `json:"column"`
	Base   lqp.Value  `json:"base"`
	Left   lqp.Value  `json:"left"`
	Theirs lqp.Value  `json:"theirs"`
	Actor  string     `json:"actor,omitempty"`
	At     *time.Time `json:"at,omitempty"`
	Forced bool       `json:"forced"`
}

type wholeConflict struct {
	Code   string     `json:"code"`
	Actor  string     `json:"actor,omitempty"`
	At     *time.Time `json:"at,omitempty"`
	Forced bool       `json:"forced"`
}

type lostCell struct {
	Column  string `json:"column_id,omitempty"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// maxReported is how many rows a report lists.
const maxReported = 1_000

var revertOps = map[lqp.Op]string{lqp.Insert: "restore", lqp.Update: "update", lqp.Delete: "delete", "": "none"}

// reverted answers with a report.
func (c *call) reverted(r *livetables.RevertReport) error {
	out := reportDocument{Kind: r.Kind, Operation: r.Operation, Target: r.Target, DryRun: r.DryRun, Affected: r.Affected, More: r.More,
		LeftMore: r.LeftMore}
	for _, x := range r.Left {
		out.Left = append(out.Left, leftChange(x))
	}
	if !c.minimal() {
		listed := r.Rows[:min(len(r.Rows), maxReported)]
		out.RowsLeft = len(r.Rows) - len(listed)
		out.Rows = make([]revertedRow, len(listed))
		for i := range listed {
			out.Rows[i] = revertedDocument(&listed[i])
		}
	}
	return c.json(http.StatusOK, out)
}

func revertedDocument(r *livetables.RevertedRow) revertedRow {
	out := revertedRow{Table: r.Table, ID: r.ID, Op: revertOps[r.Op], Version: r.Version, Moved: r.Moved, Changes: make([]revertedCell, len(r.Cells))}
	for i, x := range r.Cells {
		out.Changes[i] = revertedCell{Column: x.Column.ID, Name: x.Column.Name, From: x.From, To: x.To}
	}
	for _, x := range r.Conflicts {
		out.Conflicts = append(out.Conflicts, revertConflict{Column: x.Column.ID, Name: x.Column.Name, Base: x.Base, Left: x.Left, Theirs: x.Theirs,
			Actor: x.Actor, At: shownTime(x.At), Forced: x.Forced})
	}
	if x := r.Conflict; x != nil {
		out.Conflict = &wholeConflict{Code: x.Code, Actor: x.Actor, At: shownTime(x.At), Forced: x.Forced}
	}
	for _, x := range r.Lost {
		out.Lost = append(out.Lost, lostCell{x.Column, x.Code, x.Message})
	}
	for _, x := range r.Refused {
		out.Refused = append(out.Refused, lostCell{x.Column, x.Code, x.Message})
	}
	return out
}

// shownTime is a time that may be kept back.
func shownTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// deletedRows answers with a page of a table's trash.
func deletedRows(c *call) error {
	t, err := c.access.Table(c.ctx(), c.id("table"))
	if err != nil {
		return err
	}
	keyed, err := c.keyed(t)
	if err != nil {
		return err
	}
	limit, err := c.params.integer("limit", 100, 1, maxPage)
	if err != nil {
		return err
	}
	cursor, given := c.params.find("cursor")
	if given && cursor == "" {
		return livetables.ErrCursor
	}
	found, err := c.access.DeletedRows(c.ctx(), t.ID, cursor, limit)
	if err != nil {
		return err
	}
	type deleted struct {
		At    *time.Time `json:"deleted_at,omitempty"`
		By    string     `json:"deleted_by,omitempty"`
		Entry string     `json:"entry_id"`
	}
	shape := shapeOf(found.Columns, keyed)
	rows := make([]json.RawMessage, len(found.Rows))
	for i := range found.Rows {
		r := &found.Rows[i]
		about, err := json.Marshal(deleted{shownTime(r.Deleted), r.By, r.Entry})
		if err != nil {
			return fmt.Errorf("encode deletion: %w", err)
		}
		row := appendRow(nil, shape, valuesOf(r.Values))
		rows[i] = append(append(append(row[:len(row)-1], `,"deletion":`...), about...), '}')
	}
	out := listing{Data: rows, Page: page{More: found.Next != ""}}
	if out.Page.More {
		out.Page.Next = &found.Next
	}
	if err := c.cutBefore(&out, "", t.ID, time.Time{}); err != nil {
		return err
	}
	return c.json(http.StatusOK, out)
}
