package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/formula"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// bulkRequest is one change of many rows, all or none.
type bulkRequest struct {
	Op   lqp.Op       `json:"op"`
	Rows []rowRequest `json:"rows"`
	// Partial carries out those of Rows that can be and tells of each of the others why it was refused.
	Partial bool `json:"partial"`
	// Key names the columns that an upsert finds rows by, instead of their ids.
	Key []string `json:"key"`
	// Filter selects the rows of an update or delete; the single element of Rows then has the values to set. AllRows says
	// that every row is meant.
	Filter      json.RawMessage `json:"filter"`
	AllRows     bool            `json:"all_rows"`
	MaxAffected int             `json:"max_affected"`
	DryRun      bool            `json:"dry_run"`
	Reason      string          `json:"reason"`
}

func bulkRows(c *call) error {
	t, err := c.writable()
	if err != nil {
		return err
	}
	in, err := decode[bulkRequest](c)
	if err != nil {
		return err
	}
	if err := c.tally.count(c.ctx(), len(in.Rows)); err != nil {
		return err
	}
	dry, err := c.params.boolean("dry_run")
	if err != nil {
		return err
	}
	keyed, err := c.keyed(t)
	if err != nil {
		return err
	}
	m, refused, err := in.mutation(t)
	if err != nil {
		return err
	}
	m.DryRun = dry || in.DryRun
	r, err := c.apply(t, m, func(i int) string {
		if i >= len(refused.kept) {
			return "$"
		}
		return rowPath(refused.kept[i])
	})
	if err != nil {
		return err
	}
	body := []byte(`{"op":"` + string(in.Op) + `","affected":` + strconv.Itoa(r.Affected) + `,"dry_run":` + strconv.FormatBool(r.DryRun))
	switch {
	case in.Partial:
		if body, err = c.appendPartial(body, t, r, refused, shapeOf(r.Columns, keyed)); err != nil {
			return err
		}
	case m.Where != nil || m.AllRows:
		body = append(body, `,"matched":`+strconv.Itoa(r.Matched)...)
		fallthrough
	default:
		if !c.minimal() {
			body = appendResults(append(body, `,"data":`...), r, shapeOf(r.Columns, keyed))
		}
	}
	return c.raw(http.StatusOK, append(body, '}', '\n'))
}

// appendResults lists what became of each row: as it is now, or of a deleted one its id.
func appendResults(dst []byte, r *livetables.Result, s *shape) []byte {
	dst = append(dst, '[')
	for i := range r.Rows {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendResult(append(dst, '{'), &r.Rows[i], s)
	}
	return append(dst, ']')
}

// appendResult appends what became of a row, but for the opening brace.
func appendResult(dst []byte, row *minidb.RowResult, s *shape) []byte {
	dst = append(dst, `"op":"`+string(row.Op)+`","changed":`...)
	dst = append(strconv.AppendBool(dst, row.Changed), ',')
	if row.Merged {
		dst = append(dst, `"merged":true,`...)
	}
	if row.After == nil {
		dst = append(dst, `"id":`...)
		return append(lqp.AppendJSONString(dst, row.ID), '}')
	}
	at := len(dst)
	dst = appendRow(dst, s, valuesOf(row.After))
	return append(dst[:at], dst[at+1:]...) // its opening brace is there already
}

// filterDefault is how many rows a filter may select where the request does not say how many.
const filterDefault = 1_000

// mutation is the change in the engine's form. Everything that is wrong with it is told at once; of a partial one what is wrong
// with single rows refuses these.
func (in *bulkRequest) mutation(t *minidb.Table) (*lqp.Mutation, refusals, error) {
	var faults []FieldError
	fail := func(path, code, format string, args ...any) {
		faults = append(faults, FieldError{Path: path, Code: code, Message: fmt.Sprintf(format, args...)})
	}
	m := &lqp.Mutation{Op: in.Op, Table: t.ID, Key: in.Key, AllRows: in.AllRows, MaxAffected: in.MaxAffected, Reason: in.Reason, Partial: in.Partial}
	filtered := len(in.Filter) > 0 && string(in.Filter) != "null"
	switch in.Op {
	case lqp.Insert, lqp.Upsert:
		if filtered || in.AllRows {
			fail("$.filter", lqp.CodeConflict, "a filter is for update and delete")
		}
	case lqp.Update, lqp.Delete:
		if len(in.Key) > 0 {
			fail("$.key", lqp.CodeConflict, "a key is for upsert")
		}
		if filtered && in.AllRows {
			fail("$.all_rows", lqp.CodeConflict, "either the rows of a filter or all rows")
		}
	default:
		fail("$.op", lqp.CodeArgument, "insert, update, upsert or delete was expected")
	}
	if in.MaxAffected < 0 {
		fail("$.max_affected", lqp.CodeArgument, "a count of rows was expected")
	}
	switch selected := filtered || in.AllRows; {
	case !selected && len(in.Rows) == 0:
		fail("$.rows", lqp.CodeMissing, "rows are needed, or a filter, or all_rows to mean every row")
	case selected && in.Op == lqp.Delete && len(in.Rows) > 0:
		fail("$.rows", lqp.CodeConflict, "a filter selects the rows; rows has no place beside it")
	case selected && in.Op == lqp.Update && len(in.Rows) != 1:
		fail("$.rows", lqp.CodeArgument, "with a filter, rows has one element with the fields to set")
	case selected && len(in.Rows) == 1 && (in.Rows[0].ID != "" || in.Rows[0].rowBasis != rowBasis{}):
		fail("$.rows[0]", lqp.CodeConflict, "with a filter, no row is named")
	case selected && in.Partial:
		fail("$.partial", lqp.CodeConflict, "the rows of a filter are changed all or none")
	case selected && in.MaxAffected == 0:
		m.MaxAffected = filterDefault
	}
	if len(in.Key) > 1 && slices.Contains(in.Key, minidb.ColumnID) {
		fail("$.key", lqp.CodeConflict, "the row id is a key of its own")
	}
	if filtered {
		e, err := lqp.DecodeExpr(in.Filter, lqp.DecodeOptions{Formula: formula.Parse, Syntaxes: formula.Syntaxes()})
		var problems lqp.Problems
		if errors.As(err, &problems) {
			faults = append(faults, problemFields(problems, "$.filter")...)
		}
		m.Where = e
	}
	refused := refusals{rows: len(in.Rows)}
	for i := range in.Rows {
		change, wrong := in.change(t, i, filtered || in.AllRows)
		if in.Partial && len(wrong) > 0 {
			refused.add(i, invalidProblem("the row cannot be written; errors says what and where", wrong...))
			continue
		}
		faults = append(faults, wrong...)
		m.Rows = append(m.Rows, change)
		refused.kept = append(refused.kept, i)
	}
	if len(faults) > 0 {
		const most = 50
		return nil, refusals{}, invalidProblem("the rows cannot be written; errors says what and where", faults[:min(len(faults), most)]...)
	}
	return m, refused, nil
}

// change is one row of the request in the engine's form, with everything that is wrong with it.
func (in *bulkRequest) change(t *minidb.Table, i int, selected bool) (change lqp.RowChange, faults []FieldError) {
	r, path := &in.Rows[i], fmt.Sprintf("$.rows[%d]", i)
	fail := func(at, code, message string) {
		faults = append(faults, FieldError{Path: path + at, Code: code, Message: message})
	}
	if r.ID != "" {
		change.ID = []lqp.Value{lqp.TextValue(r.ID)}
	}
	if at, message := r.of(&change, r.Version); message != "" {
		fail(at, lqp.CodeArgument, message)
	}
	if in.Op == lqp.Insert && r.rowBasis != (rowBasis{}) {
		fail(".version", lqp.CodeConflict, "a new row has no version yet")
	}
	if r.ID == "" && !selected && (in.Op == lqp.Update || in.Op == lqp.Delete) {
		fail(".id", lqp.CodeMissing, "the row's id is needed")
	}
	if in.Op == lqp.Delete && len(r.Fields) > 0 {
		fail(".fields", lqp.CodeConflict, "a row to delete has no fields")
	}
	var err error
	change.Set, err = livetables.ParseFields(t.Schema(), path+".fields", r.Fields)
	var problems lqp.Problems
	if errors.As(err, &problems) {
		faults = append(faults, problemFields(problems, "$")...)
	}
	return change, faults
}
