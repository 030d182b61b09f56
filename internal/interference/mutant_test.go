package interference

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/testseed"
)

// mutants are mistakes in the code that keeps things out of sight: in a file, something in the place of something else.
var mutants = []struct{ name, file, was, is string }{
	{"the row rule is forgotten under a right or full join", "internal/rewrite/guard.go", "From: src, Where: requalify(s.read, src.Alias)}", "From: src}"},
	{"the row rule is forgotten in nested queries", "internal/rewrite/guard.go", "case !inline[i] || s.read == nil:", "case !inline[i] || s.read == nil || c.Page.Limit != rw.in.DefaultLimit && c.Page.Limit == 0:"},
	{"the row rule of a joined table is forgotten", "internal/rewrite/guard.go", "j.On = lqp.And(j.On, requalify(s.read, j.Source.Alias))", "_ = j"},
	{"the row rule is forgotten in counts", "internal/rewrite/plan.go", "outer.From, outer.Joins, outer.Where = inner.From, inner.Joins, inner.Where", "outer.From, outer.Joins, outer.Where = inner.From, inner.Joins, p.asked.Where"},
	{"an OR leads past the row rule", "internal/rewrite/guard.go", "c.Where = lqp.And(requalify(s.read, c.From.Alias), c.Where)", "c.Where = orElse(requalify(s.read, c.From.Alias), c.Where)"},
	{"masks are forgotten in the order", "internal/rewrite/guard.go", "// Rules come after the masks were put in", "if _, total := lqp.OrderKey(q); !total {\nc.OrderBy = q.OrderBy\n}\n//"},
	{"masks are forgotten in group keys", "internal/rewrite/guard.go", "// Rules come after the masks were put in", "c.GroupBy = q.GroupBy\n//"},
	{"masks are forgotten in aggregates", "internal/rewrite/guard.go", "// Rules come after the masks were put in", "c.Aggregates = q.Aggregates\n//"},
	{"masks are forgotten in filters", "internal/rewrite/guard.go", "// Rules come after the masks were put in", "c.Where = q.Where\n//"},
	{"masks are forgotten in join conditions", "internal/rewrite/guard.go", "// Rules come after the masks were put in", "for i := range c.Joins { c.Joins[i].On = q.Joins[i].On }\n//"},
	{"masks are made of missing rows", "internal/rewrite/guard.go", "outer || i > 0 && c.Joins[i-1].Kind == lqp.Left && len(s.masks) > 0", "outer"},
	{"closed tables are hinted at", "internal/rewrite/plan.go", "return rule.Closed\n", "return false\n"},
	{"masked columns keep their facets", "internal/rewrite/sight.go", "Type: mask.Type(), ReadOnly:", "Type: c.Type, ReadOnly:"},
	{"masked keys stay keys", "internal/rewrite/sight.go", "if slices.ContainsFunc(t.Key, touched) {", "if false {"},
	{"a missing attribute opens", "internal/rewrite/sight.go", "if s.read, err = r.predicate(rule.Read, t); err != nil {", "if s.read, err = r.predicate(rule.Read, t); err != nil && s.read != nil {"},
	{"events and history forget the row rule", "internal/rewrite/sight.go", "return s.read == nil || lqp.Truth(lqp.Eval(s.visible, row))", "return true || lqp.Truth(lqp.Eval(s.visible, row))"},
	{"results and events forget masks", "internal/rewrite/sight.go", "s.shown = append(s.shown, cell{mask: placed})", "s.shown = append(s.shown, cell{at: i})\n_ = placed"},
	{"filters of writes see real values", "internal/rewrite/sight.go", "return s.unmask(bound, Alias), nil", "return bound, nil"},
	{"masked columns are written", "mutate.go", "case access == rbac.Masked && !seen.WritesLinks(id):", "case false:"},
	{"rows are estimated in spite of a rule", "discovery.go", "if at.Narrows() {", "if false {"},
	{"plans are explained with their rules", "internal/exec/explain.go", "if len(x.Rules) == 0 {\n\t\treturn x\n\t}\n\tx.Plan", "if true {\n\t\treturn x\n\t}\n\tx.Plan"},
	{"the rules of a custom role's base are forgotten", "rbac/policy.go", "rule = both(p.Rules[t][base], rule)", "_ = base"},
	{"lookups forget the row rules of linked tables", "internal/rewrite/origin.go", "if of.Closed || of.Read != nil || hides(a) || a == rbac.Masked {", "if of.Closed || hides(a) || a == rbac.Masked {"},
	{"lookups show hidden columns of linked tables", "internal/rewrite/origin.go", "if of.Closed || of.Read != nil || hides(a) || a == rbac.Masked {", "if of.Closed || of.Read != nil || a == rbac.Masked {"},
	{"formulas show hidden columns", "internal/rewrite/origin.go", "if o.Column == \"\" || hides(a) || a == rbac.Masked {", "if o.Column == \"\" || a == rbac.Masked {"},
	{"links to rows out of sight are shown", "linksight.go", "return l.known[table][id] }", "return true || l.known[table][id] }"},
	{"deleted rows out of sight are listed", "deletedrows.go", "if !seen.Sees(r.Values) {", "if false {"},
	{"a diff shows what a row was out of sight", "rowdiff.go", "past.Values != nil && seen.Sees(past.Values)", "past.Values != nil"},
	{"a revert shows what a row was out of sight", "minidb/revertfold.go", "if mine && f.sees != nil {", "if false {"},
	{"a revert tells what became of hidden cells", "revertsight.go", "for _, column := range r.Touched {", "for _, c := range r.Cells {\ncolumn := c.Column"},
	{"views keep their hidden filters open", "internal/rewrite/sight.go", "case hides(rule.Columns[c.ID]):\n\t\t\tcontinue", "case false:"},
}

// orElse is what one of the mutants calls.
const orElse = "\nfunc orElse(a, b lqp.Expr) lqp.Expr { if b == nil { return a }; return lqp.NewCall(\"or\", a, b) }\n"

// TestMutantsAreFound builds the command with a mistake in the engine, for each of several mistakes, and expects it to report a
// finding. Whoever weakens the search hears of it here. Each takes a build of the engine: three are chosen by the seed, and with
// LIVETABLES_MUTANTS=all there are all of them.
func TestMutantsAreFound(t *testing.T) {
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	for _, m := range mutants { // also of those that are not chosen
		source, err := os.ReadFile(filepath.Join(root, m.file))
		require.NoError(t, err)
		require.Equal(t, 1, strings.Count(string(source), m.was), "the mutant %q has one place in %s", m.name, m.file)
	}
	chosen := slices.Clone(mutants)
	if os.Getenv("LIVETABLES_MUTANTS") != "all" {
		newRand(testseed.Of(t), 0).Shuffle(len(chosen), func(i, j int) { chosen[i], chosen[j] = chosen[j], chosen[i] })
		chosen = chosen[:3]
	}
	for _, m := range chosen {
		t.Run(m.name, func(t *testing.T) {
			file := filepath.Join(root, m.file)
			source, err := os.ReadFile(file)
			require.NoError(t, err)
			changed := strings.Replace(string(source), m.was, m.is, 1)
			if strings.Contains(m.is, "orElse") {
				changed += orElse
			}
			dir := t.TempDir()
			mutant, overlay, bin := filepath.Join(dir, "mutant.go"), filepath.Join(dir, "overlay.json"), filepath.Join(dir, "interference")
			require.NoError(t, os.WriteFile(mutant, []byte(changed), 0o600))
			doc, err := json.Marshal(map[string]map[string]string{"Replace": {file: mutant}})
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(overlay, doc, 0o600))
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
			defer cancel()
			build := exec.CommandContext(ctx, "go", "build", "-overlay", overlay, "-o", bin, "./internal/interference/cmd/interference")
			build.Dir = root
			out, err := build.CombinedOutput()
			require.NoError(t, err, string(out))
			out, err = exec.CommandContext(ctx, bin, "-seed", "1", "-n", "15000").CombinedOutput()
			var exit *exec.ExitError
			require.True(t, errors.As(err, &exit) && exit.ExitCode() == 1, "the mutant was not found: %v\n%s", err, out)
			finding, _, _ := strings.Cut(string(out[strings.Index(string(out), "FINDING"):]), "\n")
			t.Log(finding)
		})
	}
}
