package livetables

import (
	"context"
	"fmt"
	"time"

	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// LogRetention is the retention policy of a workspace's log and what has become of it.
type LogRetention struct {
	minidb.Retention
	// MinimumHours is how long every entry is kept whatever the policy says: Options.LogTime, in whole hours.
	MinimumHours int64 `json:"minimum_hours"`
	// SetAt and SetBy say when and by whom the policy was set, nil and "" when it never was.
	SetAt *time.Time `json:"set_at,omitempty"`
	SetBy string     `json:"set_by,omitempty"`
	// Begins is the time from which on the log is whole, and CutAt when it was cut last; both are nil when it never was.
	Begins *time.Time `json:"begins,omitempty"`
	CutAt  *time.Time `json:"cut_at,omitempty"`
	// Held says what keeps entries that are due from being cut, nil for nothing. That a log has a fault is known to the engine that
	// cuts, since it last tried.
	Held *RetentionHold `json:"held,omitempty"`
}

// RetentionHold says what holds a cut.
type RetentionHold struct {
	// By is one of HoldPolicy, HoldSink and HoldFault.
	By string `json:"by"`
	// Since is when that began, of a sink when it last took something; nil when that is not known.
	Since *time.Time `json:"since,omitempty"`
}

// What holds a cut.
const (
	HoldPolicy = "hold"  // the policy's Hold
	HoldSink   = "sink"  // a sink that has not taken the entries yet
	HoldFault  = "fault" // the log is not what was written: it is kept as evidence
)

// Retention is the policy of a workspace's log, since when there is history, and what holds a cut that is due. It is for those who
// may read the audit log (rbac.ReadAudit) of the workspace. Where nobody has set a policy it is the zero one, which keeps
// everything.
func (a *Access) Retention(ctx context.Context, workspace string) (*LogRetention, error) {
	if _, err := a.enter(ctx, workspace, rbac.ReadAudit); err != nil {
		return nil, err
	}
	set, err := a.e.store.Retention(ctx, workspace)
	if err != nil {
		return nil, err
	}
	floor, err := a.e.store.Floor(ctx, workspace)
	if err != nil {
		return nil, err
	}
	out := &LogRetention{Retention: set.Retention, MinimumHours: int64(max(0, a.e.cuts.least) / time.Hour), SetBy: set.By,
		Begins: known(floor.Begins), CutAt: known(floor.CutAt)}
	if set.By != "" {
		out.SetAt = known(set.At)
	}
	if floor.Sequence == 0 {
		out.Begins, out.CutAt = nil, nil
	}
	out.Held, err = a.e.cutHeld(ctx, &set, &floor)
	return out, err
}

// SetRetention sets the policy of a workspace's log. What is due by it is cut for good, by Run: as-of reads, histories, reverts
// and the trash of rows reach back no further then. It is for whoever may delete the workspace, in person: a principal with a scope
// is refused with [ErrForbidden]. A policy of fewer days than Options.LogTime is a *minidb.ValidationError.
func (a *Access) SetRetention(ctx context.Context, workspace string, r minidb.Retention) error {
	_, err := again(func() (struct{}, error) {
		s, err := a.enter(ctx, workspace, rbac.DeleteWorkspace)
		if err != nil {
			return struct{}{}, err
		}
		if a.p.Scope != nil || a.eyes != nil {
			return struct{}{}, fmt.Errorf("no token with a scope decides what becomes of the log: %w", ErrForbidden)
		}
		if days := time.Duration(r.Days) * 24 * time.Hour; r.Days > 0 && days < a.e.cuts.least {
			return struct{}{}, &minidb.ValidationError{Fields: []minidb.FieldError{{Column: "days", Code: minidb.CodeMin,
				Message: fmt.Sprintf("entries are kept for %v at least", a.e.cuts.least)}}}
		}
		return struct{}{}, a.e.store.SetRetention(ctx, a.granted(s), workspace, r)
	})
	if err == nil {
		a.e.cuts.due.Store(true)
	}
	return err
}

// HistoryBegins is the time from which on the history of a workspace's table, or with "" its audit log, is whole; zero when nothing
// of it was ever cut. It is for those who may read that history.
func (a *Access) HistoryBegins(ctx context.Context, workspace, table string) (time.Time, error) {
	if table == "" {
		s, err := a.enter(ctx, workspace, rbac.ReadAudit)
		if err != nil {
			return time.Time{}, err
		}
		floor, err := a.e.store.Floor(ctx, s.Workspace.ID)
		if floor.Sequence == 0 {
			floor.Begins = time.Time{}
		}
		return floor.Begins, err
	}
	s, err := a.at(ctx, table, rbac.ReadData)
	if err != nil {
		return time.Time{}, err
	}
	if _, _, err := s.tableOf(ctx, table); err != nil {
		return time.Time{}, err
	}
	return a.e.store.TableBegins(ctx, table)
}
