package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/livetables/livetables/formula"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// tableRules are the rules of a table's rows as they are sent: columns by name or id, checks as formulas or trees.
type tableRules struct {
	Uniques []minidb.UniqueSet `json:"uniques"`
	Checks  []minidb.Check     `json:"checks"`
	// RequireVersion wants every change of a row to name the version it is based on, or to say that it overwrites.
	RequireVersion bool `json:"require_version"`
}

// rules are the rules with their formulas as trees.
func (in *tableRules) rules() (*minidb.TableRules, error) {
	to := &minidb.TableRules{Uniques: in.Uniques, RequireVersion: in.RequireVersion}
	var faults []FieldError
	for i, k := range in.Checks {
		at := fmt.Sprintf("$.rules.checks[%d].expr", i)
		if len(k.Expr) == 0 || string(k.Expr) == "null" {
			faults = append(faults, FieldError{Path: at, Code: minidb.CodeRequired, Message: "a check has a formula"})
			continue
		}
		e, err := lqp.DecodeExpr(k.Expr, lqp.DecodeOptions{Formula: formula.Parse, Syntaxes: formula.Syntaxes()})
		var problems lqp.Problems
		if errors.As(err, &problems) {
			faults = append(faults, problemFields(problems, at)...)
			continue
		}
		if err != nil {
			return nil, err
		}
		k.Expr = json.RawMessage(lqp.EncodeExpr(e))
		to.Checks = append(to.Checks, k)
	}
	if len(faults) > 0 {
		return nil, invalidProblem("the rules of the table cannot be used", faults...)
	}
	return to, nil
}
