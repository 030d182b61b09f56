package livetables

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/internal/rewrite"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// SchemaVersion is one version of a table's definition with what led to it.
type SchemaVersion struct {
	Version int64         `json:"version"`
	At      time.Time     `json:"at"`
	Actor   string        `json:"actor"`
	Reason  string        `json:"reason,omitempty"`
	Changes []audit.Entry `json:"changes"` // in the order in which they were made
}

// maxSchemaEntries bounds what one call reads of the log.
const maxSchemaEntries = 2_000

// SchemaVersions lists versions of a table, the newest first: limit of them (100 when 0, at most 1000) before a version, 0 for
// the newest too. What the principal may not see of a change is left out, as in the table's history; a version of which nothing
// is left is not listed. more says that there are older ones.
func (a *Access) SchemaVersions(ctx context.Context, table string, before int64, limit int) (list []SchemaVersion, more bool, err error) {
	s, err := a.at(ctx, table, rbac.ReadData)
	if err != nil {
		return nil, false, err
	}
	if _, _, err := s.tableOf(ctx, table); err != nil {
		return nil, false, err
	}
	if limit <= 0 {
		limit = 100
	}
	limit = min(limit, 1000)
	entries, err := a.e.store.SchemaChanges(ctx, table, before, maxSchemaEntries)
	if err != nil {
		return nil, false, err
	}
	list = []SchemaVersion{}
	cut := len(entries) == maxSchemaEntries
	for len(entries) > 0 {
		n := 1
		for n < len(entries) && entries[n].Version == entries[0].Version {
			n++
		}
		if len(list) == limit || cut && n == len(entries) && len(list) > 0 { // the last one may not be all there
			return list, true, nil
		}
		v := SchemaVersion{Version: entries[0].Version, At: entries[0].At, Changes: []audit.Entry{}}
		for i := n - 1; i >= 0; i-- {
			if e := entries[i]; s.show(ctx, &e) {
				v.Changes, v.Actor, v.Reason = append(v.Changes, e), e.Actor, e.Reason
			}
		}
		if len(v.Changes) > 0 && v.Version > 0 {
			list = append(list, v)
		}
		entries = entries[n:]
	}
	return list, false, nil
}

// SchemaAt is the definition of a table as it was at a version, as far as the principal may see it: columns that are hidden from
// it are not in it, nor those that are gone, unless no rule ever bound it. minidb.ErrNoForm says that the log does not tell.
func (a *Access) SchemaAt(ctx context.Context, table string, version int64) (*minidb.TableForm, error) {
	s, err := a.at(ctx, table, rbac.ReadData)
	if err != nil {
		return nil, err
	}
	return s.schemaAt(ctx, table, version)
}

// SchemaDiff is what differs between two versions of a table, each as [Access.SchemaAt] shows it to the principal, who must be allowed
// to read the table (rbac.ReadData). The versions may be in any order. [minidb.ErrNoForm] says that the log does not tell one of
// them, and a *minidb.HistoryCutError that it did once.
func (a *Access) SchemaDiff(ctx context.Context, table string, from, to int64) (*minidb.FormDiff, error) {
	s, err := a.at(ctx, table, rbac.ReadData)
	if err != nil {
		return nil, err
	}
	old, err := s.schemaAt(ctx, table, from)
	if err != nil {
		return nil, err
	}
	now, err := s.schemaAt(ctx, table, to)
	if err != nil {
		return nil, err
	}
	return old.Diff(now), nil
}

func (s *entry) schemaAt(ctx context.Context, table string, version int64) (*minidb.TableForm, error) {
	t, seen, err := s.tableOf(ctx, table)
	if err != nil {
		return nil, err
	}
	f, err := s.e.store.FormAt(ctx, t, version)
	if err != nil {
		return nil, err
	}
	s.narrowForm(f, t, seen)
	return f, nil
}

// narrowForm leaves of an older form of a table what the principal may see.
func (s *entry) narrowForm(f *minidb.TableForm, t *minidb.Table, seen *rewrite.Sight) {
	past := s.seesGone()
	if seen.Whole() && past {
		return
	}
	visible := map[string]bool{}
	for i := range t.Schema().Columns { // the built-in ones too
		id := t.Schema().Columns[i].ID
		visible[id] = seen.Shows(id)
	}
	f.Columns = slices.DeleteFunc(f.Columns, func(c minidb.ColumnForm) bool {
		if _, exists := t.Column(c.ID); !exists {
			return !past
		}
		return seen.Access(c.ID) == rbac.Hidden
	})
	for i := range f.Columns {
		c := &f.Columns[i]
		if _, exists := t.Column(c.ID); exists && !visible[c.ID] {
			c.Fields = maps.Clone(c.Fields)
			for _, name := range []string{"options", "default", "required", "unique"} {
				delete(c.Fields, name) // what the column may hold is said of values that are not shown
			}
		}
	}
	f.Indexes = slices.DeleteFunc(f.Indexes, func(x minidb.ColumnForm) bool {
		var columns []minidb.IndexColumn
		if json.Unmarshal(x.Fields["columns"], &columns) != nil {
			return true
		}
		return slices.ContainsFunc(columns, func(c minidb.IndexColumn) bool { return !visible[c.Column] })
	})
	delete(f.Table, "rules")
}

// SchemaRevert says which change of a table is taken back.
type SchemaRevert struct {
	Change  int64 // the version that the change led to
	Version int64 // the table's as the caller has seen it, 0 for any
	// AcceptLoss carries it out although cells lose something or views break.
	AcceptLoss bool
}

// SchemaReverted tells what taking a change back does, or did.
type SchemaReverted struct {
	Table *minidb.Table `json:"table"` // as it is then
	// Cells tells what becomes of the cells of a column that gets its type back, nil for none.
	Cells    *minidb.Retyping `json:"cells,omitempty"`
	Restored int64            `json:"restored"` // cells that get the value back that the change had taken
	Breaks   []Breakage       `json:"breaks"`   // views that compile now and would not any more
}

// PreviewSchemaRevert tells what [Access.RevertSchema] would do, for those who may do it. It does it and takes it back at once: writers
// wait meanwhile. Loss and views that would break are in the report and no error here; an *ImpactError is one, since no
// acceptance helps against it.
func (a *Access) PreviewSchemaRevert(ctx context.Context, table string, r SchemaRevert) (*SchemaReverted, error) {
	return again(func() (*SchemaReverted, error) {
		_, report, err := a.tryRevert(ctx, table, r)
		return report, err
	})
}

// RevertSchema takes one change of a table's definition back; see minidb.DB.RevertSchema. It fails with a *LossError when cells
// would lose something or views break and that is not accepted, and with an *ImpactError when the rule of a role would not
// compile any more. It is for those whom no rule of the table binds, since what comes back was seen by others than see it now.
func (a *Access) RevertSchema(ctx context.Context, table string, r SchemaRevert) (*SchemaReverted, error) {
	return again(func() (*SchemaReverted, error) {
		s, report, err := a.tryRevert(ctx, table, r)
		if err != nil {
			return nil, err
		}
		if lost := report.Cells != nil && report.Cells.Lost > 0; !r.AcceptLoss && (lost || len(report.Breaks) > 0) {
			loss := &LossError{TypeReport{Breaks: report.Breaks}}
			if report.Cells != nil {
				loss.Report.Retyping = *report.Cells
			}
			return nil, loss
		}
		t, _ := s.Snapshot.Table(table)
		done, err := a.e.store.RevertSchema(ctx, a.granted(s), table, s.revertOf(r, t.Version, false))
		var moved *minidb.VersionError
		if errors.As(err, &moved) && r.Version == 0 {
			return nil, fmt.Errorf("table %s: %w", table, minidb.ErrSchemaChanged) // to be looked at again
		}
		if err != nil {
			return nil, err
		}
		now, err := a.Table(ctx, table)
		if err != nil {
			return nil, err
		}
		return &SchemaReverted{Table: now, Cells: done.Cells, Restored: done.Restored, Breaks: report.Breaks}, nil
	})
}

func (s *entry) revertOf(r SchemaRevert, seen int64, dry bool) minidb.SchemaRevert {
	to := minidb.SchemaRevert{Version: r.Change, Seen: seen, AcceptLoss: r.AcceptLoss || dry, DryRun: dry}
	if _, own := s.e.policies.(*cataloguePolicies); own {
		to.PolicyVersion = s.policy.Version
	}
	return to
}

// tryRevert finds out what taking a change back does.
func (a *Access) tryRevert(ctx context.Context, table string, r SchemaRevert) (*entry, *SchemaReverted, error) {
	s, err := a.at(ctx, table, rbac.AlterTables)
	if err != nil {
		return nil, nil, err
	}
	t, _, err := s.tableOf(ctx, table)
	if err != nil {
		return nil, nil, err
	}
	if s.bindsTable(t.ID) {
		return nil, nil, fmt.Errorf("a rule of table %s binds you, and what comes back may be kept from you: %w", t.ID, ErrForbidden)
	}
	seen := r.Version
	if seen == 0 {
		seen = t.Version
	}
	done, err := a.e.store.RevertSchema(ctx, a.actor(""), table, s.revertOf(r, seen, true))
	if err != nil {
		return nil, nil, err
	}
	if err := s.mayMoveTable(t, done.Table.Base); err != nil {
		return nil, nil, err
	}
	for i := range done.Table.Columns {
		if err := s.ruledChoices(t, done.Table.Columns[i].ID, done.Table.Columns[i].Options.Choices); err != nil {
			return nil, nil, err
		}
	}
	for _, x := range s.Snapshot.Trash {
		if x.Kind == minidb.TrashedColumn && x.Place == t.ID && s.bindsColumn(x) {
			return nil, nil, fmt.Errorf("what comes back may be kept from you: %w", ErrForbidden)
		}
	}
	breaks := s.breaks(ctx, t, done.Table.Schema())
	then, err := s.changed(ctx, done.Table)
	if err != nil {
		return nil, nil, err
	}
	report := &SchemaReverted{Table: then, Cells: done.Cells, Restored: done.Restored, Breaks: []Breakage{}}
	impact := Impact{Resource: table, Change: "revert"}
	for _, b := range breaks {
		if b.Kind == "rule" {
			impact.Touches = append(impact.Touches, b)
		} else {
			report.Breaks = append(report.Breaks, b)
		}
	}
	if len(impact.Touches) > 0 {
		impact.Refused = true
		return nil, nil, &ImpactError{impact}
	}
	return s, report, nil
}
