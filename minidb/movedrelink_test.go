package minidb_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/audit"
)

// relinked gives a forged log the chain that it would have: whoever writes an archive can do that.
func relinked(t testing.TB, f *forged) {
	t.Helper()
	var out []byte
	var prev, working []byte
	workspace := f.about["workspace_id"].(string)
	for i, line := range bytes.SplitAfter(bytes.TrimSuffix(f.content["log.ndjson"], []byte("\n")), []byte("\n")) {
		var l struct {
			Position, At, Offset, Version                                             int64
			ID, Actor, Action, Type, Resource, Table, Batch, Request, Address, Reason string
			Before, After                                                             json.RawMessage
			Salt, Hash                                                                []byte
		}
		require.NoError(t, json.Unmarshal(line, &l))
		e := audit.Entry{Position: l.Position, ID: l.ID, At: time.UnixMilli(l.At), Workspace: workspace, Actor: l.Actor, Action: l.Action, ResourceType: l.Type,
			Resource: l.Resource, Table: l.Table, Offset: l.Offset, Version: l.Version, Before: l.Before, After: l.After, Batch: l.Batch, Request: l.Request,
			Address: l.Address, Reason: l.Reason, Chain: &audit.Link{Sequence: int64(i + 1), Salt: l.Salt, Prev: prev}}
		digest, w := audit.Digest(&e, working)
		working, prev = w, digest
		old, now := base64.StdEncoding.EncodeToString(l.Hash), base64.StdEncoding.EncodeToString(digest)
		out = append(out, bytes.Replace(bytes.TrimSuffix(line, []byte("\n")), []byte(old), []byte(now), 1)...)
		out = append(out, '\n')
	}
	f.content["log.ndjson"] = out
	f.about["hash"] = base64.StdEncoding.EncodeToString(prev)
}
