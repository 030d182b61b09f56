package sqlite

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/lqp"
)

// What is copied from the file without becoming a value is what the value would have been written as.
func TestCellsAreAppendedAsTheirValues(t *testing.T) {
	texts := []string{"2024-02-29 10:00:00.000", "2024-02-29 10:00:00.123", "2024-02-29 10:00:00.12Z", "2024-02-29 10:00:00.1+1", "2024-02-29 10:00:00.+01",
		"2024-02-29 10:00:00,123", "2024-02-30 10:00:00.123", "2024-02-29 24:00:00.000", "2024-02-29 23:59:60.000", "2024-02-29T10:00:00.123Z",
		"2024-02-29T10:00:00.1234", "2024-02-29 10:00:00", "2024-02-29 10:00", "2024-02-29", "2024-02-29 10:00+01:00.00", "0000-01-01 00:00:00.000",
		"9999-12-31 23:59:59.999", "2024-02-29 1o:00:00.000", "", "x"}
	statements := []string{"CREATE TABLE c (id INTEGER PRIMARY KEY, at DATETIME, day DATE, n DECIMAL(12,2), i INTEGER)"}
	for i, text := range texts {
		statements = append(statements, fmt.Sprintf("INSERT INTO c VALUES (%d, '%s', '%s', %d / 100.0, %d)", i, text, text, i*i-7, i-3))
	}
	a := openForeign(t, statements...)
	q := lqp.From("c").Columns("id", "at", "day", "n", "i").Sort("id").Query()
	pushed := planned(t, a, q)
	r, err := a.Scan(t.Context(), pushed)
	require.NoError(t, err)
	defer r.Close()
	rows := 0
	for ; r.Next(); rows++ {
		for i := range pushed.Select {
			require.Equal(t, string(r.Value(i).AppendJSON(nil)), string(r.AppendJSON(nil, i)), "%q, column %d", texts[rows], i)
		}
	}
	require.NoError(t, r.Err())
	require.Len(t, texts, rows)
}
