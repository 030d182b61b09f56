package livetables

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// ErrNothingToUndo says that there is nothing to undo or redo, or no longer what the caller expected to come next.
var ErrNothingToUndo = errors.New("nothing to undo")

// UndoScope narrows what is undone to a base or a table; the zero value is the whole workspace.
type UndoScope struct {
	Base, Table string
}

// UndoOptions say what is undone and how.
type UndoOptions struct {
	UndoScope
	RevertOptions
	// Operation, when not "", is what the caller expects to be undone or redone; if something else comes next by now, the error
	// is ErrNothingToUndo.
	Operation string
}

// UndoStep is an operation that can be undone or redone.
type UndoStep struct {
	ID      string
	Kind    minidb.OperationKind
	At      time.Time
	Tables  []string // whose rows it changed, those that are there
	Changes int64    // entries about rows
	Target  string   // of a step to redo: the operation that was undone
}

// UndoList is what the principal can undo and redo, each with the next step first.
type UndoList struct {
	Undo, Redo []UndoStep
}

// UndoList lists the principal's own operations in a workspace that can be undone and redone. It is worked out from the change
// log, so that it outlives the process.
func (a *Access) UndoList(ctx context.Context, workspace string, scope UndoScope) (*UndoList, error) {
	s, err := a.enter(ctx, workspace, rbac.WriteRows)
	if err != nil {
		return nil, err
	}
	stack, err := s.undoStack(ctx, scope)
	if err != nil {
		return nil, err
	}
	list := &UndoList{Undo: s.steps(stack.Undo), Redo: s.steps(stack.Redo)}
	return list, nil
}

// Undo takes back the principal's latest operation in the scope that is not undone, and what of it is still theirs: cells that
// somebody else has changed since are reported and left alone. See [Access.Revert] for everything else.
func (a *Access) Undo(ctx context.Context, workspace string, opt UndoOptions) (*RevertReport, error) {
	return a.step(ctx, workspace, minidb.UndoOperation, opt)
}

// Redo takes back the undo that was made last. There is nothing to redo once the principal has changed something else in the
// scope.
func (a *Access) Redo(ctx context.Context, workspace string, opt UndoOptions) (*RevertReport, error) {
	return a.step(ctx, workspace, minidb.RedoOperation, opt)
}

func (a *Access) step(ctx context.Context, workspace string, kind minidb.OperationKind, opt UndoOptions) (*RevertReport, error) {
	if opt.Portion {
		return nil, problem("$.portion", lqp.CodeConflict, "an operation is undone as a whole")
	}
	s, err := a.enter(ctx, workspace, rbac.WriteRows)
	if err != nil {
		return nil, err
	}
	stack, err := s.undoStack(ctx, opt.UndoScope)
	if err != nil {
		return nil, err
	}
	list := stack.Undo
	if kind == minidb.RedoOperation {
		list = stack.Redo
	}
	if len(list) == 0 || opt.Operation != "" && list[0].ID != opt.Operation {
		return nil, fmt.Errorf("%s: %w", kind, ErrNothingToUndo)
	}
	next := list[0]
	r := &reversal{kind: kind, opt: opt.RevertOptions, what: next.ID, sel: minidb.Selection{Workspace: workspace, Operation: next.ID}}
	return a.reverse(ctx, workspace, r, func(*entry) ([]string, error) { return a.e.store.RevertTables(ctx, r.sel) })
}

// undoStack is what the principal can undo and redo of the operations whose tables are there and may be written.
func (s *entry) undoStack(ctx context.Context, scope UndoScope) (*minidb.UndoStack, error) {
	switch {
	case scope.Base != "" && scope.Table != "":
		return nil, problem("$.base_id", lqp.CodeConflict, "either a base or a table")
	case scope.Base != "" || scope.Table != "":
		if _, err := s.tablesWithin(scope.Base, scope.Table); err != nil {
			return nil, err
		}
	}
	writable := map[string]bool{}
	within := func(id string) (there, may bool) {
		t, ok := s.AnyTable(id)
		if !ok {
			return false, false
		}
		if may, ok = writable[id]; !ok {
			_, _, err := s.tableOf(ctx, id)
			may = err == nil && s.may(id, rbac.WriteRows) == nil
			writable[id] = may
		}
		return scope.Table == "" && (scope.Base == "" || t.Base == scope.Base) || t.ID == scope.Table, may
	}
	return s.e.store.UndoStack(ctx, s.Workspace.ID, s.p.ID, func(o *minidb.Operation) bool {
		touches := scope == (UndoScope{}) && len(o.Tables) == 0 // an undo that found nothing left to do
		for _, id := range o.Tables {
			if _, ok := s.AnyTable(id); !ok {
				continue
			}
			in, may := within(id)
			if !may {
				return false
			}
			touches = touches || in
		}
		return touches
	})
}

func (s *entry) steps(list []minidb.Operation) []UndoStep {
	steps := make([]UndoStep, 0, len(list))
	for _, o := range list {
		step := UndoStep{ID: o.ID, Kind: o.Kind, At: o.At, Changes: o.Changes, Target: o.Target}
		for _, id := range o.Tables {
			if _, ok := s.AnyTable(id); ok {
				step.Tables = append(step.Tables, id)
			}
		}
		steps = append(steps, step)
	}
	return steps
}
