package livetables_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

func importFile(w *world, spec livetables.ImportSpec, file string) (*livetables.ImportReport, error) {
	return w.owner.Import(w.t.Context(), spec, strings.NewReader(file))
}

func TestImportMakesATable(t *testing.T) {
	w := newWorld(t)
	r, err := importFile(w, livetables.ImportSpec{Base: w.base, Name: "Stock"}, "Item;Count;Price;There;Code\nBolt;10;1,5;true;007\nNut;;;false;\n")
	require.NoError(t, err)
	assert.EqualValues(t, 2, r.Rows)
	tbl, err := w.owner.Table(t.Context(), r.Table)
	require.NoError(t, err)
	types := map[string]minidb.ColumnType{}
	for _, c := range tbl.Columns {
		types[c.Name] = c.Type
	}
	assert.Equal(t, map[string]minidb.ColumnType{"Item": minidb.TextColumn, "Count": minidb.IntegerColumn, "Price": minidb.TextColumn,
		"There": minidb.BooleanColumn, "Code": minidb.TextColumn}, types)
	rows, err := w.viewer.Query(t.Context(), w.workspace, &lqp.Query{From: lqp.Source{Table: r.Table}, Select: cols(t, "Item", "Count", "There", "Code"), OrderBy: order(t, "Item")})
	assert.Equal(t, []string{"Bolt|10|true|007", "Nut|NULL|false|NULL"}, all(t, rows, err))
	log, err := w.owner.AuditLog(t.Context(), w.workspace, livetables.HistoryFilter{ResourceType: "row"})
	require.NoError(t, err)
	assert.Len(t, log, 2, "one record for each row")
}

func TestImportIsAllOrNothing(t *testing.T) {
	w := newWorld(t)
	tbl := w.table("T", minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn, Required: true}, minidb.ColumnSpec{Name: "N", Type: minidb.IntegerColumn, Unique: true})
	long := "Name,N\n"
	for i := range 700 {
		long += sprint("n%d,%d\n", i, i)
	}
	for _, tc := range []struct {
		name, file string
		want       livetables.ImportFault
	}{
		{"not a number", "Name,N\na,1\nb,x\n", livetables.ImportFault{Line: 3, Row: 2, Column: "N", Code: "value"}},
		{"broken quoting", "Name,N\na,1\n\"b,2\n", livetables.ImportFault{Line: 3, Row: 2, Code: "file"}},
		{"mixed encodings", "Name,N\nä,1\na\xe9,1\n", livetables.ImportFault{Line: 3, Row: 2, Column: "Name", Code: "encoding"}},
		{"unknown header", "Name,M\na,1\n", livetables.ImportFault{Line: 1, Column: "M", Code: "header"}},
		{"required", "Name,N\na,1\n,2\n", livetables.ImportFault{Line: 3, Row: 2, Column: "Name", Code: "required"}},
		{"unique, at the very end", long + "again,0\n", livetables.ImportFault{Line: 702, Row: 701, Column: "N", Code: "unique"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := importFile(w, livetables.ImportSpec{Table: tbl.ID}, tc.file)
			var fault *livetables.ImportError
			require.ErrorAs(t, err, &fault)
			got := fault.Faults[0]
			assert.NotEmpty(t, got.Message)
			got.Message = ""
			assert.Equal(t, tc.want, got)
			assert.Equal(t, livetables.CodeInvalid, livetables.Code(err))
			rows, err := w.owner.Query(t.Context(), w.workspace, &lqp.Query{From: lqp.Source{Table: tbl.ID}})
			assert.Empty(t, all(t, rows, err), "nothing is half-imported")
		})
	}
	before, err := w.owner.Tables(t.Context(), w.base)
	require.NoError(t, err)
	_, err = importFile(w, livetables.ImportSpec{Base: w.base, Name: "New"}, "A,B\n1\n")
	require.Error(t, err)
	after, err := w.owner.Tables(t.Context(), w.base)
	require.NoError(t, err)
	assert.Len(t, after, len(before), "no table of a failed import stays")
}

func TestExportIsImportedBack(t *testing.T) {
	w := newWorld(t)
	file := "Text,Number,Date\r\n'=1+1,1.50,2024-02-29\r\n\"a \"\"b\"\",\r\nc\",-2.00,\r\n'+49,3.00,2024-01-01\r\n"
	r, err := importFile(w, livetables.ImportSpec{Base: w.base, Name: "A"}, file)
	require.NoError(t, err)
	q := func(table string) *lqp.Query {
		return &lqp.Query{From: lqp.Source{Table: table}, Select: cols(t, "Text", "Number", "Date"), OrderBy: order(t, "_created_at", "_id")}
	}
	export := func(table string) string {
		rows, err := w.viewer.Export(t.Context(), w.workspace, q(table))
		require.NoError(t, err)
		defer rows.Close()
		var b bytes.Buffer
		_, err = livetables.WriteRows(&b, rows, livetables.FormatCSV)
		require.NoError(t, err)
		return b.String()
	}
	first := export(r.Table)
	assert.Contains(t, first, "'=1+1,1.5,2024-02-29", "a formula is not run by a spreadsheet")
	again, err := importFile(w, livetables.ImportSpec{Base: w.base, Name: "B"}, first)
	require.NoError(t, err)
	assert.Equal(t, first, export(again.Table))
	rows, err := w.viewer.Query(t.Context(), w.workspace, q(again.Table))
	assert.Equal(t, "=1+1|1.5|2024-02-29", all(t, rows, err)[0])
}
