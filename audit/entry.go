package audit

import (
	"context"
	"encoding/json"
	"time"
)

// Entry is one change. The same record is the audit entry, the history of the resource and the outbox row from which
// live events are made.
type Entry struct {
	// Position is the entry's place in the log of its store: from 1, in commit order. Numbers are given without gaps; what is
	// missing among them was deleted with its workspace.
	Position  int64     `json:"position"`
	ID        string    `json:"id"` // chg_…, or evt_… of what another store handed over, whose At is the time there
	At        time.Time `json:"at"`
	Workspace string    `json:"workspace_id,omitempty"`
	Actor     string    `json:"actor"`
	Action    string    `json:"action"` // "row.insert", "row.update", "row.delete", "table.create", "member.add", "connection.create", "auth.login", …
	// ResourceType and Resource name what changed ("row", "row_…"); Table is the table of a row or column.
	ResourceType string `json:"resource_type"`
	Resource     string `json:"resource_id"`
	Table        string `json:"table_id,omitempty"`
	// Offset is the change's place in its table's own log: dense, from 1, in commit order; 0 when it has no table.
	Offset int64 `json:"offset,omitempty"`
	// Version is the row's or the resource's version after the change.
	Version int64 `json:"version,omitempty"`
	// Before and After are JSON objects by column id (or by field name for other resources): the changed fields and,
	// for rows, every column, nil where there is no such side. They never hold secrets.
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
	// Batch is shared by the entries of one transaction's request.
	Batch   string `json:"batch,omitempty"`
	Request string `json:"request_id,omitempty"`
	Address string `json:"address,omitempty"`
	Reason  string `json:"reason,omitempty"`
	// Imported says that the entry came with the archive of a workspace: it tells what happened in another store, as the
	// archive has it, and Actor is nobody of this one whatever the id.
	Imported bool `json:"imported,omitempty"`
	// Chain ties the entry to those before it. It is nil where entries are shown to readers of a workspace.
	Chain *Link `json:"chain,omitempty"`
}

// Sink consumes entries after their commit. The relay calls it with the entries in order of Position, again with
// the same ones after an error or a crash: a Sink must tolerate repeats, which it can recognise by Position.
type Sink interface {
	WriteEntries(ctx context.Context, entries []Entry) error
}
