package livetables_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

func TestUpsertByKey(t *testing.T) {
	w := newWorld(t)
	tbl := w.table("Stock", minidb.ColumnSpec{Name: "SKU", Type: minidb.TextColumn, Unique: true}, minidb.ColumnSpec{Name: "Left", Type: minidb.IntegerColumn})
	_, err := importFile(w, livetables.ImportSpec{Table: tbl.ID}, "SKU,Left\na,1\nb,2\n")
	require.NoError(t, err)
	spec := livetables.ImportSpec{Table: tbl.ID, Key: []string{"SKU"}, Columns: map[string]string{"Article": "SKU", "Note": ""}}
	r, err := importFile(w, spec, "Article,Note,Left\nb,x,20\nc,y,30\nc,z,31\n")
	require.NoError(t, err)
	assert.EqualValues(t, 3, r.Rows)
	stored := func() []string {
		rows, err := w.owner.Query(t.Context(), w.workspace, &lqp.Query{From: lqp.Source{Table: tbl.ID}, Select: cols(t, "SKU", "Left"), OrderBy: order(t, "SKU")})
		return all(t, rows, err)
	}
	assert.Equal(t, []string{"a|1", "b|20", "c|31"}, stored(), "the last row of a key counts")
	for _, tc := range []struct{ name, file, want string }{
		{"key not in the file", "Note,Left\nx,1\n", "no such title"},
		{"a mapped title that is not there", "Article,Left\na,1\n", "no such title"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := importFile(w, spec, tc.file)
			require.ErrorContains(t, err, tc.want)
		})
	}
	for _, key := range []string{"Nope", "Left"} {
		_, err = importFile(w, livetables.ImportSpec{Table: tbl.ID, Key: []string{key}}, "SKU\na\n")
		require.ErrorContains(t, err, "the key's column is not filled")
	}
}

func TestBatchesBeforeAFaultStay(t *testing.T) {
	w := newWorld(t)
	tbl := w.table("T", minidb.ColumnSpec{Name: "N", Type: minidb.IntegerColumn, Unique: true})
	var file strings.Builder
	file.WriteString("N\n")
	for i := range 25 {
		fmt.Fprintln(&file, i)
	}
	file.WriteString("3\n")
	report, err := importFile(w, livetables.ImportSpec{Table: tbl.ID, Batch: 10}, file.String())
	var fault *livetables.ImportError
	require.ErrorAs(t, err, &fault)
	assert.Equal(t, 26, fault.Faults[0].Row)
	assert.Equal(t, 27, fault.Faults[0].Line)
	assert.Equal(t, minidb.CodeUnique, fault.Faults[0].Code)
	assert.EqualValues(t, 20, report.Rows, "two whole batches")
	rows, err := w.owner.Query(t.Context(), w.workspace, &lqp.Query{From: lqp.Source{Table: tbl.ID}})
	assert.Len(t, all(t, rows, err), 20)
}

func TestPreview(t *testing.T) {
	w := newWorld(t)
	tbl := w.table("T", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn}, minidb.ColumnSpec{Name: "N", Type: minidb.IntegerColumn})
	file := "Name;N;Rest\nM\xfcller;1;2024-02-29\n;x;\nc;y;2024-03-01\n"
	p, err := w.owner.PreviewImport(t.Context(), livetables.ImportSpec{Table: tbl.ID}, strings.NewReader(file))
	require.NoError(t, err)
	assert.EqualValues(t, 3, p.Rows)
	assert.Equal(t, ";", p.Separator)
	assert.EqualValues(t, "windows-1252", p.Encoding)
	assert.Equal(t, []string{"Müller", "1", "2024-02-29"}, p.Sample[0])
	require.Len(t, p.Columns, 3)
	assert.Equal(t, "Name", p.Columns[0].Name)
	assert.Equal(t, 1, p.Columns[0].Empty)
	assert.Equal(t, 2, p.Columns[1].Failing)
	assert.Equal(t, minidb.DateColumn, p.Columns[2].Type)
	assert.Empty(t, p.Columns[2].Column)
	require.Len(t, p.Faults, 3)
	assert.Equal(t, "Rest", p.Faults[0].Column)
	rows, err := w.owner.Query(t.Context(), w.workspace, &lqp.Query{From: lqp.Source{Table: tbl.ID}})
	assert.Empty(t, all(t, rows, err), "nothing is written")
	p, err = w.owner.PreviewImport(t.Context(), livetables.ImportSpec{Base: w.base}, strings.NewReader("A\n1\n\"x\n"))
	require.NoError(t, err)
	assert.Equal(t, "file", p.Faults[0].Code, "a broken file is told of with what could be read")
	_, err = w.viewer.PreviewImport(t.Context(), livetables.ImportSpec{Table: tbl.ID}, strings.NewReader(file))
	require.ErrorIs(t, err, livetables.ErrForbidden)
}

// TestTablesRoundTrip exports random tables in every format and imports them into a table of the same columns.
func TestTablesRoundTrip(t *testing.T) {
	w := newWorld(t)
	columns := []minidb.ColumnSpec{{Name: "Text", Type: minidb.LongTextColumn}, {Name: "N", Type: minidb.IntegerColumn},
		{Name: "D", Type: minidb.DecimalColumn, Options: minidb.ColumnOptions{Scale: 4}}, {Name: "B", Type: minidb.BooleanColumn},
		{Name: "Day", Type: minidb.DateColumn}, {Name: "At", Type: minidb.DateTimeColumn}, {Name: "Row", Type: minidb.IntegerColumn, Required: true}}
	names := []string{"Text", "N", "D", "B", "Day", "At", "Row"}
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		if round++; round > 8 { // each makes five tables
			return
		}
		table := func(name string) string { return w.table(fmt.Sprint(name, " ", round), columns...).ID }
		from := table("from")
		m := &lqp.Mutation{Op: lqp.Insert, Table: from}
		for i := range rapid.IntRange(1, 30).Draw(rt, "rows") {
			set := []lqp.Assignment{{Column: "Row", Value: lqp.IntValue(int64(i))}}
			if s := rapid.StringMatching(`['=+@\-\t]{0,2}[a-z"<&,;é\n ]{0,8}[a-z]`).Draw(rt, "text"); rapid.Bool().Draw(rt, "is") {
				set = append(set, lqp.Assignment{Column: "Text", Value: lqp.TextValue(s)})
			}
			if rapid.Bool().Draw(rt, "is") {
				d, err := lqp.ParseDecimal(rapid.StringMatching(`-?[1-9][0-9]{0,12}\.[0-9]{0,3}[1-9]`).Draw(rt, "decimal"))
				require.NoError(t, err)
				set = append(set, lqp.Assignment{Column: "N", Value: lqp.IntValue(rapid.Int64().Draw(rt, "int"))}, lqp.Assignment{Column: "D", Value: lqp.NumberValue(d)},
					lqp.Assignment{Column: "B", Value: lqp.BoolValue(rapid.Bool().Draw(rt, "bool"))})
			}
			if rapid.Bool().Draw(rt, "is") {
				set = append(set, lqp.Assignment{Column: "Day", Value: lqp.DateValue(rapid.Int64Range(-600_000, 2_900_000).Draw(rt, "day"))},
					lqp.Assignment{Column: "At", Value: lqp.DateTimeValue(rapid.Int64Range(-6e13, 2e14).Draw(rt, "at"))})
			}
			m.Rows = append(m.Rows, lqp.RowChange{Set: set})
		}
		_, err := w.owner.Apply(t.Context(), w.workspace, m)
		require.NoError(t, err)
		query := func(table string) *lqp.Query {
			return &lqp.Query{From: lqp.Source{Table: table}, Select: cols(t, names...), OrderBy: order(t, "Row")}
		}
		rows, err := w.owner.Export(t.Context(), w.workspace, query(from))
		want := all(t, rows, err)
		for _, format := range []livetables.Format{livetables.FormatCSV, livetables.FormatNDJSON, livetables.FormatJSON, livetables.FormatXLSX} {
			rows, err := w.owner.Export(t.Context(), w.workspace, query(from))
			require.NoError(t, err)
			var b bytes.Buffer
			n, err := livetables.WriteRows(&b, rows, format)
			require.NoError(t, err)
			require.NoError(t, rows.Close())
			into := table(string(format))
			report, err := w.owner.Import(t.Context(), livetables.ImportSpec{Table: into, Format: format}, bytes.NewReader(b.Bytes()))
			require.NoError(t, err, format)
			require.Equal(t, n, report.Rows)
			again, err := w.owner.Export(t.Context(), w.workspace, query(into))
			require.Equal(t, want, all(t, again, err), format)
		}
	})
}
