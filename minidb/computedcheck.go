package minidb

import (
	"errors"
	"fmt"

	"github.com/livetables/livetables/formula"
	"github.com/livetables/livetables/lqp"
)

// FormulaReport says what is known of a formula that nobody has stored yet.
type FormulaReport struct {
	Valid bool `json:"valid"`
	// Result is the type that the column would have; nil for a formula with mistakes.
	Result *ResultType `json:"result,omitempty"`
	// Was is the type that the column has which the formula is meant for, nil for a new column.
	Was *ResultType `json:"was,omitempty"`
	// Reads are the ids of the columns that the formula reads.
	Reads []string `json:"reads"`
	// Errors are the mistakes, with their places in the text in code points.
	Errors []lqp.Problem `json:"errors"`
}

// CheckFormula says what a formula column of the table would be, as somebody sees the table for whom scope has the columns.
// column is the id of the formula column that the formula is meant for, empty for a new one.
func (t *Table) CheckFormula(text string, scope lqp.Scope, column string) *FormulaReport {
	r := &FormulaReport{Reads: []string{}, Errors: []lqp.Problem{}}
	if c, ok := t.Column(column); ok {
		r.Was = c.Options.Result
	}
	checked, err := checkKept(text, scope)
	if err == nil {
		r.Result, r.Reads = checked.result, checked.reads
		err = t.checkCircle(column, checked.tree)
	}
	var problems lqp.Problems
	switch {
	case err == nil:
		r.Valid = true
	case errors.As(err, &problems):
		r.Errors, r.Result = problems, nil
	default:
		r.Errors, r.Result = []lqp.Problem{{Path: "$", Code: lqp.CodeSyntax, Message: err.Error()}}, nil
	}
	return r
}

// keptFormula is a formula whose values can be kept.
type keptFormula struct {
	tree   lqp.Expr
	result *ResultType
	reads  []string
}

func checkKept(text string, scope lqp.Scope) (*keptFormula, error) {
	read, err := readFormula(text, nil, scope, "$")
	if err != nil {
		return nil, err
	}
	checked, err := formula.Check(text, formula.CheckOptions{Scope: scope})
	if err != nil {
		return nil, err
	}
	k := &keptFormula{tree: read.tree, reads: formula.Reads(checked.Bound)}
	if k.reads == nil {
		k.reads = []string{}
	}
	if k.result, err = resultOf(checked.Bound.Type()); err != nil {
		return nil, lqp.Problems{{Path: "$", Code: lqp.CodeTypeMismatch, To: len([]rune(text)), Message: "the values of the formula cannot be kept: " + err.Error()}}
	}
	return k, nil
}

// checkCircle refuses a formula for a column that it would read itself, by way of others of the table.
func (t *Table) checkCircle(column string, tree lqp.Expr) error {
	if column == "" {
		return nil
	}
	defs := t.layout.definitions(t)
	for i := range defs {
		if defs[i].ID == column {
			defs[i].Expr = tree
		}
	}
	_, err := formula.Depend(defs)
	var circle *formula.CycleError
	if errors.As(err, &circle) {
		return lqp.Problems{{Path: "$", Code: lqp.CodeCycle, Message: circle.Error()}}
	}
	return err
}

// FormulaByID is a formula with the ids of columns in the place of their names, comments and blanks as they were: what is
// called by a name in one scope is found in any other then. Mistakes are lqp.Problems.
func FormulaByID(text string, scope lqp.Scope) (string, error) {
	read, err := readFormula(text, nil, scope, "$")
	if err != nil {
		return "", err
	}
	if _, err := formula.Check(text, formula.CheckOptions{Scope: scope}); err != nil {
		return "", err
	}
	return read.text, nil
}

// FormulaText is the text of a tree as lqp.EncodeExpr writes it.
func FormulaText(tree []byte) (string, error) {
	e, err := lqp.DecodeExpr(tree, lqp.DecodeOptions{})
	if err != nil {
		return "", fmt.Errorf("formula: %w", err)
	}
	return formula.Print(e, nil), nil
}
