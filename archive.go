package livetables

import (
	"context"

	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// ErrArchived says that a table is archived: it is neither read nor written nor changed until it is restored.
var ErrArchived = minidb.ErrArchived

// ArchiveTable puts a table away with its rows, rules and views; version 0 skips the version check. Queries and writes that
// name it, its views among them, answer [ErrArchived], and Tables does not list it.
func (a *Access) ArchiveTable(ctx context.Context, id string, version int64) (*minidb.Table, error) {
	s, err := a.anyTable(ctx, id)
	if err != nil {
		return nil, err
	}
	t, err := a.e.store.ArchiveTable(ctx, a.actor(""), id, version)
	if err != nil {
		return nil, err
	}
	return s.changed(ctx, t)
}

// RestoreTable brings an archived table back with everything it had, for those who may alter it (rbac.AlterTables). One that
// is not archived stays as it is and is no error; one in the trash is [ErrNotFound], see [Access.RestoreTrashed]. version is the
// table's.
func (a *Access) RestoreTable(ctx context.Context, id string, version int64) (*minidb.Table, error) {
	s, err := a.anyTable(ctx, id)
	if err != nil {
		return nil, err
	}
	t, err := a.e.store.RestoreTable(ctx, a.actor(""), id, version)
	if err != nil {
		return nil, err
	}
	return s.changed(ctx, t)
}

// AllTables is [Access.Tables] with the archived tables behind the others. What an archived one holds is answered with
// [ErrArchived] until [Access.RestoreTable].
func (a *Access) AllTables(ctx context.Context, base string) ([]*minidb.Table, error) {
	s, err := a.at(ctx, base, rbac.ReadData)
	if err != nil {
		return nil, err
	}
	list := s.visibleTables(ctx, s.Tables, base)
	return append(list, s.visibleTables(ctx, s.Archived, base)...), nil
}

// visibleTables are those tables of a base that are not closed to the principal, without the columns hidden from it
// and with what masks leave of others.
func (s *entry) visibleTables(ctx context.Context, tables []*minidb.Table, base string) (list []*minidb.Table) {
	for _, t := range tables {
		if t.Base != base {
			continue
		}
		if v := s.shown(ctx, t); v != nil {
			list = append(list, v)
		}
	}
	return list
}
