package livetables_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/minidb/blob"
)

// typed is a table with a column V of the type of a case, and Key to tell rows apart: "0", "1" … as the valid values, "empty".
type typed struct {
	*world
	typeCase
	table *minidb.Table
	ids   []string
	// written are what the valid values are read back as.
	written []string
}

// fields are cells from JSON.
func (c *typed) fields(t testing.TB, table *minidb.Table, doc map[string]string) ([]lqp.Assignment, error) {
	t.Helper()
	raw := map[string]json.RawMessage{}
	for name, v := range doc {
		raw[name] = json.RawMessage(v)
	}
	return livetables.ParseFields(table.Schema(), "$.fields", raw)
}

// put inserts a row of JSON, or changes one.
func (c *typed) put(t testing.TB, table *minidb.Table, id string, doc map[string]string) (string, error) {
	t.Helper()
	set, err := c.fields(t, table, doc)
	if err != nil {
		return "", err
	}
	m := &lqp.Mutation{Op: lqp.Insert, Table: table.ID, Rows: []lqp.RowChange{{Set: set}}}
	if id != "" {
		m.Op, m.Rows[0].ID = lqp.Update, []lqp.Value{lqp.TextValue(id)}
	}
	res, err := c.owner.Apply(t.Context(), c.workspace, m)
	if err != nil {
		return "", err
	}
	return res[0].Rows[0].ID, nil
}

// cells are the Key and V of the rows of a query, V as JSON, one a line.
func (c *typed) cells(t testing.TB, table, where, sort string, at *livetables.AsOf) (list []string, err error) {
	t.Helper()
	q := &lqp.Query{From: lqp.Source{Table: table}, Select: cols(t, "Key", "V"), OrderBy: order(t, "Key")}
	if where != "" {
		q.Where = expr(t, where)
	}
	if sort != "" {
		q.OrderBy = order(t, sort)
	}
	var rows *livetables.Rows
	if at != nil {
		rows, err = c.owner.QueryAsOf(t.Context(), c.workspace, q, *at)
	} else {
		rows, err = c.owner.Query(t.Context(), c.workspace, q)
	}
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	list = []string{}
	for rows.Next() {
		list = append(list, rows.Value(0).String()+" "+string(rows.AppendJSON(nil, 1)))
	}
	return list, rows.Err()
}

func (c *typed) keys(t testing.TB, where, sort string) string {
	t.Helper()
	list, err := c.cells(t, c.table.ID, where, sort, nil)
	require.NoError(t, err, where+sort)
	for i := range list {
		list[i], _, _ = strings.Cut(list[i], " ")
	}
	return strings.Join(list, " ")
}

func (c *typed) spec(name string) minidb.ColumnSpec {
	return minidb.ColumnSpec{Name: name, Type: c.typ, Options: c.options}
}

// TestColumnTypes goes through everything that a column of each type does: values that are taken and refused, in which form
// they are read, defaults, what is unique and required, filters, sorts, history and undo, files, and other types. It runs on
// every store, and what is expected is the same on all of them.
func TestColumnTypes(t *testing.T) {
	blobs, err := blob.OpenDir(t.TempDir())
	require.NoError(t, err)
	files := newFileWorld(t, blobs, livetables.Limits{})
	w := files.world
	w.owner = files.as("owner") // with a place for files
	target := w.table("Targets", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn})
	rows := w.insert(w.owner, target, []string{"one"}, []string{"two"})
	for _, tc := range typeCases(rows[0], rows[1]) {
		t.Run(string(tc.typ), func(t *testing.T) {
			if tc.typ == minidb.LinkColumn {
				tc.options.Link = &minidb.Link{Table: target.ID}
			}
			c := &typed{world: w, typeCase: tc}
			key := minidb.ColumnSpec{Name: "Key", Type: minidb.TextColumn}
			c.table = w.table("T "+string(tc.typ), key, c.spec("V"))
			if tc.typ == minidb.AttachmentColumn {
				c.upload(t)
			}
			c.values(t)
			c.filters(t)
			c.sorts(t)
			c.rules(t)
			c.past(t)
			c.files(t, w.table("Copy "+string(tc.typ), key, c.spec("V")))
			c.types(t)
		})
	}
	w.t = t
	t.Run("columns that the database fills", func(t *testing.T) { filledTypes(t, w, target) })
}

// upload gives the cells of the case ids of files.
func (c *typed) upload(t *testing.T) {
	for i := range c.valid {
		a, err := c.owner.Upload(t.Context(), livetables.Upload{Table: c.table.ID, Column: c.table.Columns[1].ID, Name: "a.txt", Size: 1, Content: strings.NewReader("a")})
		require.NoError(t, err)
		c.valid[i].in = `["` + a.ID + `"]`
	}
}

// filledTypes looks at the columns that nobody writes: they have values that are filtered, sorted by and exported, refuse to be
// written, and keep no file from being imported that leaves them out.
func filledTypes(t *testing.T, w *world, target *minidb.Table) {
	table := w.table("Filled", minidb.ColumnSpec{Name: "Key", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "autonumber", Type: minidb.AutonumberColumn},
		minidb.ColumnSpec{Name: "created_time", Type: minidb.CreatedTimeColumn}, minidb.ColumnSpec{Name: "updated_time", Type: minidb.UpdatedTimeColumn},
		minidb.ColumnSpec{Name: "created_by", Type: minidb.CreatedByColumn}, minidb.ColumnSpec{Name: "updated_by", Type: minidb.UpdatedByColumn},
		minidb.ColumnSpec{Name: "Link", Type: minidb.LinkColumn, Options: minidb.ColumnOptions{Link: &minidb.Link{Table: target.ID}}},
		minidb.ColumnSpec{Name: "formula", Type: minidb.FormulaColumn, Options: minidb.ColumnOptions{Formula: `Key & "!"`}},
		minidb.ColumnSpec{Name: "lookup", Type: minidb.LookupColumn, Options: minidb.ColumnOptions{Through: &minidb.Through{Link: "Link", Target: "Name"}}},
		minidb.ColumnSpec{Name: "rollup", Type: minidb.RollupColumn, Options: minidb.ColumnOptions{Through: &minidb.Through{Link: "Link", Target: "Name", Aggregate: "max"}}},
		minidb.ColumnSpec{Name: "count", Type: minidb.CountColumn, Options: minidb.ColumnOptions{Through: &minidb.Through{Link: "Link"}}})
	c := &typed{world: w, table: table}
	found, err := w.owner.Query(t.Context(), w.workspace, &lqp.Query{From: lqp.Source{Table: target.ID}, Select: cols(t, "_id"), OrderBy: order(t, "Name")})
	linked := all(t, found, err)
	for i, link := range []string{"[]", `["` + linked[0] + `"]`, `["` + linked[1] + `","` + linked[0] + `"]`} {
		_, err := c.put(t, table, "", map[string]string{"Key": fmt.Sprintf(`"%d"`, i), "Link": link})
		require.NoError(t, err)
	}
	for column, f := range map[string]string{"autonumber": "{autonumber} = 2", "created_time": `{created_time} > "2020-01-01T00:00:00Z" AND Key = "1"`, "updated_time": `{updated_time} >= {created_time} AND Key = "1"`,
		"created_by": `{created_by} = "owner" AND Key = "1"`, "updated_by": `{updated_by} = "owner" AND Key = "1"`, "formula": `{formula} = "1!"`, "lookup": `COUNTA({lookup}) = 1`,
		"rollup": `{rollup} = "one"`, "count": `{count} = 1`} {
		_, err := c.put(t, table, "", map[string]string{"Key": `"x"`, column: "1"})
		require.Error(t, err, column)
		rows, err := w.owner.Query(t.Context(), w.workspace, &lqp.Query{From: lqp.Source{Table: table.ID}, Where: expr(t, f), Select: cols(t, "Key")})
		require.Equal(t, []string{"1"}, all(t, rows, err), f)
		rows, err = w.owner.Query(t.Context(), w.workspace, &lqp.Query{From: lqp.Source{Table: table.ID}, Select: cols(t, "Key"), OrderBy: order(t, column, "Key")})
		if column == "lookup" {
			require.Equal(t, livetables.CodeInvalid, livetables.Code(err), "lists have no order: %v", err)
		} else {
			require.Len(t, all(t, rows, err), 3, column)
		}
		for _, format := range []livetables.Format{livetables.FormatCSV, livetables.FormatXLSX} {
			rows, err := w.owner.Export(t.Context(), w.workspace, &lqp.Query{From: lqp.Source{Table: table.ID}, Select: cols(t, "Key", column)})
			require.NoError(t, err)
			var file bytes.Buffer
			_, err = livetables.WriteRows(&file, rows, format)
			require.NoError(t, err)
			require.NoError(t, rows.Close())
			_, err = w.owner.Import(t.Context(), livetables.ImportSpec{Table: table.ID, Format: format, Key: []string{"Key"}}, bytes.NewReader(file.Bytes()))
			require.Equal(t, livetables.CodeInvalid, livetables.Code(err), "%s as %s: %v", column, format, err)
			_, err = w.owner.Import(t.Context(), livetables.ImportSpec{Table: table.ID, Format: format, Key: []string{"Key"}, Columns: map[string]string{column: ""}}, bytes.NewReader(file.Bytes()))
			require.NoError(t, err, "%s as %s", column, format)
		}
	}
}

// values writes what is valid and what is not.
func (c *typed) values(t *testing.T) {
	for i, v := range c.valid {
		id, err := c.put(t, c.table, "", map[string]string{"Key": fmt.Sprintf(`"%d"`, i), "V": v.in})
		require.NoError(t, err, v.in)
		c.ids, c.written = append(c.ids, id), append(c.written, v.canonical())
	}
	for _, empty := range []map[string]string{{"Key": `"empty"`}, {"Key": `"null"`, "V": "null"}} {
		_, err := c.put(t, c.table, "", empty)
		require.NoError(t, err)
	}
	for _, bad := range c.invalid {
		_, err := c.put(t, c.table, "", map[string]string{"Key": `"bad"`, "V": bad})
		require.Error(t, err, bad)
		require.Equal(t, livetables.CodeInvalid, livetables.Code(err), "%s: %v", bad, err)
		_, err = c.put(t, c.table, c.ids[0], map[string]string{"V": bad})
		require.Equal(t, livetables.CodeInvalid, livetables.Code(err), "%s: %v", bad, err)
	}
	want := []string{}
	for i, v := range c.written {
		want = append(want, fmt.Sprintf("%d %s", i, v))
	}
	got, err := c.cells(t, c.table.ID, "", "", nil)
	require.NoError(t, err)
	require.Equal(t, append(want, "empty null", "null null"), got)
}

func (c *typed) filters(t *testing.T) {
	for _, f := range append([]string{c.typeCase.second}, c.more...) {
		if f != "" {
			require.Equal(t, "1", c.keys(t, f, ""), f)
		}
	}
	var all []string
	for i := range c.valid {
		all = append(all, strconv.Itoa(i))
	}
	require.Equal(t, "empty null", c.keys(t, "IS_BLANK({V})", ""))
	require.Equal(t, strings.Join(all, " "), c.keys(t, "NOT(IS_BLANK({V}))", ""))
}

func (c *typed) sorts(t *testing.T) {
	if c.unordered {
		_, err := c.cells(t, c.table.ID, "", "V", nil)
		require.Equal(t, livetables.CodeInvalid, livetables.Code(err), "%v", err)
		return
	}
	var up []string
	for i := range c.valid {
		up = append(up, strconv.Itoa(i))
	}
	down := slices.Clone(up)
	slices.Reverse(down)
	got := c.keys(t, "NOT(IS_BLANK({V}))", "V")
	require.Equal(t, strings.Join(up, " "), got)
	require.Equal(t, strings.Join(down, " "), c.keys(t, "NOT(IS_BLANK({V}))", "-V"))
	// No value is less than every value.
	require.Equal(t, strings.Join(append([]string{"empty", "null"}, up...), " "), c.keys(t, "", "V"))
	require.Equal(t, down, strings.Fields(c.keys(t, "", "-V"))[:len(down)])
}

// rules are defaults, columns that are unique, and required ones.
func (c *typed) rules(t *testing.T) {
	value := func() lqp.Value {
		set, err := c.fields(t, c.table, map[string]string{"V": c.valid[1].in})
		require.NoError(t, err)
		return set[0].Value
	}
	spec := c.spec("D")
	spec.Default = value()
	made, err := c.owner.AddColumn(t.Context(), c.table.ID, spec, 0)
	if c.noDefault {
		require.Equal(t, livetables.CodeInvalid, livetables.Code(err), "%v", err)
	} else {
		require.NoError(t, err)
		now, err := c.owner.Table(t.Context(), c.table.ID)
		require.NoError(t, err)
		id, err := c.put(t, now, "", map[string]string{"Key": `"default"`})
		require.NoError(t, err)
		rows, err := c.owner.Query(t.Context(), c.workspace, &lqp.Query{From: lqp.Source{Table: c.table.ID}, Where: expr(t, `_id = "`+id+`"`), Select: cols(t, "D")})
		require.NoError(t, err)
		require.True(t, rows.Next())
		require.Equal(t, c.written[1], string(rows.AppendJSON(nil, 0)))
		require.NoError(t, rows.Close())
		require.NoError(t, c.owner.DeleteColumn(t.Context(), made.ID, 0))
		_, err = c.owner.Apply(t.Context(), c.workspace, &lqp.Mutation{Op: lqp.Delete, Table: c.table.ID, Rows: []lqp.RowChange{{ID: []lqp.Value{lqp.TextValue(id)}}}})
		require.NoError(t, err)
	}
	strict := c.spec("V")
	strict.Required = true
	if strict.Unique = !c.unordered; !strict.Unique {
		again := strict
		again.Unique = true
		_, err := c.owner.CreateTable(t.Context(), c.base, minidb.TableSpec{Name: "No " + string(c.typ), Columns: []minidb.ColumnSpec{again}})
		require.Equal(t, livetables.CodeInvalid, livetables.Code(err), "%v", err)
	}
	if c.typ == minidb.AttachmentColumn {
		return // the files are those of the other column
	}
	table := c.world.table("Strict "+string(c.typ), minidb.ColumnSpec{Name: "Key", Type: minidb.TextColumn}, strict)
	_, err = c.put(t, table, "", map[string]string{"Key": `"missing"`})
	require.Equal(t, livetables.CodeInvalid, livetables.Code(err), "%v", err)
	_, err = c.put(t, table, "", map[string]string{"V": c.valid[1].in})
	require.NoError(t, err)
	_, err = c.put(t, table, "", map[string]string{"V": c.valid[1].in})
	if strict.Unique {
		require.Equal(t, livetables.CodeInvalid, livetables.Code(err), "a value that another row has: %v", err)
	} else {
		require.NoError(t, err)
	}
}

// past changes a cell and takes that back.
func (c *typed) past(t *testing.T) {
	ctx := t.Context()
	time.Sleep(2 * time.Millisecond)
	before := time.Now()
	time.Sleep(2 * time.Millisecond)
	_, err := c.put(t, c.table, c.ids[0], map[string]string{"V": c.valid[1].in})
	require.NoError(t, err)
	diff, err := c.owner.RowDiff(ctx, c.table.ID, c.ids[0], minidb.RowMoment{Version: 1}, minidb.RowMoment{})
	require.NoError(t, err)
	i := slices.IndexFunc(diff.Cells, func(d livetables.RevertedCell) bool { return d.Column.Name == "V" })
	require.GreaterOrEqual(t, i, 0)
	require.Equal(t, []string{c.written[0], c.written[1]}, []string{string(diff.Cells[i].From.AppendJSON(nil)), string(diff.Cells[i].To.AppendJSON(nil))})
	was, err := c.cells(t, c.table.ID, `Key = "0"`, "", &livetables.AsOf{Time: before})
	require.NoError(t, err)
	require.Equal(t, []string{"0 " + c.written[0]}, was)
	_, err = c.owner.Undo(ctx, c.workspace, livetables.UndoOptions{UndoScope: livetables.UndoScope{Table: c.table.ID}})
	require.NoError(t, err)
	is, err := c.cells(t, c.table.ID, `Key = "0"`, "", nil)
	require.NoError(t, err)
	require.Equal(t, []string{"0 " + c.written[0]}, is)
}

// files exports the table and imports it into another one.
func (c *typed) files(t *testing.T, into *minidb.Table) {
	want, err := c.cells(t, c.table.ID, "", "", nil)
	require.NoError(t, err)
	for _, format := range []livetables.Format{livetables.FormatCSV, livetables.FormatNDJSON, livetables.FormatJSON, livetables.FormatXLSX} {
		rows, err := c.owner.Export(t.Context(), c.workspace, &lqp.Query{From: lqp.Source{Table: c.table.ID}, Select: cols(t, "Key", "V")})
		require.NoError(t, err)
		var file bytes.Buffer
		_, err = livetables.WriteRows(&file, rows, format)
		require.NoError(t, err)
		require.NoError(t, rows.Close())
		_, err = c.owner.Import(t.Context(), livetables.ImportSpec{Table: into.ID, Format: format}, bytes.NewReader(file.Bytes()))
		if c.typ == minidb.AttachmentColumn { // files belong to the column that they were uploaded to
			require.Equal(t, livetables.CodeInvalid, livetables.Code(err), "%s: %v", format, err)
			continue
		}
		require.NoError(t, err, "%s: %s", format, file.String())
		got, err := c.cells(t, into.ID, "", "", nil)
		require.NoError(t, err)
		require.Equal(t, want, got, format)
		_, err = c.owner.Apply(t.Context(), c.workspace, &lqp.Mutation{Op: lqp.Delete, Table: into.ID, AllRows: true})
		require.NoError(t, err)
	}
}

// types makes the column one of texts and then what it was.
func (c *typed) types(t *testing.T) {
	column := c.table.Columns[1].ID
	want, err := c.cells(t, c.table.ID, "", "", nil)
	require.NoError(t, err)
	if c.fixed {
		return // links become texts by labels, files nothing
	}
	there := livetables.TypeChange{Type: minidb.LongTextColumn}
	if c.typ == minidb.LongTextColumn {
		there = livetables.TypeChange{Type: minidb.TextColumn}
	}
	preview, err := c.owner.PreviewType(t.Context(), column, there)
	require.NoError(t, err)
	require.Zero(t, preview.Lost, "%+v", preview)
	require.EqualValues(t, len(c.valid), preview.Exact+preview.Changed)
	require.EqualValues(t, 2, preview.Empty)
	same, err := c.cells(t, c.table.ID, "", "", nil)
	require.NoError(t, err)
	require.Equal(t, want, same, "a preview changes nothing")
	_, err = c.owner.ChangeType(t.Context(), column, there, 0)
	require.NoError(t, err)
	_, err = c.owner.ChangeType(t.Context(), column, livetables.TypeChange{Type: c.typ, Options: c.options}, 0)
	require.NoError(t, err)
	back, err := c.cells(t, c.table.ID, "", "", nil)
	require.NoError(t, err)
	require.Equal(t, want, back)
}
