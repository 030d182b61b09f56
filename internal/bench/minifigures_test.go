package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFiguresAreOneTable(t *testing.T) {
	var f figures
	f.add("get a row", "T4: >= 1.0", "SQLite, in process", figureCell{0.234, 3.14})
	f.add("export", "", "SQLite, in process", figureCell{0.4, 0})
	f.add("get a row", "T4: >= 1.0", "SQLite, over HTTP", figureCell{12.3, 1})
	var out bytes.Buffer
	printTable(&out, f.table(), true)
	require.Equal(t, `| figure, CPU in parentheses | target | SQLite, in process | SQLite, over HTTP |
|---|---|---|---|
| get a row | T4: >= 1.0 | 0.23 (3.14) | 12 (1.00) |
| export | | 0.40 | |
`, out.String())
	out.Reset()
	printTable(&out, [][]string{{"a", "b"}, {"long", "c"}}, false)
	require.Equal(t, "a     b\nlong  c\n", out.String())
}
