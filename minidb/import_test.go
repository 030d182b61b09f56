package minidb_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// stream delivers n rows of name and code; change may alter one. The slice is used again, as the contract allows.
func stream(n int, change func(i int, row []lqp.Value) error) func() ([]lqp.Value, error) {
	row := make([]lqp.Value, 2)
	i := -1
	return func() ([]lqp.Value, error) {
		if i++; i == n {
			return nil, io.EOF
		}
		row[0], row[1] = text(fmt.Sprintf("name %d", i)), text(fmt.Sprintf("code %d", i))
		if change != nil {
			if err := change(i, row); err != nil {
				return nil, err
			}
		}
		return row, nil
	}
}

func TestImport(t *testing.T) {
	f := newFixture(t, minidb.Options{MaxRows: 10})
	g := f.table(goods)
	g.add(values{"Name": text("before"), "Code": text("taken")})
	const n = 1000
	columns := []string{g.id("Name"), g.id("Code")}
	broken := errors.New("broken quoting in line 900")
	small := g.where("ne", "Code", text("code 700"))
	for _, c := range []struct {
		name   string
		im     minidb.Import
		fields []minidb.FieldError
		is     error
	}{
		{name: "the source fails", im: minidb.Import{Next: stream(n, func(i int, _ []lqp.Value) error {
			if i == 900 {
				return broken
			}
			return nil
		})}, is: broken},
		{name: "a row in the middle fails", im: minidb.Import{Next: stream(n, func(i int, row []lqp.Value) error {
			if i == 600 {
				row[0] = lqp.Value{}
			}
			if i == 800 {
				row[1] = num(1)
			}
			return nil
		})}, fields: []minidb.FieldError{{Row: 600, Column: g.id("Name"), Code: minidb.CodeRequired}, {Row: 800, Column: g.id("Code"), Code: minidb.CodeType}}},
		{name: "twice in the stream", im: minidb.Import{Next: stream(n, func(i int, row []lqp.Value) error {
			if i == 700 {
				row[1] = text("code 3")
			}
			return nil
		})}, fields: []minidb.FieldError{{Row: 700, Column: g.id("Code"), Code: minidb.CodeUnique}}},
		{name: "taken", im: minidb.Import{Next: stream(n, func(i int, row []lqp.Value) error {
			if i == 300 {
				row[1] = text("taken")
			}
			return nil
		})}, fields: []minidb.FieldError{{Row: 300, Column: g.id("Code"), Code: minidb.CodeUnique}}},
		{name: "a row outside the rule", im: minidb.Import{Next: stream(n, nil), Guard: minidb.Guard{Create: small}}, is: minidb.ErrForbidden},
		{name: "too many rows", im: minidb.Import{Next: stream(n, nil), MaxRows: n - 1}, is: minidb.ErrLimit},
		{name: "an unknown column", im: minidb.Import{Next: stream(n, nil), Columns: []string{"col_x", "_version"}}, fields: []minidb.FieldError{
			{Column: "col_x", Code: minidb.CodeUnknownColumn}, {Column: "_version", Code: minidb.CodeReadOnly}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.im.Table = g.Table
			if c.im.Columns == nil {
				c.im.Columns = columns
			}
			log := f.count("SELECT count(*) FROM lt_change")
			_, err := f.ImportRows(f.ctx, alice, c.im)
			if c.is != nil {
				require.ErrorIs(t, err, c.is)
			} else {
				var v *minidb.ValidationError
				require.ErrorAs(t, err, &v)
				for i := range v.Fields {
					v.Fields[i].Message = ""
				}
				require.Equal(t, c.fields, v.Fields)
			}
			require.Len(t, g.stored(), 1, "nothing is half imported")
			require.Equal(t, log, f.count("SELECT count(*) FROM lt_change"))
		})
	}

	rows, err := f.ImportRows(f.ctx, alice, minidb.Import{Table: g.Table, Columns: columns, Next: stream(n, nil), DryRun: true})
	require.NoError(t, err)
	require.Equal(t, int64(n), rows)
	require.Len(t, g.stored(), 1)

	rows, err = f.ImportRows(f.ctx, alice, minidb.Import{Table: g.Table, Columns: columns, Next: stream(n, nil), Reason: "from file", MaxRows: n,
		Guard: minidb.Guard{Create: g.where("ne", "Code", text("other"))}})
	require.NoError(t, err)
	require.Equal(t, int64(n), rows)
	require.Len(t, g.stored(), n+1)
	changes, err := f.TableChanges(f.ctx, g.ID, 2, 0)
	require.NoError(t, err)
	require.Len(t, changes, n)
	require.Equal(t, "from file", changes[n-1].Reason)
	require.NotEmpty(t, changes[0].Batch)
	require.Equal(t, changes[0].Batch, changes[n-1].Batch, "an import is one batch")
	readLog(t, f.DB)
}

func TestImportGivesUpAfterManyErrors(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods)
	read := 0
	_, err := f.ImportRows(f.ctx, alice, minidb.Import{Table: g.Table, Columns: []string{g.id("Name"), g.id("Code")},
		Next: stream(100_000, func(_ int, row []lqp.Value) error { read++; row[0] = num(1); return nil })})
	var v *minidb.ValidationError
	require.ErrorAs(t, err, &v)
	require.Len(t, v.Fields, 100)
	require.Less(t, read, 1000)
}
