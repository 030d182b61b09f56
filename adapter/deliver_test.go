package adapter_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// counted is a table that counts what is asked of it.
type counted struct {
	rows
	asked  map[int]int // values by column
	closed int
	end    error
}

func (c *counted) Value(i int) lqp.Value { c.asked[i]++; return c.rows.Value(i) }
func (c *counted) Close() error          { c.closed++; return nil }
func (c *counted) Err() error            { return c.end }

// opened delivers table t with columns of its own.
func opened(c *counted, columns ...lqp.Column) adapter.TableReader {
	if columns == nil {
		columns = splitTables["t"].Columns
	}
	return func(context.Context, *lqp.Table) ([]lqp.Column, lqp.RowReader, error) { return columns, c, nil }
}

// wide is a row for every column of table t, all of them NULL but the id.
func wide(ids ...int64) (cells [][]lqp.Value) {
	for _, id := range ids {
		row := make([]lqp.Value, len(splitTables["t"].Columns))
		for i, c := range splitTables["t"].Columns {
			if c.ID == "id" {
				row[i] = lqp.IntValue(id)
			}
		}
		cells = append(cells, row)
	}
	return cells
}

func TestDeliverReadsWhatIsWanted(t *testing.T) {
	c := &counted{rows: rows{cells: wide(1, 2, 3)}, asked: map[int]int{}, end: io.EOF}
	q := bindSplit(t, `{"source":{"table":"t"},"columns":["id"],"filters":"{id} > 1"}`)
	r, err := adapter.Deliver(t.Context(), q, opened(c))
	require.NoError(t, err)
	var got []string
	for r.Next() {
		got = append(got, string(r.AppendJSON([]byte("id "), 0)))
	}
	require.NoError(t, r.Err(), "io.EOF is the end")
	require.NoError(t, r.Close())
	require.NoError(t, r.Close())
	require.Equal(t, []string{"id 2", "id 3"}, got)
	require.Len(t, c.asked, 1, "no other column is decoded")
	require.Equal(t, 1, c.closed)
}

func TestDeliverNoticesWhatChanged(t *testing.T) {
	q := bindSplit(t, `{"source":{"table":"t"},"columns":["id"]}`)
	for name, columns := range map[string][]lqp.Column{
		"column went away": {{ID: "a", Type: lqp.Type{Kind: lqp.Number}}},
		"kind changed":     {{ID: "id", Type: lqp.Type{Kind: lqp.Text}}},
	} {
		t.Run(name, func(t *testing.T) {
			c := &counted{rows: rows{cells: wide(1)}, asked: map[int]int{}}
			r, err := adapter.Deliver(t.Context(), q, opened(c, columns...))
			require.NoError(t, err)
			require.False(t, r.Next())
			require.ErrorIs(t, r.Err(), adapter.ErrNoTable)
			require.ErrorContains(t, r.Err(), "no column id of kind number any more")
			require.Equal(t, 1, c.closed)
		})
	}
	moved := []lqp.Column{{ID: "new", Type: lqp.Type{Kind: lqp.Text}}, {ID: "id", Type: lqp.Type{Kind: lqp.Number}}}
	c := &counted{rows: rows{cells: [][]lqp.Value{{lqp.TextValue("x"), lqp.IntValue(7)}}}, asked: map[int]int{}}
	r, err := adapter.Deliver(t.Context(), q, opened(c, moved...))
	require.NoError(t, err)
	require.True(t, r.Next())
	require.Equal(t, "7", r.Value(0).String(), "a column is found by its id")
	require.NoError(t, r.Close())
	require.False(t, r.Next(), "nothing comes after Close")
}

func TestDeliverEnds(t *testing.T) {
	q := bindSplit(t, `{"source":{"table":"t"},"columns":["id"]}`)
	broken := errors.New("line 7 is torn")
	for name, end := range map[string]error{"failure": broken, "torn end": fmt.Errorf("wrapped: %w", io.EOF), "sudden end": io.ErrUnexpectedEOF} {
		t.Run(name, func(t *testing.T) {
			r, err := adapter.Deliver(t.Context(), q, opened(&counted{rows: rows{cells: wide(1)}, asked: map[int]int{}, end: end}))
			require.NoError(t, err)
			require.True(t, r.Next())
			require.False(t, r.Next())
			require.ErrorIs(t, r.Err(), end)
			require.NoError(t, r.Close())
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	c := &counted{rows: rows{cells: wide(1, 2, 3)}, asked: map[int]int{}}
	r, err := adapter.Deliver(ctx, q, opened(c))
	require.NoError(t, err)
	require.True(t, r.Next())
	cancel()
	require.False(t, r.Next(), "the context ends the rows at once")
	require.ErrorIs(t, r.Err(), context.Canceled)
	require.Equal(t, 1, c.closed)
	_, err = adapter.Deliver(ctx, q, opened(c))
	require.ErrorIs(t, err, context.Canceled)
}

func TestTextCell(t *testing.T) {
	for _, c := range []struct {
		kind       lqp.Kind
		text, want string
	}{
		{lqp.Text, "", `""`}, {lqp.Text, " é\n", `" é\n"`}, {lqp.Text, "a\x00", "null"}, {lqp.Text, "\xff", "null"}, {lqp.Text, "null", `"null"`},
		{lqp.Number, "-12.50", "-12.5"}, {lqp.Number, "9007199254740993", "9007199254740993"}, {lqp.Number, "", "null"},
		{lqp.Number, "12abc", "null"}, {lqp.Number, "100000000000000000000", "null"}, {lqp.Number, `1"`, "null"}, {lqp.Number, "null", "null"},
		{lqp.Float, "0.1", "0.1"}, {lqp.Float, "NaN", "null"}, {lqp.Float, "1e999", "null"},
		{lqp.Bool, "true", "true"}, {lqp.Bool, "false", "false"}, {lqp.Bool, "yes", "null"}, {lqp.Bool, "", "null"},
		{lqp.Date, "2024-02-29", `"2024-02-29"`}, {lqp.Date, "2024-02-30", "null"},
		{lqp.DateTime, "2024-02-29T10:00:00+01:00", `"2024-02-29T09:00:00.000Z"`}, {lqp.DateTime, "2024-02-29", "null"},
		{lqp.List, "[1]", "null"}, {lqp.JSON, "{}", "null"}, {lqp.Bytes, "YQ==", "null"}, {lqp.Null, "x", "null"},
	} {
		got := adapter.TextCell(lqp.Type{Kind: c.kind, NotNull: true}, c.text)
		require.Equal(t, c.want, string(got.AppendJSON(nil)), "%s %q", c.kind, c.text)
	}
}

// FuzzTextCell: any text is a value of the kind or NULL, and what is written of it is read again as the same value.
func FuzzTextCell(f *testing.F) {
	for _, s := range []string{"", "1", "-0.0", "true", "2024-02-29", "2024-02-29T10:00:00Z", `"`, "\\u0000", "1e400", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for k := lqp.Null; k <= lqp.Bytes; k++ {
			v := adapter.TextCell(lqp.Type{Kind: k}, s)
			if v.IsNull() {
				continue
			}
			require.Equal(t, k, v.Kind(), "%q", s)
			again := adapter.TextCell(lqp.Type{Kind: k}, v.String())
			require.True(t, lqp.Equal(v, again), "%s from %q, then %s", v, s, again)
		}
	})
}

// The rows of a source that can only be read from its beginning. Everything but the reading is done by Deliver.
func ExampleDeliver() {
	cells := [][]lqp.Value{{lqp.TextValue("Lyon"), lqp.IntValue(522_000)}, {lqp.TextValue("Pau"), lqp.IntValue(77_000)}}
	city := &lqp.Table{Name: "city", Columns: []lqp.Column{
		{ID: "name", Type: lqp.Type{Kind: lqp.Text}}, {ID: "people", Type: lqp.Type{Kind: lqp.Number}},
	}}
	q, _ := lqp.Bind(lqp.From("city").Columns("people").Query(), lqp.Env{Table: func(_, _ string) (*lqp.Table, error) { return city, nil }})
	delivered, _ := adapter.Deliver(context.Background(), q, func(context.Context, *lqp.Table) ([]lqp.Column, lqp.RowReader, error) {
		return city.Columns, &rows{cells: cells}, nil
	})
	defer delivered.Close()
	for delivered.Next() {
		fmt.Println(delivered.Value(0))
	}
	// Output:
	// 522000
	// 77000
}
