package httpapi

import (
	"bufio"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/rbac"
)

func historyRoutes() []route {
	filters := []string{"actor", "action", "from", "to", "limit", "cursor"}
	return []route{
		{method: "GET", path: api + "/audit-logs", handler: auditLog, params: append([]string{"workspace_id", "resource_type", "resource_id", "table_id"}, filters...)},
		{method: "GET", path: api + "/workspaces/{workspace}/audit-logs/head", handler: logHead},
		{method: "GET", path: api + "/workspaces/{workspace}/audit-logs/export.ndjson", handler: exportLog, params: []string{"actor", "action", "from", "to", "resource_type", "resource_id", "table_id"}},
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
	Changes      []fieldChange   `json:"changes,omitempty"`
	// Imported says that the entry came with the archive of the workspace: it was written elsewhere, and Actor is nobody here.
	Imported bool   `json:"imported,omitempty"`
	Batch    string `json:"batch,omitempty"`
	Reason   string `json:"reason,omitempty"`
	// Request and Address are shown to those who may read the audit log.
	Request string `json:"request_id,omitempty"`
	Address string `json:"address,omitempty"`
}

func auditLog(c *call) error {
	workspace, err := c.params.required("workspace_id")
	if err != nil {
		return err
	}
	f, err := c.historyFilter(livetables.HistoryFilter{ResourceType: c.params.text("resource_type"), Resource: c.params.text("resource_id"), Table: c.params.text("table_id")})
	if err != nil {
		return err
	}
	entries, err := c.access.AuditLog(c.ctx(), workspace, more(f))
	if err != nil {
		return err
	}
	return c.entries(entries, f, workspace, true)
}

func tableHistory(c *call) error {
	return c.history(livetables.HistoryFilter{Table: c.id("table")}, func(f livetables.HistoryFilter) ([]audit.Entry, error) {
		return c.access.TableHistory(c.ctx(), f.Table, f)
	})
}

func rowHistory(c *call) error {
	of := livetables.HistoryFilter{Table: c.id("table"), ResourceType: "row", Resource: c.id("row")}
	return c.history(of, func(f livetables.HistoryFilter) ([]audit.Entry, error) {
		return c.access.RowHistory(c.ctx(), f.Table, f.Resource, f)
	})
}

// history answers with changes of a table, which every member may read. Where others come from is not among them.
func (c *call) history(of livetables.HistoryFilter, read func(livetables.HistoryFilter) ([]audit.Entry, error)) error {
	f, err := c.historyFilter(of)
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
	return c.entries(entries, f, "", auditor)
}

// historyFilter reads the parameters of a history of something.
func (c *call) historyFilter(f livetables.HistoryFilter) (_ livetables.HistoryFilter, err error) {
	f.Actor, f.Action = c.params.text("actor"), c.params.text("action")
	if f.Limit, err = c.params.integer("limit", 100, 1, maxPage); err != nil {
		return f, err
	}
	if f.From, err = c.params.time("from"); err != nil {
		return f, err
	}
	if f.To, err = c.params.time("to"); err != nil {
		return f, err
	}
	if cursor, ok := c.params.find("cursor"); ok {
		if f.Cursor = cursor; cursor == "" {
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

// entries answers with a page of a table's history, or of a workspace's log.
func (c *call) entries(found []audit.Entry, f livetables.HistoryFilter, workspace string, auditor bool) error {
	out := listing{Page: page{More: len(found) > f.Limit}}
	if out.Page.More {
		found = found[:f.Limit]
		cursor, err := c.access.HistoryCursor(c.ctx(), f, found[f.Limit-1])
		if err != nil {
			return err
		}
		out.Page.Next = &cursor
	}
	list := make([]entryDocument, len(found))
	for i, e := range found {
		list[i] = entryOf(e, auditor)
	}
	out.Data = list
	if workspace != "" {
		f.Table = "" // of which nothing may be seen any more
	}
	if err := c.cutBefore(&out, workspace, f.Table, f.From); err != nil {
		return err
	}
	return c.json(http.StatusOK, out)
}

func entryOf(e audit.Entry, auditor bool) entryDocument {
	d := entryDocument{ID: e.ID, At: e.At, Actor: e.Actor, Action: e.Action, ResourceType: e.ResourceType, Resource: e.Resource,
		Table: e.Table, Version: e.Version, Before: e.Before, After: e.After, Changes: fieldChanges(&e), Batch: e.Batch, Reason: e.Reason, Imported: e.Imported}
	if auditor {
		d.Request, d.Address = e.Request, e.Address
	}
	return d
}

// exportLog streams the log as lines of JSON. As with every stream, an error after the first bytes breaks the connection.
func exportLog(c *call) error {
	f, err := c.historyFilter(livetables.HistoryFilter{ResourceType: c.params.text("resource_type"), Resource: c.params.text("resource_id"), Table: c.params.text("table_id")})
	if err != nil {
		return err
	}
	file := fileFormats[slices.IndexFunc(fileFormats, func(f fileFormat) bool { return f.format == livetables.FormatNDJSON })]
	out := bufio.NewWriterSize(fileResponse{c.w, file}, 64<<10)
	lines := json.NewEncoder(out)
	err = c.access.ExportAuditLog(c.ctx(), c.id("workspace"), f, func(e audit.Entry) error { return lines.Encode(entryOf(e, true)) })
	if err != nil {
		return err
	}
	if out.Buffered() == 0 && c.w.status == 0 { // no entry
		c.w.fileHeaders(file)
		c.w.WriteHeader(http.StatusOK)
		return nil
	}
	return out.Flush()
}
