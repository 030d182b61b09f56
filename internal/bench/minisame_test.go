package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnswersAreCompared(t *testing.T) {
	cells, err := json.Marshal(newCells(7))
	require.NoError(t, err)
	row := string(cells)
	hand := `[` + row + `]`
	ours := `{"data":[{"id":"x","fields":` + strings.Replace(row, `"due":"2024-10-04"`, `"due":"2024-10-04T00:00:00Z"`, 1) + `}]}`
	for _, c := range []struct {
		name, hand, ours, err string
		rows                  int
	}{
		{name: "the same, written otherwise", hand: hand, ours: ours, rows: 1},
		{name: "a row alone", hand: hand, ours: row, rows: 1},
		{name: "another value", hand: hand, ours: strings.Replace(ours, `"stock":2`, `"stock":3`, 1), rows: 1, err: "row 0 has stock 2 by hand and 3 in ours"},
		{name: "another time", hand: hand, ours: strings.Replace(ours, `"placed":"2024-10-04T00:00:00.000Z"`, `"placed":"2024-10-04T00:00:00.001Z"`, 1), rows: 1, err: "row 0 has placed"},
		{name: "a value is missing", hand: hand, ours: strings.Replace(ours, `"stock":2,`, ``, 1), rows: 1, err: "row 0 has stock 2 by hand and <nil> in ours"},
		{name: "a row is missing", hand: hand, ours: `{"data":[]}`, rows: 1, err: "1 rows by hand and 0 of ours in the place of 1"},
		{name: "both lack a row", hand: hand, ours: ours, rows: 2, err: "in the place of 2"},
		{name: "no JSON", hand: hand, ours: "Bad Gateway", rows: 1, err: "ours: Bad Gateway"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := sameFields(c.rows, []byte(c.hand), []byte(c.ours))
			if c.err == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.err)
		})
	}
}
