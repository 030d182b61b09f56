package livetables

import (
	"context"
	"slices"
	"time"

	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// Why a change was not taken back with what somebody did in a time.
const (
	// LeftDefinition is a change of a table's definition: [Access.RevertSchema] takes it back, the newest first.
	LeftDefinition = "definition"
	// LeftRights is one of who may do what: members, roles, rules, caps, publications. It is changed by those who may.
	LeftRights = "rights"
	// LeftResource is one of something else: a view, a base, a project, a connection, a table that was made or is in the trash.
	LeftResource = "resource"
)

// LeftChange is a change that was not taken back, because it is none of rows.
type LeftChange struct {
	Entry        string // id of the audit entry
	Action       string
	ResourceType string
	Resource     string
	Table        string // "" for none
	At           time.Time
	Reason       string // LeftDefinition, LeftRights or LeftResource
	// Change is for SchemaRevert.Change, of a definition; else 0.
	Change int64
}

// maxLeft is how many of them a report lists.
const maxLeft = 200

var (
	leftOfDefinitions = []string{"table", "column", "index"}
	leftOfRights      = []string{"member", "role", "rule", "cap", "share", "share_key"}
	leftOfOthers      = []string{"view", "base", "project", "connection", "workspace"}
)

// left lists what somebody did in the time and the place of a choice beside rows, the newest first, as far as the principal may read
// of it in the histories. more says that there is more of it.
func (s *entry) left(ctx context.Context, c Changes) (list []LeftChange, more bool, err error) {
	q := minidb.HistoryQuery{Workspace: s.Workspace.ID, Actor: c.Actor, Table: c.Table, From: c.From, To: c.To, Limit: 2 * maxLeft,
		ResourceTypes: slices.Concat(leftOfDefinitions, leftOfRights, leftOfOthers)}
	audits := s.standing(rbac.ReadAudit)
	ctx, cancel := context.WithTimeout(ctx, s.limits.QueryTime)
	defer cancel()
	for {
		entries, err := s.e.store.History(ctx, q)
		if err != nil {
			return nil, false, err
		}
		for i := range entries {
			en := &entries[i]
			t, there := s.AnyTable(en.Table)
			switch {
			case en.Table == "" && (!audits || c.Base != "" && en.Resource != c.Base), c.Base != "" && en.Table != "" && (!there || t.Base != c.Base):
				continue
			case en.Table != "" && !audits && (!there || !s.readable(en.Table)):
				continue
			}
			if !s.show(ctx, en) || en.Actor != c.Actor {
				continue
			}
			if len(list) == maxLeft {
				return list, true, nil
			}
			x := LeftChange{Entry: en.ID, Action: en.Action, ResourceType: en.ResourceType, Resource: en.Resource, Table: en.Table, At: en.At, Reason: LeftResource}
			switch {
			case slices.Contains(leftOfRights, en.ResourceType):
				x.Reason = LeftRights
			case there && en.Version > 1 && slices.Contains(leftOfDefinitions, en.ResourceType):
				x.Reason, x.Change = LeftDefinition, en.Version
			}
			list = append(list, x)
		}
		if len(entries) < q.Limit {
			return list, false, nil
		}
		q.Before = entries[len(entries)-1].Position
	}
}
