package tabular

import (
	"context"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/livetables/livetables/lqp"
)

// Inferred is what the cells of one column have in common.
type Inferred struct {
	Kind    lqp.Kind // Text when nothing narrower fits
	Integer bool     // of a Number: every cell is a whole number of 64 bits
	Scale   int      // of a Number: most decimals of a cell
	Digits  int      // of a Number: most digits before the point
	Longest int      // of a Text: code points
	Form    Form     // of a Text: what every cell is written as
	Empty   int      // empty cells
	Rows    int
}

// Infer reads the whole file and finds for every column the narrowest kind that fits each of its cells. Text that merely
// looks like a number stays text: leading zeros, plus signs, what the file says is a text.
func Infer(ctx context.Context, f Reader) ([]Inferred, error) {
	in := NewInference(len(f.Header()))
	for {
		record, err := f.Next()
		if errors.Is(err, io.EOF) {
			return in.Columns(), nil
		}
		if err != nil {
			return nil, err
		}
		if f.Row()%1024 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		in.Add(record)
	}
}

// Inference finds the kinds of columns record by record.
type Inference struct {
	cols []Inferred
	fits []candidates
}

// NewInference is an inference about so many columns.
func NewInference(width int) *Inference {
	in := &Inference{cols: make([]Inferred, width), fits: make([]candidates, width)}
	for i := range in.fits {
		in.fits[i] = allCandidates
	}
	return in
}

// Add takes a record into account.
func (in *Inference) Add(record []Cell) {
	for i, cell := range record {
		col := &in.cols[i]
		col.Rows++
		col.Longest = max(col.Longest, utf8.RuneCountInString(cell.Text))
		if cell.Text == "" {
			col.Empty++
			continue
		}
		in.fits[i].narrow(cell, col)
	}
}

// Columns is what was found.
func (in *Inference) Columns() []Inferred {
	for i := range in.cols {
		in.fits[i].decide(&in.cols[i])
	}
	return in.cols
}

type candidates struct {
	boolean, integer, number, date, instant bool
	forms                                   forms
}

var allCandidates = candidates{true, true, true, true, true, allForms}

func (c *candidates) narrow(in Cell, col *Inferred) {
	cell := in.Text
	c.forms.narrow(cell)
	if c.boolean {
		lower := strings.ToLower(cell)
		c.boolean = !in.Quoted && (lower == "true" || lower == "false")
	}
	if c.number {
		c.number = !in.Quoted && plainNumber(cell)
	}
	if c.number {
		v, err := lqp.ParseText(lqp.Type{Kind: lqp.Number}, cell)
		c.number = err == nil && !v.IsNull()
		if c.number {
			if _, whole := v.Decimal().Int64(); !whole || strings.ContainsRune(cell, '.') {
				c.integer = false
			}
			whole, fraction, _ := strings.Cut(strings.TrimPrefix(cell, "-"), ".")
			col.Scale, col.Digits = max(col.Scale, len(fraction)), max(col.Digits, len(whole))
		}
	}
	if c.date {
		_, err := lqp.ParseText(lqp.Type{Kind: lqp.Date}, cell)
		c.date = err == nil && len(cell) == len("2006-01-02")
	}
	if c.instant {
		_, err := lqp.ParseText(lqp.Type{Kind: lqp.DateTime}, cell)
		c.instant = err == nil && len(cell) > len("2006-01-02")
	}
}

// plainNumber reports whether a cell is written as numbers are: digits without leading zeros, perhaps a sign and decimals.
func plainNumber(s string) bool {
	s = strings.TrimPrefix(s, "-")
	whole, fraction, point := strings.Cut(s, ".")
	if whole == "" || (len(whole) > 1 && whole[0] == '0') || (point && fraction == "") || len(fraction) > 10 {
		return false
	}
	return strings.Trim(whole, "0123456789") == "" && strings.Trim(fraction, "0123456789") == ""
}

func (c candidates) decide(col *Inferred) {
	col.Kind = lqp.Text
	switch {
	case col.Rows == col.Empty:
	case c.boolean:
		col.Kind = lqp.Bool
	case c.number:
		col.Kind, col.Integer = lqp.Number, c.integer
	case c.date:
		col.Kind = lqp.Date
	case c.instant:
		col.Kind = lqp.DateTime
	default:
		col.Form = c.forms.only()
	}
}
