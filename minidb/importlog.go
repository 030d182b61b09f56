package minidb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/lqp"
)

// maxLoggedTables is how many tables the log of a workspace may be about, those that are gone too.
const maxLoggedTables = 200_000

// verifyLog reads the log before anything is stored: every entry must have a form that the mini-DB writes, stand in its place
// and follow from the one before it.
func (in *importing) verifyLog(ctx context.Context) error {
	chain := chainReader{workspace: in.about.Workspace, sequence: in.about.First - 1, prev: in.about.Prev}
	if chain.sequence < 0 || (chain.sequence == 0) != (len(chain.prev) == 0) {
		return &ArchiveError{Entry: logFile, Reason: "the log begins nowhere"}
	}
	offsets := map[string]int64{}
	err := in.r.Lines(ctx, logFile, func(line []byte) error {
		e, err := chain.readEntry(line)
		if err != nil {
			return err
		}
		if reason := chain.next(e); reason != "" {
			return faulty("%s", reason)
		}
		if last, ok := offsets[e.Table]; e.Table != "" && ok && e.Offset != last+1 {
			return faulty("it is not the next entry of its table")
		}
		offsets[e.Table] = e.Offset
		if len(offsets) > maxLoggedTables {
			return faulty("the log is about more than %d tables", maxLoggedTables)
		}
		return checkEntry(e)
	})
	if err != nil {
		return err
	}
	if chain.sequence != in.about.Last || !bytes.Equal(chain.prev, in.about.Hash) {
		return &ArchiveError{Entry: logFile, Reason: "the log does not end where the manifest says"}
	}
	return nil
}

// ofUsers are the types of resources that are not of one workspace alone.
var ofUsers = []string{"member", "user", "invite"}

// checkEntry finds what no entry of ours would say.
func checkEntry(e *audit.Entry) error {
	for _, t := range []struct {
		text string
		most int
	}{{e.Actor, maxActorText}, {e.Request, maxActorText}, {e.Address, maxActorText}, {e.Reason, maxReason}, {e.Action, maxName},
		{e.ResourceType, maxName}, {e.Resource, 2 * maxTableName}} {
		if cleanText(t.text, t.most) != t.text {
			return faulty("a text is too long, or not one")
		}
	}
	for _, doc := range [][]byte{e.Before, e.After} {
		if !utf8.Valid(doc) || bytes.IndexByte(doc, 0) >= 0 {
			return faulty("a document is no text")
		}
	}
	switch {
	case !ValidID(e.ID, prefixChange) && !ValidID(e.ID, prefixEvent), e.Batch != "" && !ValidID(e.Batch, prefixBatch):
		return faulty("no id of an entry")
	case e.Position < 1 || e.Version < 0 || e.At.UnixMilli() < 0 || e.Action == "":
		return faulty("a number that cannot be")
	case (e.Table == "") != (e.Offset == 0) || e.Offset < 0 || e.Table != "" && !ValidID(e.Table, prefixTable):
		return faulty("no place in the log of a table")
	case len(e.Chain.Salt) != audit.SaltSize || len(e.Chain.Hash) != audit.DigestSize:
		return faulty("no link of a chain")
	case strings.HasPrefix(e.Action, "workspace.") && e.ResourceType == "workspace" && e.Resource != e.Workspace:
		return faulty("it is about another workspace")
	case slices.Contains(ofUsers, e.ResourceType) && (takenBy[idPrefix(e.Resource)] != nil || ValidID(e.Resource, prefixRow)):
		return faulty("it is about no user")
	}
	return nil
}

// importedLog is the table of the change log with the positions that imported entries had.
func importedLog(l *changeLog) (*lqp.Table, []string) {
	t := *l.table
	integer := t.Columns[0]
	integer.ID, integer.Name = "origin", "origin"
	t.Columns = append(slices.Clone(t.Columns), integer)
	return &t, append(slices.Clone(l.columns), integer.ID)
}

// storeLog stores the log, which verifyLog has found to be right, at the end of this database's.
func (in *importing) storeLog() error {
	table, columns := importedLog(in.db.log)
	chain := chainReader{workspace: in.workspace.ID, sequence: in.about.First - 1, prev: in.about.Prev}
	tables := map[string]bool{}
	var rows [][]lqp.Value
	flush := func() error {
		if len(rows) == 0 {
			return nil
		}
		err := in.tx.Insert(in.ctx, table, columns, rows)
		rows = rows[:0]
		if err != nil {
			return fmt.Errorf("store the log: %w", err)
		}
		return nil
	}
	err := in.r.Lines(in.ctx, logFile, func(line []byte) error {
		e, err := chain.readEntry(line)
		if err != nil {
			return err
		}
		chain.sequence, chain.prev = e.Chain.Sequence, e.Chain.Hash
		if e.Table != "" && !tables[e.Table] {
			tables[e.Table] = true
			if err := in.freeLog(e.Table); err != nil {
				return err
			}
		}
		rows = append(rows, []lqp.Value{argInt(in.positionOf(e.Chain.Sequence)), argText(e.ID), argTime(e.At), argText(e.Workspace), argText(e.Actor),
			argText(e.Action), argText(e.ResourceType), argText(e.Resource), argText(e.Table), argInt(e.Offset), argInt(e.Version),
			argDocument(e.Before), argDocument(e.After), argText(e.Batch), argText(e.Request), argText(e.Address), argText(e.Reason),
			argInt(e.Chain.Sequence), argBytes(e.Chain.Salt), argBytes(e.Chain.Prev), argBytes(e.Chain.Hash), argInt(e.Position)})
		if len(rows) < rowsAtOnce {
			return nil
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	if err != nil {
		return err
	}
	if err := in.alone(); err != nil {
		return err
	}
	if in.about.Last == 0 {
		return nil
	}
	_, err = in.exec(`INSERT INTO lt_chain (workspace, sequence, hash) VALUES (?, ?, ?)`, argText(in.workspace.ID), argInt(in.about.Last), argBytes(in.about.Hash))
	return err
}

// positionOf is where the entry of a number of the chain is in this database.
func (in *importing) positionOf(sequence int64) int64 { return in.base + 1 + sequence - in.about.First }

// freeLog fails when this database has entries of a table already.
func (in *importing) freeLog(table string) error {
	taken, err := in.taken(`SELECT 1 FROM lt_change WHERE table_id = ? AND table_id <> '' AND workspace <> ? LIMIT 1`, argText(table), argText(in.workspace.ID))
	if err == nil && taken {
		err = fmt.Errorf("a table that the archive's log names: %w", ErrExists)
	}
	return err
}

// storeOperations stores what one can undo.
func (in *importing) storeOperations() error {
	p, last := &portableOperation, []byte(nil)
	err := in.r.Lines(in.ctx, operationsFile, func(line []byte) error {
		row, err := p.parse(line)
		if err != nil {
			return err
		}
		o := scanOperation(recordOf(row))
		key := p.key(row)
		switch {
		case bytes.Compare(last, key) >= 0:
			return faulty("an operation is there twice or in another place")
		case o.Workspace != in.workspace.ID:
			return faulty("an operation is of another workspace")
		case !ValidID(o.ID, prefixBatch) && !ValidID(o.ID, prefixChange), o.Target != "" && !ValidID(o.Target, prefixBatch) && !ValidID(o.Target, prefixChange):
			return faulty("no id of an operation")
		case o.first < in.about.First || o.last < o.first || o.last > in.about.Last || o.Changes < 0:
			return faulty("an operation is of no entries")
		case !slices.Contains([]OperationKind{EditOperation, SchemaOperation, RevertOperation, UndoOperation, RedoOperation}, o.Kind):
			return faulty("an operation of no kind")
		case len(o.Tables) > maxOperationTables || slices.ContainsFunc(o.Tables, func(id string) bool { return !ValidID(id, prefixTable) }):
			return faulty("an operation is of no tables")
		case cleanText(o.Actor, maxActorText) != o.Actor:
			return faulty("an operation is of nobody")
		}
		last = key
		row[p.at("first_position")], row[p.at("last_position")] = argInt(in.positionOf(o.first)), argInt(in.positionOf(o.last))
		_, err = in.exec(`INSERT INTO lt_operation (`+joined(p.columns)+`) VALUES (`+inMarks(len(row))+`)`, row...)
		return err
	})
	if errors.Is(err, ErrNotFound) {
		return asFault(err)
	}
	return err
}
