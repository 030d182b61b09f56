package minidb

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/lqp"
)

// logLine is an entry of the log as archives have it. The workspace, the number and the digest of the entry before follow
// from its place.
type logLine struct {
	Position int64  `json:"position"` // where it was written
	ID       string `json:"id"`
	At       int64  `json:"at"` // milliseconds since 1970
	Actor    string `json:"actor"`
	Action   string `json:"action"`
	Type     string `json:"type"`
	Resource string `json:"resource"`
	Table    string `json:"table"`
	Offset   int64  `json:"offset"`
	Version  int64  `json:"version"`
	// Before and After are the documents as they are; one that blanks are in, or that is no object, is a text instead.
	Before     json.RawMessage `json:"before"`
	BeforeText *string         `json:"before_text"`
	After      json.RawMessage `json:"after"`
	AfterText  *string         `json:"after_text"`
	Batch      string          `json:"batch"`
	Request    string          `json:"request"`
	Address    string          `json:"address"`
	Reason     string          `json:"reason"`
	Salt       []byte          `json:"salt"`
	Hash       []byte          `json:"hash"`
}

// log adds the log, entry by entry, and verifies it on the way.
func (e *exporting) log() error {
	e.b.Begin(logFile)
	chain := chainReader{workspace: e.id}
	end, _, err := one(e.session, func(r record) chainEnd { return chainEnd{sequence: r.integer(0), hash: r.bytes(1)} },
		`SELECT sequence, hash FROM lt_chain WHERE workspace = ?`, argText(e.id))
	if err != nil {
		return fmt.Errorf("read end of chain: %w", err)
	}
	floor, err := e.floor(e.id)
	if err != nil {
		return err
	}
	chain.sequence, chain.prev = floor.Sequence, floor.Hash
	e.about.First, e.about.Prev = chain.sequence+1, chain.prev
	book := new(shapeBook)
	if err := book.learn(e.session, e.id); err != nil {
		return fmt.Errorf("read shapes of images: %w", err)
	}
	scan := exactScan(book)
	err = e.each(`SELECT `+e.db.exactColumns()+` FROM lt_change WHERE workspace = ? AND position > ? ORDER BY position`,
		[]lqp.Value{argText(e.id), argInt(floor.Position)}, func(r record) error {
			entry := scan(r)
			if reason := chain.next(&entry); reason != "" {
				return &audit.Fault{Kind: audit.Changed, Workspace: e.id, Sequence: chain.sequence + 1, Position: entry.Position, Detail: reason}
			}
			return e.put(appendEntry(e.line[:0], &entry))
		})
	if err != nil {
		return err
	}
	if chain.sequence != end.sequence || !bytes.Equal(chain.prev, end.hash) {
		return &audit.Fault{Kind: audit.CutTail, Workspace: e.id, Sequence: chain.sequence + 1, Detail: "the log does not end where its chain does"}
	}
	e.about.Last, e.about.Hash = chain.sequence, chain.prev
	return nil
}

// chainReader follows a chain.
type chainReader struct {
	workspace string
	sequence  int64  // of the last entry
	prev      []byte // its digest
	working   []byte
}

// next says why an entry is not the next one of the chain, "" when it is.
func (c *chainReader) next(e *audit.Entry) string {
	var digest []byte
	digest, c.working = audit.Digest(e, c.working)
	switch {
	case e.Chain.Sequence != c.sequence+1 || !bytes.Equal(e.Chain.Prev, c.prev):
		return "it does not follow the entry before it"
	case !bytes.Equal(digest, e.Chain.Hash):
		return "the entry is not what it was written as"
	}
	c.sequence, c.prev = e.Chain.Sequence, e.Chain.Hash
	return ""
}

// appendEntry appends an entry as a line of an archive.
func appendEntry(dst []byte, e *audit.Entry) []byte {
	position := e.Position
	if e.Chain.Origin != 0 {
		position = e.Chain.Origin
	}
	number := func(name string, n int64) {
		dst = strconv.AppendInt(append(append(dst, name...), ':'), n, 10)
	}
	text := func(name, s string) {
		if s != "" {
			dst = lqp.AppendJSONString(append(append(dst, name...), ':'), s)
		}
	}
	number(`{"position"`, position)
	text(`,"id"`, e.ID)
	number(`,"at"`, e.At.UnixMilli())
	text(`,"actor"`, e.Actor)
	text(`,"action"`, e.Action)
	text(`,"type"`, e.ResourceType)
	text(`,"resource"`, e.Resource)
	text(`,"table"`, e.Table)
	if e.Offset != 0 {
		number(`,"offset"`, e.Offset)
	}
	if e.Version != 0 {
		number(`,"version"`, e.Version)
	}
	document := func(name string, doc json.RawMessage) {
		switch {
		case doc == nil:
		case len(doc) > 0 && doc[0] == '{' && json.Valid(doc) && bytes.Equal(compact(doc), doc):
			dst = append(append(append(append(append(dst, `,"`...), name...), '"'), ':'), doc...)
		default:
			dst = lqp.AppendJSONString(append(append(append(dst, `,"`...), name...), `_text":`...), string(doc))
		}
	}
	document("before", e.Before)
	document("after", e.After)
	text(`,"batch"`, e.Batch)
	text(`,"request"`, e.Request)
	text(`,"address"`, e.Address)
	text(`,"reason"`, e.Reason)
	dst = base64.StdEncoding.AppendEncode(append(dst, `,"salt":"`...), e.Chain.Salt)
	dst = base64.StdEncoding.AppendEncode(append(dst, `","hash":"`...), e.Chain.Hash)
	return append(dst, `"}`...)
}

// readEntry reads a line that appendEntry has written, as the entry after the last one of c.
func (c *chainReader) readEntry(line []byte) (*audit.Entry, error) {
	var l logLine
	if err := json.Unmarshal(line, &l); err != nil {
		return nil, faulty("no entry: %v", err)
	}
	e := &audit.Entry{Position: l.Position, ID: l.ID, At: time.UnixMilli(l.At).UTC(), Workspace: c.workspace, Actor: l.Actor, Action: l.Action,
		ResourceType: l.Type, Resource: l.Resource, Table: l.Table, Offset: l.Offset, Version: l.Version, Before: l.Before, After: l.After,
		Batch: l.Batch, Request: l.Request, Address: l.Address, Reason: l.Reason, Imported: true,
		Chain: &audit.Link{Sequence: c.sequence + 1, Salt: l.Salt, Prev: c.prev, Hash: l.Hash, Origin: l.Position}}
	if l.BeforeText != nil {
		e.Before = json.RawMessage(*l.BeforeText)
	}
	if l.AfterText != nil {
		e.After = json.RawMessage(*l.AfterText)
	}
	if !bytes.Equal(appendEntry(nil, e), line) {
		return nil, faulty("an entry is not written like that")
	}
	return e, nil
}
