package minidb

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/lqp"
)

// OperationKind says how an operation came about.
type OperationKind string

// The kinds of operations.
const (
	EditOperation   OperationKind = "edit"   // rows were written: a request, a bulk write, a batch of an import
	SchemaOperation OperationKind = "schema" // a change of a table's definition that changed rows too
	RevertOperation OperationKind = "revert" // changes were taken back
	UndoOperation   OperationKind = "undo"   // the actor's own operation was taken back, as the next of those to undo
	RedoOperation   OperationKind = "redo"   // an undo was taken back
)

// Operation is what one transaction did to rows. The log is the truth about it; this is how it is found there.
type Operation struct {
	// ID is the batch of its entries, or the id of its only entry.
	ID        string
	Workspace string
	Actor     string
	At        time.Time
	Kind      OperationKind
	Target    string   // of a revert, undo or redo: the operation that was taken back, "" for a choice of changes
	Tables    []string // whose rows it changed
	Changes   int64    // entries about rows

	first, last int64 // positions in the log
}

const operationColumns = `id, workspace, actor, at, first_position, last_position, kind, target, tables, changes`

// scanOperation reads operationColumns.
func scanOperation(r record) Operation {
	o := Operation{ID: r.text(0), Workspace: r.text(1), Actor: r.text(2), At: r.instant(3), first: r.integer(4), last: r.integer(5),
		Kind: OperationKind(r.text(6)), Target: r.text(7), Changes: r.integer(9)}
	if tables := r.text(8); tables != "" {
		o.Tables = strings.Split(tables, ",")
	}
	return o
}

// maxOperationTables is how many tables an operation names; of one that touches more, the rest is found in the log.
const maxOperationTables = 200

// observe notes what the transaction does to rows, as its entries get their places.
func (u *unit) observe(entries []audit.Entry) {
	for i := range entries {
		e := &entries[i]
		if e.Workspace == "" {
			continue
		}
		o := &u.operation
		if o.first == 0 {
			o.first, o.ID, o.Workspace = e.Position, e.ID, e.Workspace
		}
		o.last = e.Position
		switch e.ResourceType {
		case "row":
			if !reversible(e.Action) {
				continue
			}
			o.Changes++
			if !slices.Contains(o.Tables, e.Table) && len(o.Tables) < maxOperationTables {
				o.Tables = append(o.Tables, e.Table)
			}
		case "table", "column", "base", "workspace":
			u.defines = true
		}
	}
}

// reversible reports whether an entry about a row is one of those that are taken back: what was computed follows from the rest.
func reversible(action string) bool {
	return action == rowActions[lqp.Insert] || action == rowActions[lqp.Update] || action == rowActions[lqp.Delete] || action == actionMove
}

// keepOperation records the operation that the transaction was, if it changed rows or took something back.
func (u *unit) keepOperation() error {
	if row := u.operationRow(); row != nil {
		return u.db.log.insertOperations(u, [][]lqp.Value{row})
	}
	return nil
}

// operationRow is what the record of the operation holds, nil when there is nothing to record.
func (u *unit) operationRow() []lqp.Value {
	o := &u.operation
	if o.first == 0 || o.Changes == 0 && o.Kind == "" {
		return nil
	}
	if u.batch != "" {
		o.ID = u.batch
	}
	if o.Kind == "" {
		if o.Kind = EditOperation; u.defines {
			o.Kind = SchemaOperation
		}
	}
	return []lqp.Value{argText(o.ID), argText(o.Workspace), argText(u.actor.ID), argTime(u.now), argInt(o.first), argInt(o.last), argText(string(o.Kind)),
		argText(o.Target), argText(strings.Join(o.Tables, ",")), argInt(o.Changes)}
}

// insertOperations writes records of operations.
func (l *changeLog) insertOperations(u *unit, rows [][]lqp.Value) error {
	if len(rows) == 0 {
		return nil
	}
	if err := u.tx.Insert(u.ctx, l.operations, l.operationColumns, rows); err != nil {
		return fmt.Errorf("record operation: %w", err)
	}
	return nil
}

// Operation finds an operation of a workspace by its id; ErrNotFound when there is none.
func (db *DB) Operation(ctx context.Context, workspace, id string) (*Operation, error) {
	var o Operation
	err := db.read(ctx, "operation", func(s session) (err error) {
		o, err = s.operation(workspace, id)
		return s.lost(workspace, id, err)
	})
	if err != nil {
		return nil, err
	}
	return &o, nil
}

func (s session) operation(workspace, id string) (Operation, error) {
	return must(s, "operation "+cleanText(id, maxName), scanOperation,
		`SELECT `+operationColumns+` FROM lt_operation WHERE workspace = ? AND id = ?`, argText(workspace), argText(id))
}

// maxUndo is how many operations of somebody are looked through for what they can undo.
const maxUndo = 1_000

// UndoStack is what somebody can undo and redo, each with what comes next first. Nobody's changes but their own are in it.
type UndoStack struct {
	Undo, Redo []Operation
}

// UndoStack reads from the log what an actor can undo and redo in a workspace: of their last 1,000 operations those that scope
// takes, nil for all. A change of a definition is not among them. What was undone can be redone until the actor changes
// something else within the scope.
func (db *DB) UndoStack(ctx context.Context, workspace, actor string, scope func(*Operation) bool) (*UndoStack, error) {
	var list []Operation
	err := db.read(ctx, "list operations", func(s session) (err error) {
		list, err = all(s, scanOperation, `SELECT `+operationColumns+` FROM lt_operation WHERE workspace = ? AND actor = ?
			ORDER BY last_position DESC LIMIT ?`, argText(workspace), argText(actor), argInt(maxUndo))
		if err != nil {
			return err
		}
		floor, err := s.floor(workspace)
		list = slices.DeleteFunc(list, func(o Operation) bool { return o.first <= floor.Position }) // they are being removed
		return err
	})
	if err != nil {
		return nil, err
	}
	return stackOf(list, scope), nil
}

// stackOf goes through operations from the newest to the oldest. What a later undo or redo took back is gone; the first
// other change ends what can be redone.
func stackOf(list []Operation, scope func(*Operation) bool) *UndoStack {
	stack, gone, fresh := &UndoStack{}, map[string]bool{}, false
	for i := range list {
		o := &list[i]
		if o.Kind == UndoOperation || o.Kind == RedoOperation {
			gone[o.Target] = true
		}
		if o.Kind == SchemaOperation || scope != nil && !scope(o) {
			continue
		}
		switch {
		case o.Kind == UndoOperation:
			if !gone[o.ID] && !fresh {
				stack.Redo = append(stack.Redo, *o)
			}
			continue
		case o.Kind != RedoOperation:
			fresh = true
		}
		if !gone[o.ID] {
			stack.Undo = append(stack.Undo, *o)
		}
	}
	return stack
}

// tablesOf lists the tables whose rows an operation changed, also those that its record has no room for.
func (s session) tablesOf(o *Operation) ([]string, error) {
	if len(o.Tables) < maxOperationTables {
		return o.Tables, nil
	}
	return all(s, func(r record) string { return r.text(0) }, `SELECT DISTINCT table_id FROM lt_change
		WHERE position >= ? AND position <= ? AND workspace = ? AND resource_type = 'row'`, argInt(o.first), argInt(o.last), argText(o.Workspace))
}

// span is the part of the log in which somebody's operations of a time lie; ok is false when there are none.
func (s session) span(workspace, actor string, from, to time.Time) (first, last int64, ok bool, err error) {
	where, args := `workspace = ? AND actor = ?`, []lqp.Value{argText(workspace), argText(actor)}
	if !from.IsZero() {
		where, args = where+` AND at >= ?`, append(args, argTime(from))
	}
	if !to.IsZero() {
		where, args = where+` AND at < ?`, append(args, argTime(to))
	}
	type ends struct{ first, last int64 }
	e, _, err := one(s, func(r record) ends { return ends{r.integer(0), r.integer(1)} },
		`SELECT coalesce(min(first_position), 0), coalesce(max(last_position), 0) FROM lt_operation WHERE `+where, args...)
	return e.first, e.last, e.first > 0, err
}
