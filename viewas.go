package livetables

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/rbac"
)

// viewAsLife is how long an access made by ViewAs can be used.
const viewAsLife = 10 * time.Minute

// eyes are those of somebody who looks as another member would.
type eyes struct {
	asker     rbac.Principal
	workspace string
	until     time.Time
}

// ViewAs is an access that reads what another member of a workspace, which is given by its id or by that of anything in it,
// would read, with that member's role, attributes, rules
// and caps, and does nothing but read: no writes, no subscriptions, no change of anything. Every call of ViewAs is recorded
// in the audit log as member.view_as with both ids; what it gives can be used for ten minutes, and only for as long as the
// right to it lasts. Attributes that the embedding program gives its principals are not those of the member: rules that ask
// for them are closed.
//
// It is refused where it could show more than the asker may see. Owners may look as anybody; others need the right to view
// as members, must be able to read the whole workspace themselves, bound by no rule and no cap, and cannot look as an owner,
// nor as an admin without being one.
func (a *Access) ViewAs(ctx context.Context, in, member string) (*Access, error) {
	if a.eyes != nil {
		return nil, fmt.Errorf("nobody looks with the eyes of others: %w", ErrForbidden)
	}
	workspace, err := a.e.store.WorkspaceOf(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", in, err)
	}
	s, err := a.enter(ctx, workspace, rbac.ViewAs)
	if err != nil {
		return nil, err
	}
	as := &Access{e: a.e, p: rbac.Principal{ID: member, Request: a.p.Request, Address: a.p.Address, Scope: &rbac.Scope{Actions: []rbac.Action{rbac.ReadData}}},
		eyes: &eyes{asker: a.p, workspace: workspace, until: a.e.clock().Add(viewAsLife)}}
	if a.p.Scope != nil {
		as.p.Scope.Resources = a.p.Scope.Resources
	}
	if s.policy.Role(as.p) == "" {
		return nil, fmt.Errorf("member %s: %w", member, ErrNotFound)
	}
	if err := mayViewAs(s.policy, a.p, as.p); err != nil {
		return nil, err
	}
	after, err := json.Marshal(struct {
		As    string    `json:"as"`
		Until time.Time `json:"until"`
	}{member, as.eyes.until.UTC()})
	if err != nil {
		return nil, fmt.Errorf("record of a view: %w", err)
	}
	entry := audit.Entry{Workspace: workspace, Action: "member.view_as", ResourceType: "member", Resource: member, After: after}
	if err := a.e.store.Record(ctx, a.actor(""), entry); err != nil {
		return nil, fmt.Errorf("record of a view: %w", err) // what is not recorded is not shown
	}
	return as, nil
}

// Asker is who looks through an access made by [Access.ViewAs], false for every other access.
func (a *Access) Asker() (rbac.Principal, bool) {
	if a.eyes == nil {
		return rbac.Principal{}, false
	}
	return a.eyes.asker, true
}

// mayViewAs says whether the asker may see what a member sees.
func mayViewAs(policy *rbac.Policy, asker, member rbac.Principal) error {
	no := func(format string, args ...any) error {
		return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), ErrForbidden)
	}
	if d := policy.Can(asker, rbac.ViewAs, ""); !d.Allowed {
		return no("%s", d.Reason)
	}
	if d := policy.CanSomewhere(asker, rbac.ReadData); !d.Allowed {
		return no("%s", d.Reason) // a token that may not read does not read with other eyes
	}
	bare := asker
	bare.Scope = nil // a token's own bounds go along
	role, own := policy.Role(member), policy.Role(bare)
	switch {
	case own == rbac.Owner:
		return nil
	case policy.Binds(bare) || !policy.Can(bare, rbac.ReadData, "").Allowed:
		return no("others may see what you do not")
	case role == rbac.Owner, role == rbac.Admin && own != rbac.Admin:
		return no("the member stands above you")
	}
	return nil
}

// check is asked at every entrance: the right to look as somebody else may end at any time.
func (v *eyes) check(s *entry) error {
	switch {
	case s.Workspace.ID != v.workspace || s.policy.Role(v.asker) == "":
		return fmt.Errorf("workspace %s: %w", s.Workspace.ID, ErrNotFound)
	case !s.e.clock().Before(v.until):
		return fmt.Errorf("looking as somebody else ended after %s: %w", viewAsLife, ErrForbidden)
	}
	return mayViewAs(s.policy, v.asker, s.p)
}
