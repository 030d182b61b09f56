package httpapi

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/rbac"
)

func historyRoutes() []route {
	filters := []string{"actor", "action", "from", "to", "limit", "cursor"}
	return []route{
		{method: "GET", path: api + "/audit-logs", handler: auditLog, params: append([]string{"workspace_id", "resource_type", "resource_id", "table_id"}, filters...)},
		{method: "GET", path: api + "/tables/{table}/history", handler: tableHistory, params: filters},
		{method: "GET", path: api + "/tables/{table}/rows/{row}/history", handler: rowHistory, params: filters},
	}
}

// entryDocument is an audit entry as the API shows it. Positions in the store's log are not shown: they count the changes
// of other workspaces.
type entryDocument struct {
	ID           string          `json:"id"`
	At           time.Time       `json:"at"`
	Actor        string          `json:"actor"`
	Action       string          `json:"action"`
	ResourceType string          `json:"resource_type"`
	Resource     string          `json:"resource_id"`
	Table        string          `json:"table_id,omitempty"`
	Version      int64           `json:"version,omitempty"`
	Before       json.RawMessage `json:"before,omitempty"` // by column id
	After        json.RawMessage `json:"after,omitempty"`
	Batch        string          `json:"batch,omitempty"`
	Reason       string          `json:"reason,omitempty"`
	// Request and Address are shown to those who may read the audit log.
	Request string `json:"request_id,omitempty"`
	Address string `json:"address,omitempty"`
}

func auditLog(c *call) error {
	workspace, err := c.params.required("workspace_id")
	if err != nil {
		return err
	}
	f, err := c.historyFilter()
	if err != nil {
		return err
	}
	f.ResourceType, f.Resource, f.Table = c.params.text("resource_type"), c.params.text("resource_id"), c.params.text("table_id")
	entries, err := c.access.AuditLog(c.ctx(), workspace, more(f))
	if err != nil {
		return err
	}
	return c.entries(entries, f.Limit, true)
}

func tableHistory(c *call) error {
	return c.history(func(f livetables.HistoryFilter) ([]audit.Entry, error) {
		return c.access.TableHistory(c.ctx(), c.id("table"), f)
	})
}

func rowHistory(c *call) error {
	return c.history(func(f livetables.HistoryFilter) ([]audit.Entry, error) {
		return c.access.RowHistory(c.ctx(), c.id("table"), c.id("row"), f)
	})
}

// history answers with changes of a table, which every member may read. Where others come from is not among them.
func (c *call) history(read func(livetables.HistoryFilter) ([]audit.Entry, error)) error {
	f, err := c.historyFilter()
	if err != nil {
		return err
	}
	entries, err := read(more(f))
	if err != nil {
		return err
	}
	auditor := false
	if len(entries) > 0 {
		if auditor, err = c.allowed(entries[0].Workspace, rbac.ReadAudit); err != nil {
			return err
		}
	}
	return c.entries(entries, f.Limit, auditor)
}

func (c *call) historyFilter() (f livetables.HistoryFilter, err error) {
	f.Actor, f.Action = c.params.text("actor"), c.params.text("action")
	if f.Limit, err = c.params.integer("limit", 100, 1, maxPage-1); err != nil {
		return f, err
	}
	if f.From, err = c.params.time("from"); err != nil {
		return f, err
	}
	if f.To, err = c.params.time("to"); err != nil {
		return f, err
	}
	if cursor, ok := c.params.find("cursor"); ok {
		if f.Before, ok = openEntryCursor(cursor); !ok {
			return f, livetables.ErrCursor
		}
	}
	return f, nil
}

// more asks for one entry beyond the page, to know whether there are any.
func more(f livetables.HistoryFilter) livetables.HistoryFilter {
	f.Limit++
	return f
}

func (c *call) entries(found []audit.Entry, limit int, auditor bool) error {
	out := listing{Page: page{More: len(found) > limit}}
	if out.Page.More {
		found = found[:limit]
		cursor := entryCursor(found[limit-1].Position)
		out.Page.Next = &cursor
	}
	list := make([]entryDocument, len(found))
	for i, e := range found {
		list[i] = entryDocument{ID: e.ID, At: e.At, Actor: e.Actor, Action: e.Action, ResourceType: e.ResourceType, Resource: e.Resource,
			Table: e.Table, Version: e.Version, Before: e.Before, After: e.After, Batch: e.Batch, Reason: e.Reason}
		if auditor {
			list[i].Request, list[i].Address = e.Request, e.Address
		}
	}
	out.Data = list
	return c.json(http.StatusOK, out)
}

// A cursor of the log says only before which entry to go on: whatever number is in it, the entries are those that the
// reader may see.

const entryCursorPrefix = "h1:"

func entryCursor(position int64) string {
	return base64.RawURLEncoding.EncodeToString([]byte(entryCursorPrefix + strconv.FormatInt(position, 36)))
}

func openEntryCursor(cursor string) (int64, bool) {
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	digits, ok := strings.CutPrefix(string(raw), entryCursorPrefix)
	if err != nil || !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(digits, 36, 64)
	return n, err == nil && n > 0
}
