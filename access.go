package livetables

import (
	"context"
	"fmt"
	"slices"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/internal/rewrite"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// Access is the engine as one principal sees it: every verb of the catalogue and every way to data. It is cheap to make
// and safe for use by many goroutines; it holds no rights of its own, each call asks the policy anew.
//
// A resource in a workspace of which the principal is no member, or that it may not read, is answered with [ErrNotFound],
// just like one that does not exist; one that it may read but not treat so, with [ErrForbidden]. What is asked of a workspace as
// a whole, without the right that the method names, is [ErrForbidden] for its members. A principal without an id is answered with
// [ErrNoPrincipal], and the bearer of a view's key finds nothing but the view. The rights are those of package rbac.
//
// The same errors mean the same everywhere. Where a method takes a version, that is the one of the changed thing which the
// caller has seen: 0 is any, and a *minidb.VersionError has the present one when it is another. A name that is taken is
// [minidb.ErrExists], a name or value that cannot be a *minidb.ValidationError, more than is taken a *minidb.LimitError; what
// is changed in the mini-DB and lost in the middle of its commit has [CodeOutcomeUnknown]. [Code] tells all of them apart.
type Access struct {
	e *Engine
	p rbac.Principal
	// eyes is set when somebody else looks as p would.
	eyes *eyes
	// jobStep, when not nil, is how far a job has come with the next write.
	jobStep *minidb.JobStep
}

// Principal is who this access acts for; of an access made by [Access.ViewAs] the member as whom is looked. It needs no right
// and asks nobody.
func (a *Access) Principal() rbac.Principal { return a.p }

// entry is a principal inside a workspace, allowed the action it came for: one consistent view of catalogue and policy.
type entry struct {
	*minidb.Snapshot
	e      *Engine
	p      rbac.Principal
	eyes   *eyes
	policy *rbac.Policy
	limits Limits
	// instead are tables of the mini-DB as they would be, by id: what a change of them would break is found out with it.
	instead map[string]*lqp.Table
	sights  map[string]*rewrite.Sight // of tables of the mini-DB that were looked at, by id
	read    []string                  // views that were read, by id
	// past is the mini-DB as it was at the moment asOf, for queries of the past; nil for those of now.
	past adapter.Adapter
	asOf string
	// labels says that cells of links are shown by what the rows are called.
	labels bool
	// anew says that no plan that was made before is to be used.
	anew bool
	// guessed says that the catalogue may be out of date, and current that it was found not to be, see Access.guess.
	guessed, current bool
	// foreseen is the plan of the query that a guess is for, row the row that it reads with its lock, nil for any other query.
	foreseen *planned
	row      *rowGuess
	// asked says that the next query is asked from outside, and takes one of the engine's turns.
	asked bool
	// linked is what was looked up of linked rows, nil before the first time.
	linked *linksInSight
}

// enter asks the policy question for an action in a workspace: for reading data and writing rows whether there may be
// something in it to read or to write, which is then asked for table by table; for every other action about the workspace
// as a whole. The bearer of a view's key does not get in: nothing of the workspace but the view's rows is for it
// (enterView).
func (a *Access) enter(ctx context.Context, workspace string, action rbac.Action) (*entry, error) {
	if a.p.View != "" {
		return nil, fmt.Errorf("workspace %s: %w", workspace, ErrNotFound)
	}
	s, err := a.load(ctx, workspace)
	if err != nil {
		return nil, err
	}
	var d rbac.Decision
	if action == rbac.ReadData || action == rbac.WriteRows {
		d = s.policy.CanSomewhere(s.p, action)
	} else {
		d = s.policy.Can(s.p, action, "")
	}
	if !d.Allowed {
		return nil, fmt.Errorf("%s: %w", d.Reason, ErrForbidden)
	}
	return s, a.admit(ctx, s, action)
}

// at enters the workspace that holds a resource, to take an action on it.
func (a *Access) at(ctx context.Context, resource string, action rbac.Action) (*entry, error) {
	if a.p.ID == "" {
		return nil, ErrNoPrincipal
	}
	if a.p.View != "" {
		return nil, fmt.Errorf("%s: %w", resource, ErrNotFound)
	}
	snap, err := a.e.store.Locate(ctx, resource)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", resource, err)
	}
	return a.in(ctx, snap, resource, action)
}

// in is at, with the catalogue of the resource's workspace.
func (a *Access) in(ctx context.Context, snap *minidb.Snapshot, resource string, action rbac.Action) (*entry, error) {
	s, err := a.loadFrom(ctx, snap)
	if err != nil {
		return nil, err
	}
	if err := s.may(resource, action); err != nil {
		return nil, err
	}
	return s, a.admit(ctx, s, action)
}

// enterView enters the workspace of a view to read it, also as the bearer of its key. A token whose scope names the view
// itself reads it as such a bearer would: with what its user may read now, wherever the view's tables are.
func (a *Access) enterView(ctx context.Context, view string) (*entry, error) {
	if a.p.View != "" && a.p.View != view {
		return nil, fmt.Errorf("view %s: %w", view, ErrNotFound)
	}
	if a.p.ID == "" {
		return nil, ErrNoPrincipal
	}
	snap, err := a.e.store.Locate(ctx, view)
	if err != nil {
		return nil, fmt.Errorf("view %s: %w", view, err)
	}
	s, err := a.loadFrom(ctx, snap)
	if err != nil {
		return nil, err
	}
	if err := s.may(view, rbac.ReadData); err != nil {
		return nil, err
	}
	s.p = forView(s.p, view)
	return s, a.admit(ctx, s, rbac.ReadData)
}

// forView is the principal for reading one view.
func forView(p rbac.Principal, view string) rbac.Principal {
	if p.View == "" && p.Scope != nil && slices.Contains(p.Scope.Resources, view) {
		p.View, p.Scope = view, &rbac.Scope{Actions: p.Scope.Actions}
	}
	return p
}

// load is a member in a workspace, not asked yet what for.
func (a *Access) load(ctx context.Context, workspace string) (*entry, error) {
	if a.p.ID == "" {
		return nil, ErrNoPrincipal
	}
	snap, err := a.e.store.Snapshot(ctx, workspace)
	if err != nil {
		return nil, fmt.Errorf("workspace %s: %w", workspace, err)
	}
	return a.loadFrom(ctx, snap)
}

// loadFrom is load with a catalogue that was read just now. The policy is that of the same catalogue.
func (a *Access) loadFrom(ctx context.Context, snap *minidb.Snapshot) (*entry, error) {
	workspace := snap.Workspace.ID
	policy, err := a.e.policies.Policy(minidb.WithSnapshot(ctx, snap), workspace)
	if err != nil {
		return nil, fmt.Errorf("policy of %s: %w", workspace, err)
	}
	s := &entry{Snapshot: snap, e: a.e, p: a.p, eyes: a.eyes, policy: policy, limits: a.e.limits}
	if err := s.member(); err != nil {
		a.e.store.Miss(ctx) // what is refused must not answer faster than what does not exist
		return nil, err
	}
	return s, nil
}

// member refuses a principal that has no business in the workspace.
func (s *entry) member() error {
	if s.policy.Role(s.p) == "" || !leadsInto(s.p.Scope, s.Snapshot) {
		return fmt.Errorf("workspace %s: %w", s.Workspace.ID, ErrNotFound)
	}
	if s.eyes != nil {
		return s.eyes.check(s)
	}
	return nil
}

// admit asks the embedding program.
func (a *Access) admit(ctx context.Context, s *entry, action rbac.Action) error {
	if a.e.admit == nil {
		return nil
	}
	return a.e.admit(ctx, Entrance{a.p, s.Workspace.ID, action, s.policy.Version})
}

// may says whether the principal may take an action on a resource of the workspace. What it may not read is not there for
// it, whatever its role allows; but connections may be managed by those who do not read what is behind them.
func (s *entry) may(resource string, action rbac.Action) error {
	id := s.place(resource)
	allowed := s.policy.Allows(s.p, action, id)
	switch {
	case allowed && (action == rbac.ReadData || action == rbac.ManageConnections):
		return nil
	case !s.readable(id):
		return fmt.Errorf("%s: %w", resource, ErrNotFound)
	case !allowed:
		return fmt.Errorf("%s: %w", s.policy.Can(s.p, action, id).Reason, ErrForbidden)
	}
	return nil
}

// readable reports whether the principal may know of a project, base, table, view or connection and read in it.
func (s *entry) readable(id string) bool { return s.policy.Allows(s.p, rbac.ReadData, id) }

// place is the resource that the policy knows: the table of a column, the view of a share.
func (s *entry) place(resource string) string {
	if t, ok := s.TableOfColumn(resource); ok {
		return t.ID
	}
	if sh, ok := s.Share(resource); ok {
		return sh.View
	}
	return resource
}

// view finds a view that the principal may read.
func (s *entry) view(id string) (*minidb.View, error) {
	v, ok := s.View(id)
	if !ok || !s.readable(id) {
		return nil, fmt.Errorf("view %s: %w", id, ErrNotFound)
	}
	s.read = append(s.read, id)
	return v, nil
}

// who is whom cursors belong to: also, of a look with the eyes of another, whose it is.
func (a *Access) who() string {
	who := a.p.ID + "/" + a.p.View
	if a.eyes != nil {
		who += "/" + a.eyes.asker.ID
	}
	return who
}

func (s *entry) who() string { return (&Access{p: s.p, eyes: s.eyes}).who() }

func (a *Access) actor(reason string) minidb.Actor {
	return minidb.Actor{ID: a.p.ID, Request: a.p.Request, Address: a.p.Address, Reason: reason, Step: a.jobStep}
}

// granted is the actor of a change of who may do what: it is not made once the policy is another than the one that allowed
// it.
func (a *Access) granted(s *entry) minidb.Actor {
	actor := a.actor("")
	if _, own := a.e.policies.(*cataloguePolicies); own {
		actor.Policy = s.policy.Version
	}
	return actor
}
