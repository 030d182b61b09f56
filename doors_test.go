package livetables_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// doors are the functions of the engine that touch rows or are handed an adapter, by what they call: a method of the store,
// of a source, of the executor. docs/decisions/0026 says of each why nobody gets past the policy there. Another function
// that calls one of these has to be thought about, and then listed.
var doors = map[string][]string{
	// Writes: each is handed the guard of a sight.
	"Apply":          {"Access.applyIn"},
	"ImportRows":     {"Access.insertRows", "importing.storeWhole"},
	"LockRow":        {"Access.lockRow"},
	"MoveRows":       {"Access.moveRows"},
	"ChangeType":     {"Access.changeType"},
	"PreviewType":    {"retyping.preview"},
	"guardOf":        {"Access.lockRow", "Access.moveRows", "Access.reverseOnce", "importing.into", "Access.openRetype", "entry.labelled", "entry.write"},
	"UnlockRow":      {"Access.UnlockRow"},
	"DuplicateBase":  {"Access.DuplicateBase"},
	"CreateBaseFrom": {"Access.CreateBaseFrom"},
	// Changes that are taken back: planned on real rows, narrowed to what is seen and may be written, then written under guards.
	"PlanRevert":   {"Access.reverseOnce"},
	"ApplyRevert":  {"Access.reverseOnce"},
	"RevertTables": {"Access.Revert", "Access.step"},
	"RowEntry":     {"Access.RevertRow"},
	"UndoStack":    {"entry.undoStack"},
	// Reads of the change log and of locks.
	"RowAt":        {"Access.RowDiff"},
	"DeletedRows":  {"Access.DeletedRows"},
	"AsOf":         {"Access.QueryAsOf"},
	"History":      {"Engine.goneSince", "entry.historyBefore", "entry.left", "linksInSight.farewells"},
	"TableChanges": {"Subscription.readLog"},
	"Changes":      {"Engine.relayFrom"},
	"Lock":         {"Access.Row", "Access.RowLock"},
	// Rows of prepared plans, with locks that are told with the row or not at all.
	"LocateWithLock": {"Access.Row"},
	"ScanCurrentRow": {"entry.runPrepared"},
	"ScanCurrent":    {"entry.runPrepared"},
	// Adapters, plans and their execution.
	"Build":   {"entry.run", "entry.prepare", "Access.explain"},
	"Adapter": {"entry.adapter"},
	"Rewrite": {"entry.rewrite"},
	"Scan":    nil,
}

// TestRowsHaveFewDoors reads the engine's source: what calls a door is on its list, and guards are made in one place.
func TestRowsHaveFewDoors(t *testing.T) {
	files, err := os.ReadDir(".")
	require.NoError(t, err)
	set := token.NewFileSet()
	used := map[string][]string{}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, f.Name(), nil, 0)
		require.NoError(t, err)
		for _, d := range file.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Body == nil {
				continue
			}
			ast.Inspect(fn.Body, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.SelectorExpr:
					if _, ok := doors[n.Sel.Name]; ok && callsThrough(n) {
						used[n.Sel.Name] = append(used[n.Sel.Name], nameOf(fn))
					}
				case *ast.CompositeLit:
					if s, ok := n.Type.(*ast.SelectorExpr); ok && s.Sel.Name == "Guard" && len(n.Elts) > 0 && nameOf(fn) != "entry.guardOf" {
						t.Errorf("%s makes a guard", nameOf(fn))
					}
				}
				return true
			})
		}
	}
	for door, callers := range used {
		slices.Sort(callers)
		for _, c := range slices.Compact(callers) {
			if !slices.Contains(doors[door], c) {
				t.Errorf("%s calls %s", c, door)
			}
		}
	}
	for door, callers := range doors {
		for _, c := range callers {
			if !slices.Contains(used[door], c) {
				t.Errorf("%s does not call %s any more", c, door)
			}
		}
	}
}

// callsThrough reports whether a selector leads to a store, an adapter, the executor, the rewriter or a guard, and not to a
// method of the same name of something else.
func callsThrough(s *ast.SelectorExpr) bool {
	switch x := s.X.(type) {
	case *ast.SelectorExpr:
		return x.Sel.Name == "store"
	case *ast.Ident:
		return x.Name == "exec" || x.Name == "rewrite" || s.Sel.Name == "guardOf"
	}
	return false
}

// nameOf is a function with the type of its receiver.
func nameOf(fn *ast.FuncDecl) string {
	if fn.Recv == nil {
		return fn.Name.Name
	}
	recv := fn.Recv.List[0].Type
	if star, ok := recv.(*ast.StarExpr); ok {
		recv = star.X
	}
	return fmt.Sprintf("%s.%s", recv.(*ast.Ident).Name, fn.Name.Name)
}
