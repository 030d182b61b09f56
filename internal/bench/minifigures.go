package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// The ways in which the mini-DB is compared with statements by hand.
const (
	inProcess = "in process" // Access against statements, both in this program
	overHTTP  = "over HTTP"  // livetablesd against a server by hand, as the targets are defined
)

// figures are the ratios of the mini-DB: a line for each figure, a column for each database, size and way.
type figures struct {
	columns []string
	lines   []figureLine
}

type figureLine struct {
	what, target string
	cells        map[string]figureCell // by column
}

// figureCell has the median ratio, and that of the CPU time; 0 where it cannot be known.
type figureCell struct{ ratio, cpu float64 }

// add takes a ratio. Lines and columns stand in the order in which they first came.
func (f *figures) add(what, target, column string, cell figureCell) {
	if !slices.Contains(f.columns, column) {
		f.columns = append(f.columns, column)
	}
	i := slices.IndexFunc(f.lines, func(l figureLine) bool { return l.what == what })
	if i < 0 {
		i = len(f.lines)
		f.lines = append(f.lines, figureLine{what: what, target: target, cells: map[string]figureCell{}})
	}
	f.lines[i].cells[column] = cell
}

func (c figureCell) String() string {
	switch {
	case c == figureCell{}:
		return ""
	case c.cpu == 0:
		return ratioText(c.ratio)
	}
	return ratioText(c.ratio) + " (" + ratioText(c.cpu) + ")"
}

func ratioText(r float64) string {
	if r >= 9.95 {
		return fmt.Sprintf("%.0f", r)
	}
	return fmt.Sprintf("%.2f", r)
}

// table is the figures as rows of texts, the heading first.
func (f *figures) table() [][]string {
	table := [][]string{append([]string{"figure, CPU in parentheses", "target"}, f.columns...)}
	for _, l := range f.lines {
		row := []string{l.what, l.target}
		for _, c := range f.columns {
			row = append(row, l.cells[c].String())
		}
		table = append(table, row)
	}
	return table
}

// print writes a table of texts, the heading first, with its columns below each other or as Markdown.
func printTable(w io.Writer, table [][]string, markdown bool) {
	if !markdown {
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		for _, row := range table {
			fmt.Fprintln(t, strings.Join(row, "\t")) //nolint:errcheck // terminal output
		}
		t.Flush() //nolint:errcheck // terminal output
		return
	}
	for i, row := range table {
		text := "|"
		for _, cell := range row {
			text += " " + strings.ReplaceAll(cell, "|", `\|`) + " |"
		}
		if i == 0 {
			text += "\n|" + strings.Repeat("---|", len(row))
		}
		fmt.Fprintln(w, strings.ReplaceAll(text, "|  |", "| |")) //nolint:errcheck // terminal output
	}
}
