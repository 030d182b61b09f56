package httpapi

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestLogIsExported: every page of the list in one file, and nothing for those who may not read the list.
func TestLogIsExported(t *testing.T) {
	p := newPlace(t, shared)
	rows := make([]map[string]any, 600)
	for i := range rows {
		rows[i] = map[string]any{"fields": map[string]any{"Name": "many"}}
	}
	for range 2 {
		p.must(t, 200, "owner", "POST", p.rows("/bulk"), map[string]any{"op": "insert", "rows": rows})
	}
	export := "/api/v1/workspaces/" + p.workspace + "/audit-logs/export.ndjson"
	ids := func(path string) (list []string) {
		a := p.must(t, 200, "owner", "GET", path, nil)
		require.Equal(t, "application/x-ndjson", a.header.Get("Content-Type"))
		for line := range strings.Lines(a.body) {
			var e entryDocument
			require.NoError(t, json.Unmarshal([]byte(line), &e))
			list = append(list, e.ID)
		}
		return list
	}
	var listed []string
	for cursor := ""; ; {
		var page struct {
			Data []entryDocument
			Page page
		}
		a := p.must(t, 200, "owner", "GET", "/api/v1/audit-logs?limit=500&workspace_id="+p.workspace+cursor, nil)
		require.NoError(t, json.Unmarshal([]byte(a.body), &page))
		for _, e := range page.Data {
			listed = append(listed, e.ID)
		}
		if page.Page.Next == nil {
			break
		}
		cursor = "&cursor=" + *page.Page.Next
	}
	require.Greater(t, len(listed), 1200)
	require.Equal(t, listed, ids(export))
	require.Len(t, ids(export+"?action=row.insert&table_id="+p.table), 1200)
	require.Empty(t, ids(export+"?actor=usr_nobody"))
	p.must(t, 403, "viewer", "GET", export, nil)
	p.must(t, 404, "stranger", "GET", export, nil)
	p.must(t, 400, "owner", "GET", export+"?limit=5", nil)
}
