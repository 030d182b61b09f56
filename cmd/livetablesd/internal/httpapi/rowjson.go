package httpapi

import (
	"net/http"
	"strconv"
	"sync"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// cells is a row that can be written as JSON column by column: *livetables.Rows, or values at hand.
type cells interface {
	AppendJSON(dst []byte, i int) []byte
}

// valuesOf are the values of one row.
type valuesOf []lqp.Value

// AppendJSON implements cells.
func (v valuesOf) AppendJSON(dst []byte, i int) []byte { return v[i].AppendJSON(dst) }

// shape says how rows of some columns look as JSON. It is made once for a response, so that a row costs nothing but the
// bytes of its values.
type shape struct {
	id, version int // slots, below 0 for none
	fields      []member
	about       []member // created and updated
	bare        bool     // nothing but fields
	labels      *expansion
}

// member is a column of a JSON object.
type member struct {
	slot int
	key  string // `"name":`, with the comma that precedes it
}

// shapeOptions say what is special about a shape.
type shapeOptions struct {
	bare bool                      // every column is a field: queries and views
	key  func(c lqp.Column) string // of a field, default the column's name
}

// aboutRow are the keys of the built-in columns that stand beside a row's fields.
var aboutRow = map[string]string{
	minidb.ColumnCreatedAt: `,"created_at":`, minidb.ColumnCreatedBy: `,"created_by":`,
	minidb.ColumnUpdatedAt: `,"updated_at":`, minidb.ColumnUpdatedBy: `,"updated_by":`,
}

func shapeOf(columns []lqp.Column, opt shapeOptions) *shape {
	s := &shape{id: -1, version: -1, bare: opt.bare, fields: make([]member, 0, len(columns))}
	keys := make([]byte, 0, 16*len(columns)) // of all fields, which share one string
	ends := make([]int, 0, len(columns))     // of each key there
	for i := range columns {
		name := columns[i].Name
		if !opt.bare {
			switch name {
			case minidb.ColumnID:
				s.id = i
				continue
			case minidb.ColumnVersion:
				s.version = i
				continue
			}
			if key, ok := aboutRow[name]; ok {
				if s.about == nil {
					s.about = make([]member, 0, len(aboutRow))
				}
				s.about = append(s.about, member{i, key})
				continue
			}
		}
		if opt.key != nil {
			name = opt.key(columns[i])
		}
		if len(s.fields) > 0 {
			keys = append(keys, ',')
		}
		keys = append(lqp.AppendJSONString(keys, name), ':')
		s.fields, ends = append(s.fields, member{slot: i}), append(ends, len(keys))
	}
	text, from := string(keys), 0
	for i, end := range ends {
		s.fields[i].key, from = text[from:end], end
	}
	return s
}

// appendRow appends {"id":…,"version":…,"fields":{…},…}.
func appendRow(dst []byte, s *shape, row cells) []byte {
	dst = append(dst, '{')
	if s.id >= 0 {
		dst = append(dst, `"id":`...)
		dst = row.AppendJSON(dst, s.id)
		dst = append(dst, ',')
	}
	if s.version >= 0 {
		dst = append(dst, `"version":`...)
		dst = row.AppendJSON(dst, s.version)
		dst = append(dst, ',')
	}
	dst = append(dst, `"fields":{`...)
	for i := range s.fields {
		dst = append(dst, s.fields[i].key...)
		dst = row.AppendJSON(dst, s.fields[i].slot)
	}
	dst = append(dst, '}')
	for i := range s.about {
		dst = append(dst, s.about[i].key...)
		dst = row.AppendJSON(dst, s.about[i].slot)
	}
	return append(dst, '}')
}

// flushAt is how many bytes of a list are gathered before they are sent, of one that is sent while it is read.
const flushAt = 32 << 10

// maxHeld is how large a page may be to be read to its end before it is sent.
const maxHeld = 4 << 20

// keepBuffer is how large a buffer may have grown to be used again: one row can be very large.
const keepBuffer = 1 << 20

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, flushAt+4<<10); return &b }}

// streamRows answers with one page of rows and closes them. head begins the document and ends with the opening bracket of
// the list. An error before the first bytes are sent is returned; a later one breaks the connection, since a list that
// stops early must not look complete.
func (c *call) streamRows(rows *livetables.Rows, s *shape, head []byte) error {
	defer rows.Close()
	held := buffers.Get().(*[]byte)
	buf := append((*held)[:0], head...)
	defer func() {
		if cap(buf) <= keepBuffer {
			*held = buf[:0]
			buffers.Put(held)
		}
	}()
	sent := false
	send := func() {
		if !sent {
			c.w.Header().Set("Content-Type", "application/json")
			sent = true
		} else {
			c.w.extend()
		}
		if _, err := c.w.Write(buf); err != nil {
			panic(http.ErrAbortHandler)
		}
		buf = buf[:0]
	}
	room := flushAt // bytes that may be gathered before some are sent
	for first := true; rows.Next(); first = false {
		if !first {
			buf = append(buf, ',')
		}
		buf = appendRow(buf, s, rows)
		if s.labels != nil {
			s.labels.see(rows)
		}
		if len(buf) < room {
			continue
		}
		switch {
		case sent:
			send()
		case room < maxHeld && c.hold(): // a page in memory does not keep a reader waiting for its client
			room += heldPiece
		case c.stream():
			room = flushAt
			send()
		default:
			return fullShare("workspace_streams")
		}
	}
	if err := rows.Err(); err != nil {
		if sent {
			c.s.log.ErrorContext(c.ctx(), "list broken off", "request_id", c.w.request, "error", err)
			panic(http.ErrAbortHandler)
		}
		return err
	}
	buf = append(buf, `],"page":{"next_cursor":`...)
	if next := rows.NextCursor(); next != "" {
		buf = lqp.AppendJSONString(buf, next)
	} else {
		buf = append(buf, "null"...)
	}
	buf = append(buf, `,"has_more":`...)
	buf = strconv.AppendBool(buf, rows.More())
	buf = append(buf, '}')
	if n, ok := rows.Count(); ok {
		buf = append(buf, `,"count":{"exact":`...)
		buf = strconv.AppendInt(buf, n, 10)
		buf = append(buf, '}')
	}
	if s.labels != nil {
		// The rows are at their end: a query that kept its connection while it waits for another would wait for itself.
		err := rows.Close()
		if err == nil {
			buf, err = s.labels.append(buf, c)
		}
		if err != nil && sent {
			c.s.log.ErrorContext(c.ctx(), "list broken off", "request_id", c.w.request, "error", err)
			panic(http.ErrAbortHandler)
		}
		if err != nil {
			return err
		}
	}
	buf = append(buf, "}\n"...)
	if !sent {
		c.w.Header().Set("Content-Length", strconv.Itoa(len(buf)))
		if err := rows.Close(); err != nil {
			return err
		}
	}
	send()
	return nil
}

// columnHead begins the document of a query's rows: the columns with their types, then the list.
func columnHead(columns []lqp.Column) []byte {
	head := []byte(`{"columns":[`)
	for i, c := range columns {
		if i > 0 {
			head = append(head, ',')
		}
		head = append(head, `{"name":`...)
		head = lqp.AppendJSONString(head, c.Name)
		head = append(head, `,"type":`...)
		head = lqp.AppendJSONString(head, c.Type.String())
		head = append(head, '}')
	}
	return append(head, `],"data":[`...)
}

// rowsHead begins the document of a table's rows.
var rowsHead = []byte(`{"data":[`)
