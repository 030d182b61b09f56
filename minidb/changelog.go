package minidb

import (
	"crypto/rand"
	"encoding/json"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/lqp"
)

// changeLog writes lt_change. It describes the table to the store like a user table, because the store's own Insert is
// its fastest way in.
type changeLog struct {
	table   *lqp.Table
	columns []string
	// operations is lt_operation.
	operations       *lqp.Table
	operationColumns []string
}

// logColumn is a column of a table of the log.
type logColumn struct {
	id  string
	typ lqp.Type
}

// logTable describes a table of the log and lists its columns.
func logTable(store adapter.Store, name, key string, columns []logColumn) (*lqp.Table, []string) {
	t := &lqp.Table{Name: name, Path: []string{name}, Kind: lqp.BaseTable, Key: []string{key}}
	ids := make([]string, len(columns))
	for i, c := range columns {
		t.Columns = append(t.Columns, declared(store, lqp.Column{ID: c.id, Name: c.id, Type: c.typ}, c.typ))
		ids[i] = c.id
	}
	return t, ids
}

func newChangeLog(store adapter.Store) *changeLog {
	integer := lqp.Type{Kind: lqp.Number, Precision: 19}
	text := lqp.Type{Kind: lqp.Text}
	document := lqp.Type{Kind: lqp.JSON}
	bytes := lqp.Type{Kind: lqp.Bytes}
	l := &changeLog{}
	l.table, l.columns = logTable(store, "lt_change", "position", []logColumn{
		{"position", integer}, {"id", text}, {"at", integer}, {"workspace", text}, {"actor", text}, {"action", text},
		{"resource_type", text}, {"resource", text}, {"table_id", text}, {"table_offset", integer}, {"version", integer},
		{"before_doc", document}, {"after_doc", document},
		{"batch", text}, {"request", text}, {"address", text}, {"reason", text},
		{"chain_sequence", integer}, {"chain_salt", bytes}, {"chain_prev", bytes}, {"chain_hash", bytes},
	})
	l.operations, l.operationColumns = logTable(store, "lt_operation", "id", []logColumn{
		{"id", text}, {"workspace", text}, {"actor", text}, {"at", integer}, {"first_position", integer}, {"last_position", integer},
		{"kind", text}, {"target", text}, {"tables", text}, {"changes", integer},
	})
	return l
}

// sequence is what a transaction knows of the log's ends: the last position, the last offset of each table it wrote, and
// the ends of the chains it added to.
type sequence struct {
	position int64
	offsets  map[string]int64
	chains   map[string]*chainEnd
	written  int
	fresh    []audit.Entry // that were written, unless they are many
	working  []byte        // of audit.Digest
}

// place gives the entries their positions and offsets. A store with a single writer sees every earlier transaction here,
// those of the same commit included, and a transaction that fails takes its entries with it: counting on from the newest
// entry is dense and in commit order. A store with concurrent writers would leave positions open here and have them given
// out after the commit.
func (l *changeLog) place(u *unit, entries []audit.Entry) error {
	for i := range entries {
		e := &entries[i]
		if _, ok := u.seq.offsets[e.Table]; !ok {
			if err := u.readEnds(e.Table, e.Workspace); err != nil {
				return err
			}
		}
		u.seq.position++
		e.Position = u.seq.position
		if e.Table != "" {
			if u.seq.offsets[e.Table] == 0 { // the log has nothing of it, any more perhaps
				f, _, err := u.tableFloor(e.Table)
				if err != nil {
					return err
				}
				u.seq.offsets[e.Table] = f.offset
			}
			u.seq.offsets[e.Table]++
			e.Offset = u.seq.offsets[e.Table]
		}
	}
	return nil
}

// ends are where the log of a table, the chain of a workspace and the whole log end.
type ends struct {
	position, offset int64
	chain            chainEnd
}

// endColumnsOfLog read ends, of the table that the only parameter names; c is the chain. Each is the newest entry of an index: an
// aggregate would leave a database the choice to read all entries of the table, which one that planned the statement while
// there were few of them makes.
const endColumnsOfLog = `(SELECT position FROM lt_change ORDER BY position DESC LIMIT 1),
	(SELECT table_offset FROM lt_change WHERE table_id = ? AND table_id <> '' ORDER BY table_id DESC, table_offset DESC LIMIT 1),
	c.sequence, c.hash`

// scanEnds reads endColumnsOfLog from a column on.
func scanEnds(r record, from int) ends {
	return ends{r.integer(from), r.integer(from + 1), chainEnd{sequence: r.integer(from + 2), hash: r.bytes(from + 3)}}
}

// readEnds reads where the log of a table and the chain of a workspace end, and at the first time where the whole log does.
func (u *unit) readEnds(table, workspace string) error {
	now, _, err := one(u.session, func(r record) ends { return scanEnds(r, 0) },
		`SELECT `+endColumnsOfLog+` FROM (SELECT 1) one LEFT JOIN lt_chain c ON c.workspace = ?`, argText(table), argText(workspace))
	if err != nil {
		return err
	}
	u.seq.know(table, workspace, now)
	return nil
}

// know keeps what was read of the ends. What the transaction itself has counted on is newer.
func (s *sequence) know(table, workspace string, now ends) {
	if s.offsets == nil {
		s.position, s.offsets = now.position, make(map[string]int64, 1)
	}
	if _, ok := s.offsets[table]; !ok {
		s.offsets[table] = now.offset
	}
	if _, ok := s.chains[workspace]; !ok {
		s.keep(workspace, now.chain)
	}
}

func (l *changeLog) append(u *unit, entries []audit.Entry) error {
	if err := l.place(u, entries); err != nil {
		return err
	}
	u.observe(entries)
	for i := range entries {
		entries[i].Batch = u.batch
	}
	return l.write(u, entries)
}

// write ties entries that have their places to their chains and writes them.
func (l *changeLog) write(u *unit, entries []audit.Entry) error {
	many := len(entries) >= leastBehind && !u.shared
	images, err := u.imagesOf(entries, many)
	if err != nil {
		return err
	}
	width := len(l.columns)
	var cells []lqp.Value
	if many {
		cells = takeSlab(width * len(entries))[:0]
		u.salts = make([]byte, audit.SaltSize*len(entries))
		_, _ = rand.Read(u.salts) // it never fails
	} else {
		cells = make([]lqp.Value, 0, width*len(entries))
	}
	rows := make([][]lqp.Value, len(entries))
	for i := range entries {
		e := &entries[i]
		if err := u.link(e); err != nil {
			return err
		}
		before, after := images.of(e, i)
		cells = append(cells,
			argInt(e.Position), argText(e.ID), argTime(e.At), argText(e.Workspace), argText(e.Actor), argText(e.Action),
			argText(e.ResourceType), argText(e.Resource), argText(e.Table), argInt(e.Offset), argInt(e.Version), before, after,
			argText(e.Batch), argText(e.Request), argText(e.Address), argText(e.Reason),
			argInt(e.Chain.Sequence), argBytes(e.Chain.Salt), argBytes(e.Chain.Prev), argBytes(e.Chain.Hash))
		rows[i] = cells[i*width : (i+1)*width : (i+1)*width]
	}
	if u.seq.written += len(entries); u.seq.written <= recentEntries {
		u.seq.fresh = append(u.seq.fresh, entries...)
	} else {
		u.seq.fresh = nil
	}
	if many { // more may follow: where the chains end is kept with the last ones
		return adapter.InsertBehind(u.ctx, u.tx, l.table, l.columns, rows, func() { giveSlab(cells) })
	}
	return adapter.Deferred(u.tx, func() error {
		if err := u.tx.Insert(u.ctx, l.table, l.columns, rows); err != nil {
			return err
		}
		return u.keepChains()
	})
}

// argImage is a document of an entry, which was made here or looked at when it came in.
func argImage(doc json.RawMessage) lqp.Value {
	if doc == nil {
		return lqp.Value{}
	}
	return lqp.KnownJSON(string(doc))
}

const entryColumns = `position, id, at, workspace, actor, action, resource_type, resource, table_id, table_offset, version,
	before_doc, after_doc, batch, request, address, reason, origin`

// scanEntry reads entryColumns.
func scanEntry(r record) audit.Entry {
	e := audit.Entry{
		Position: r.integer(0), ID: r.text(1), At: r.instant(2), Workspace: r.text(3), Actor: r.text(4), Action: r.text(5),
		ResourceType: r.text(6), Resource: r.text(7), Table: r.text(8), Offset: r.integer(9), Version: r.integer(10),
		Before: r.document(11), After: r.document(12),
		Batch: r.text(13), Request: r.text(14), Address: r.text(15), Reason: r.text(16), Imported: r.integer(17) != 0,
	}
	if e.ResourceType == "row" {
		e.Before, e.After = r.whole(&readShapes, e.Before), r.whole(&readShapes, e.After)
	}
	return e
}
