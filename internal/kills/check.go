package kills

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/livetables/livetables/audit"
)

// checker goes through the change log once, in order, and keeps what the rows must be after it.
type checker struct {
	c        *campaign
	entries  int
	position int64
	offsets  map[string]int64      // by table: of its last entry
	rows     map[string]*loggedRow // that are there, by id
	gone     map[string]bool       // ids of deleted rows
	writes   map[string]*write     // by id
	effects  map[string]*effect    // of writes, by their id
	tables   map[string]*table
	shapes   shapes // of all tables that are there
}

// loggedRow is a row as the log tells it.
type loggedRow struct {
	version int64
	after   json.RawMessage
}

// effect is what the log has of a write.
type effect struct {
	batch    string
	first    int64            // position of its first entry
	entries  int              // of it
	versions map[string]int64 // of its rows
}

func newChecker(c *campaign) *checker {
	k := &checker{c: c, offsets: map[string]int64{}, rows: map[string]*loggedRow{}, gone: map[string]bool{},
		writes: map[string]*write{}, effects: map[string]*effect{}, tables: map[string]*table{}, shapes: shapes{}}
	for _, w := range c.writers {
		for _, o := range w.sent {
			k.writes[o.id] = o
		}
	}
	for _, t := range c.tables {
		k.tables[t.id] = t
	}
	return k
}

// entry takes the next entry of the log.
func (k *checker) entry(e *audit.Entry) {
	k.entries++
	if e.Position != k.position+1 {
		k.c.violation("the log goes from position %d to %d", k.position, e.Position)
	}
	k.position = e.Position
	if e.Table != "" {
		if e.Offset != k.offsets[e.Table]+1 {
			k.c.violation("the log of table %s goes from offset %d to %d", e.Table, k.offsets[e.Table], e.Offset)
		}
		k.offsets[e.Table] = e.Offset
	}
	switch {
	case e.ResourceType == "row" && k.tables[e.Table] != nil:
		k.row(e)
	case e.ResourceType == "table", e.ResourceType == "column":
		k.shape(e)
	case e.ResourceType == "index" && k.shapes[e.Table] != nil:
		k.shapes[e.Table].Version = e.Version
	}
}

// row takes an entry about a row.
func (k *checker) row(e *audit.Entry) {
	before := k.rows[e.Resource]
	switch {
	case k.gone[e.Resource]:
		k.c.violation("position %d: row %s was deleted before", e.Position, e.Resource)
	case e.Action == "row.insert" && before != nil:
		k.c.violation("position %d: row %s was inserted before", e.Position, e.Resource)
	case e.Action != "row.insert" && before == nil:
		k.c.violation("position %d: row %s was not inserted before its %s", e.Position, e.Resource, e.Action)
	case e.Action == "row.insert" && e.Version != 1:
		k.c.violation("position %d: row %s begins with version %d", e.Position, e.Resource, e.Version)
	case before != nil && e.Version != before.version+1:
		k.c.violation("position %d: row %s goes from version %d to %d", e.Position, e.Resource, before.version, e.Version)
	case before != nil && !bytes.Equal(before.after, e.Before):
		k.c.violation("position %d: row %s was not before what it was after the last entry", e.Position, e.Resource)
	}
	if e.Action == "row.delete" {
		delete(k.rows, e.Resource)
		k.gone[e.Resource] = true
	} else {
		k.rows[e.Resource] = &loggedRow{e.Version, e.After}
	}
	k.effect(e)
}

// effect adds an entry to what the log has of its write.
func (k *checker) effect(e *audit.Entry) {
	id := e.Reason
	if e.Action != "row.delete" {
		written := k.opOf(e)
		if id == "import" { // which takes no reason of the client
			id = written
		}
		if written != id {
			k.c.violation("position %d: row %s has the values of %q in an entry of %q", e.Position, e.Resource, written, id)
		}
	}
	if k.writes[id] == nil {
		k.c.violation("position %d: nobody sent %q", e.Position, id)
		return
	}
	f := k.effects[id]
	if f == nil {
		f = &effect{batch: e.Batch, first: e.Position, versions: map[string]int64{}}
		k.effects[id] = f
	}
	switch {
	case f.batch != e.Batch:
		k.c.violation("position %d: %s was done a second time, or in two pieces", e.Position, id)
	case f.first+int64(f.entries) != e.Position:
		k.c.violation("position %d: the entries of %s do not follow each other", e.Position, id)
	}
	f.entries++
	f.versions[e.Resource] = e.Version
}

// opOf is the write whose values a row has.
func (k *checker) opOf(e *audit.Entry) string {
	var fields map[string]json.RawMessage
	var op string
	t := k.tables[e.Table]
	if t == nil || json.Unmarshal(e.After, &fields) != nil || json.Unmarshal(fields[t.op], &op) != nil {
		return ""
	}
	return op
}

// compare compares the rows that are there, and what the writers were told, with the log.
func (k *checker) compare(rows map[string]storedRow) {
	for _, id := range slices.Sorted(maps.Keys(k.rows)) {
		logged := k.rows[id]
		row, ok := rows[id]
		switch {
		case !ok:
			k.c.violation("row %s is not there, and the log has it with version %d", id, logged.version)
		case row.Version != logged.version:
			k.c.violation("row %s has version %d, in the log it has %d", id, row.Version, logged.version)
		default:
			k.sameFields(id, row, logged)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(rows)) {
		if k.rows[id] == nil {
			k.c.violation("row %s is there, and the log has no such row", id)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(k.writes)) {
		k.judge(k.writes[id])
	}
}

func (k *checker) sameFields(id string, row storedRow, logged *loggedRow) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(logged.after, &fields); err != nil {
		k.c.violation("row %s: its entry cannot be read: %v", id, err)
		return
	}
	for column, value := range row.Fields {
		if !bytes.Equal(value, fields[column]) {
			k.c.violation("row %s: column %s is %s, in the log it is %s", id, column, value, fields[column])
		}
	}
}

// judge compares what the client of a write was told with what the log has of it.
func (k *checker) judge(o *write) {
	f := k.effects[o.id]
	entries := 0
	if f != nil {
		entries = f.entries
	}
	what := fmt.Sprintf("%s (%s of %d rows, key %q)", o.id, o.kind, o.rows, o.key)
	switch {
	case o.end == acknowledged && entries == 0:
		k.c.violation("%s was acknowledged and is lost", what)
	case o.end == refused && entries > 0:
		k.c.violation("%s was refused, and %d of its rows are there", what, entries)
	case entries != 0 && entries != o.rows:
		k.c.violation("%s was done by half: %d rows", what, entries)
	case o.end == acknowledged:
		for id, version := range o.after {
			if version != 0 && f.versions[id] != version {
				k.c.violation("%s was acknowledged with version %d of row %s, the log has %d", what, version, id, f.versions[id])
			}
		}
	}
}

// settle counts the writes for the report.
func (k *checker) settle(r *Report) {
	r.Writes, r.Acknowledged, r.Rows, r.Refused, r.Unknown, r.UnknownWhole = len(k.writes), 0, 0, 0, 0, 0
	for _, o := range k.writes {
		switch o.end {
		case acknowledged:
			r.Acknowledged++
			r.Rows += o.rows
		case refused:
			r.Refused++
		case lost:
			r.Unknown++
			if k.effects[o.id] != nil {
				r.UnknownWhole++
			}
		}
	}
}
