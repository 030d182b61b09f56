package minidb

import (
	"context"
	"net/netip"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/rbac"
)

// loadSnapshot reads the catalogue of a workspace on one state of the database.
func (db *DB) loadSnapshot(ctx context.Context, workspace string) (*Snapshot, error) {
	s := &Snapshot{}
	err := db.read(ctx, "load workspace "+workspace, func(r session) error {
		*s = Snapshot{}
		l := loader{session: r, db: db, s: s, workspace: argText(workspace)}
		return l.run()
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// loader fills one snapshot.
type loader struct {
	session
	db        *DB
	s         *Snapshot
	workspace lqp.Value
}

func (l *loader) run() error {
	for _, step := range []func() error{l.head, l.members, l.projects, l.bases, l.tables, l.computed, l.views, l.shares, l.connections, l.rules, l.roles, l.caps,
		l.trash, l.parents} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) head() error {
	type head struct {
		workspace        Workspace
		revision, policy int64
		networks         []netip.Prefix
	}
	h, err := must(l.session, "workspace", func(r record) head {
		return head{scanWorkspace(r), r.integer(6), r.integer(7), scanNetworks(r.document(8))}
	}, `SELECT `+workspaceColumns+`, revision, policy_version, networks FROM lt_workspace WHERE id = ?`, l.workspace)
	l.s.Workspace, l.s.Revision, l.s.PolicyVersion, l.s.Networks = h.workspace, h.revision, h.policy, h.networks
	return err
}

func (l *loader) members() (err error) {
	l.s.MemberList, err = all(l.session, scanMember, `SELECT `+memberColumns+` FROM lt_member WHERE workspace = ? ORDER BY user_id`,
		l.workspace)
	l.s.Members = make(map[string]rbac.Role, len(l.s.MemberList))
	for _, m := range l.s.MemberList {
		if m.damaged {
			m.Role = "" // a rule may ask for what was lost
		}
		l.s.Members[m.User] = m.Role
	}
	return err
}

// indexed reads resources and arranges them by id.
func indexed[T any](l *loader, scan func(record) T, id func(*T) string, sql string) ([]*T, map[string]*T, error) {
	values, err := all(l.session, scan, sql, l.workspace)
	list, index := make([]*T, len(values)), make(map[string]*T, len(values))
	for i := range values {
		list[i] = &values[i]
		index[id(&values[i])] = &values[i]
	}
	return list, index, err
}

func (l *loader) projects() (err error) {
	l.s.Projects, l.s.projects, err = indexed(l, scanProject, func(p *Project) string { return p.ID },
		`SELECT `+projectColumns+` FROM lt_project WHERE workspace = ? ORDER BY name, id`)
	return err
}

// parents notes what is inside of what.
func (l *loader) parents() error {
	l.s.parents = make(map[string]string, len(l.s.Tables)+len(l.s.Archived)+len(l.s.Views)+len(l.s.Bases))
	for _, b := range l.s.Bases {
		if b.Project != "" {
			l.s.parents[b.ID] = b.Project
		}
	}
	for _, list := range [][]*Table{l.s.Tables, l.s.Archived} {
		for _, t := range list {
			l.s.parents[t.ID] = t.Base
		}
	}
	for _, v := range l.s.Views {
		l.s.parents[v.ID] = v.Base
	}
	for _, t := range l.s.Trash {
		if t.Kind != TrashedColumn && t.Place != "" {
			l.s.parents[t.Resource] = t.Place
		}
		for _, id := range t.inside {
			l.s.parents[id] = t.Resource
		}
	}
	return nil
}

func (l *loader) bases() (err error) {
	l.s.Bases, l.s.bases, err = indexed(l, scanBase, func(b *Base) string { return b.ID },
		`SELECT `+baseColumns+` FROM lt_base WHERE workspace = ? ORDER BY name, id`)
	return err
}

func (l *loader) tables() error {
	every, byID, err := indexed(l, scanTable, func(t *Table) string { return t.ID },
		`SELECT `+tableColumns+` FROM lt_table WHERE workspace = ? ORDER BY CASE position WHEN 0 THEN 1 ELSE 0 END, position, name, id`)
	if err != nil {
		return err
	}
	columns, err := all(l.session, scanColumn, `SELECT `+columnColumns+` FROM lt_column WHERE workspace = ? ORDER BY position, id`, l.workspace)
	if err != nil {
		return err
	}
	l.s.columns = make(map[string]*Table, len(columns))
	for i := range columns {
		if t := byID[columns[i].Table]; t != nil {
			t.Columns = append(t.Columns, columns[i])
			l.s.columns[columns[i].ID] = t
		}
	}
	indexes, err := indexesOf(l.session, l.workspace, lqp.Value{})
	if err != nil {
		return err
	}
	for _, x := range indexes {
		if t := byID[x.Table]; t != nil {
			t.indexes = append(t.indexes, x)
		}
	}
	trashed, err := l.readTrashed(l.workspace, lqp.Value{})
	if err != nil {
		return err
	}
	l.s.Tables = make([]*Table, 0, len(every))
	l.s.tables, l.s.archived = make(map[string]*Table, len(every)), make(map[string]*Table)
	for _, t := range every {
		t.trashed, t.memo = trashed[t.ID], &pastMemo{}
		t.layout = newLayout(l.db.store, t)
		if t.Archived() {
			l.s.Archived, l.s.archived[t.ID] = append(l.s.Archived, t), t
			continue
		}
		l.s.Tables, l.s.tables[t.ID] = append(l.s.Tables, t), t
	}
	return nil
}

func (l *loader) views() (err error) {
	l.s.Views, l.s.views, err = indexed(l, scanView, func(v *View) string { return v.ID },
		`SELECT `+viewColumns+` FROM lt_view WHERE workspace = ? ORDER BY name, id`)
	return err
}

func (l *loader) shares() (err error) {
	if l.s.Shares, l.s.shares, err = indexed(l, scanShare, func(s *Share) string { return s.ID },
		`SELECT `+shareColumns+` FROM lt_share WHERE workspace = ? ORDER BY slug`); err != nil {
		return err
	}
	keys, err := all(l.session, scanShareKey, `SELECT `+shareKeyColumns+` FROM lt_share_key WHERE workspace = ? ORDER BY id`, l.workspace)
	for _, k := range keys {
		if s := l.s.shares[k.share]; s != nil {
			s.Keys = append(s.Keys, k.key)
		}
	}
	return err
}

func (l *loader) connections() (err error) {
	l.s.Connections, l.s.connections, err = indexed(l, scanConnection, func(c *Connection) string { return c.ID },
		`SELECT `+connectionRead+` FROM lt_connection WHERE workspace = ? ORDER BY name, id`)
	return err
}

func (l *loader) rules() (err error) {
	l.s.Rules, _, err = indexed(l, scanRule, func(r *Rule) string { return r.Table.Connection + r.Table.Table + string(r.Role) },
		`SELECT `+ruleColumns+` FROM lt_rule WHERE workspace = ? ORDER BY connection, table_name, role`)
	return err
}

func (l *loader) roles() (err error) {
	l.s.Roles, _, err = indexed(l, scanRole, func(r *Role) string { return string(r.ID) },
		`SELECT `+roleColumns+` FROM lt_role WHERE workspace = ? ORDER BY name, id`)
	return err
}

func (l *loader) caps() (err error) {
	l.s.Caps, err = all(l.session, scanCap, `SELECT `+capColumns+` FROM lt_cap WHERE workspace = ? ORDER BY resource, role, user_id`, l.workspace)
	return err
}

func (l *loader) trash() (err error) {
	l.s.Trash, l.s.trash, err = indexed(l, scanTrashed, func(t *Trashed) string { return t.ID },
		`SELECT `+trashColumns+` FROM lt_trash WHERE workspace = ? ORDER BY deleted_at DESC, id DESC`)
	return err
}
