package minidb

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// lockQuestion asks for the revision of a workspace and for the lock of a row in one statement: a row is read together with its
// lock, and where other processes write, with the question whether the catalogue in memory is still the newest.
type lockQuestion struct {
	once      sync.Once
	statement adapter.Prepared
}

// lockHoles are the texts that stand for those of one question: workspace, table and row.
var lockHoles = []lqp.Value{argText("workspace to be asked for"), argText("table to be asked for"), argText("row to be asked for")}

// prepared is the question as a statement with lockHoles, nil when the store prepares none.
func (q *lockQuestion) prepared(r *revisions) adapter.Prepared {
	q.once.Do(func() {
		if store, ok := r.store.(adapter.Preparer); ok {
			if p, err := store.Prepare(q.query(r), lockHoles); err == nil { // else revision and lock are read apart
				q.statement = p
			}
		}
	})
	return q.statement
}

// query is the question with lockHoles: a row for a workspace that exists, with NULL in the place of a lock that does not.
func (q *lockQuestion) query(r *revisions) *lqp.Query {
	const alias = "l"
	locks := &lqp.Table{Name: "lt_lock", Path: []string{"lt_lock"}, Kind: lqp.BaseTable, Key: []string{"table_id", "row_id"}}
	for _, name := range []string{"table_id", "row_id", "holder", "taken_at", "expires_at"} {
		c := lqp.Column{ID: name, Name: name, Type: lqp.Type{Kind: lqp.Text, NotNull: true}}
		if strings.HasSuffix(name, "_at") {
			c.Type = lqp.Type{Kind: lqp.Number, Precision: 19, NotNull: true}
		}
		locks.Columns = append(locks.Columns, declared(r.store, c, c.Type))
	}
	ref := func(i int) *lqp.Col {
		t := locks.Columns[i].Type
		t.NotNull = i < 2 // what is selected may be of no lock
		return lqp.TypedRef(alias, locks.Columns[i].ID, t)
	}
	asked := r.question(lockHoles[0])
	asked.Joins = []lqp.Join{{Kind: lqp.Left, Source: lqp.Source{Table: locks.Name, Alias: alias, Schema: locks},
		On: lqp.And(lqp.NewCall("eq", ref(0), lqp.Literal(lockHoles[1])), lqp.NewCall("eq", ref(1), lqp.Literal(lockHoles[2])))}}
	for i := 2; i < len(locks.Columns); i++ {
		asked.Select = append(asked.Select, lqp.Named{Name: locks.Columns[i].ID, Expr: ref(i)})
	}
	return asked
}

// lockAnswer is the lock of a row in the answer to the question, nil for none.
func (db *DB) lockAnswer(table, row string, cells []lqp.Value) *RowLock {
	if len(cells) != 4 || cells[1].IsNull() {
		return nil
	}
	r := record{rows: answered{cells: cells}}
	lock := &RowLock{Table: table, Row: row, Holder: r.text(1), TakenAt: r.instant(2), ExpiresAt: r.instant(3)}
	if !db.now().Before(lock.ExpiresAt) {
		return nil
	}
	return lock
}

// answered is a row that was read.
type answered struct {
	adapter.Rows
	cells []lqp.Value
}

// Value implements adapter.Rows.
func (a answered) Value(i int) lqp.Value { return a.cells[i] }

// LocateWithLock is Locate for a table, and with the same question Lock for a row of it, where others write to the database. told
// says that it was found out who holds the lock, and is false where that is to be asked with Lock. A lock is not to be told to
// whom is not shown the row.
func (db *DB) LocateWithLock(ctx context.Context, table, row string) (s *Snapshot, lock *RowLock, told bool, err error) {
	if !maybeRow(row) {
		s, err := db.Locate(ctx, table)
		return s, nil, true, err
	}
	if s, lock, err = db.askWithLock(ctx, table, row); s != nil || err != nil {
		return s, lock, true, err
	}
	s, err = db.Locate(ctx, table)
	return s, nil, false, err
}

// askWithLock answers by one question, with nothing where that is not enough.
func (db *DB) askWithLock(ctx context.Context, table, row string) (*Snapshot, *RowLock, error) {
	if db.revisions == nil {
		return nil, nil, nil
	}
	workspace, known := db.places.get(table)
	question := db.lockQuestion.prepared(db.revisions)
	if !known || question == nil {
		return nil, nil, nil
	}
	s, err := db.kept(ctx, workspace) // first: an answer is never from before the question
	if err != nil || !s.has(table) {
		return nil, nil, nil // Locate finds out what is wrong
	}
	rows, err := question.Scan(ctx, lockHolesOf(workspace, table, row))
	if errors.Is(err, adapter.ErrUnprepared) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read lock of row %s: %w", cleanText(row, maxName), err)
	}
	defer rows.Close()
	var cells []lqp.Value
	for rows.Next() {
		cells = []lqp.Value{rows.Value(0), rows.Value(1), rows.Value(2), rows.Value(3)}
	}
	if err := rows.Err(); err != nil {
		return nil, nil, fmt.Errorf("read lock of row %s: %w", cleanText(row, maxName), err)
	}
	revision := revisionOf(cells)
	if cells == nil || revision > s.Revision { // less when it was loaded after the question
		db.snapshots.outdate(workspace, revision)
		return nil, nil, nil
	}
	return s, db.lockAnswer(table, row, cells), nil
}

// maybeRow reports whether a text may be the id of a row at all, and be handed to any database.
func maybeRow(id string) bool {
	return len(id) <= maxRowID && strings.IndexByte(id, 0) < 0 && utf8.ValidString(id)
}

// maxRowID is more than an id of a row has, in bytes.
const maxRowID = 64

func lockHolesOf(workspace, table, row string) []lqp.Value {
	return []lqp.Value{argText(workspace), argText(table), argText(row)}
}

// revisionOf is the revision in the answer to a question, 0 for a workspace that there is none of.
func revisionOf(cells []lqp.Value) int64 {
	if len(cells) == 0 {
		return 0
	}
	n, _ := cells[0].Decimal().Int64()
	return n
}
