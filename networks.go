package livetables

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// Networks lists the networks from which sensitive actions are allowed in a workspace, for those who may change the
// workspace, from wherever they ask. None is every network.
func (a *Access) Networks(ctx context.Context, workspace string) ([]netip.Prefix, error) {
	s, _, err := a.asked(ctx, workspace, "")
	if err != nil {
		return nil, err
	}
	if !s.standing(rbac.UpdateWorkspace) {
		return nil, fmt.Errorf("%s: %w", s.policy.Can(s.p, rbac.UpdateWorkspace, "").Reason, ErrForbidden)
	}
	return slices.Clone(s.Snapshot.Networks), nil
}

// SetNetworks says from which networks sensitive actions (those of [rbac.Action.Sensitive]) are allowed in a workspace, for
// everybody, owners included; an empty list allows them from everywhere. It is an action of owners, and refuses a list
// without the address of the principal: whoever sets it could not change it again.
func (a *Access) SetNetworks(ctx context.Context, workspace string, networks []netip.Prefix) error {
	_, err := again(func() (struct{}, error) {
		s, err := a.enter(ctx, workspace, rbac.GrantAdmin)
		if err != nil {
			return struct{}{}, err
		}
		after := &rbac.Policy{Workspace: workspace, Members: s.policy.Members, Roles: s.policy.Roles, Networks: networks}
		if bare := (rbac.Principal{ID: s.p.ID, Address: s.p.Address}); !after.Can(bare, rbac.GrantAdmin, "").Allowed {
			return struct{}{}, &minidb.ValidationError{Fields: []minidb.FieldError{{Column: "networks", Code: "lockout",
				Message: "your own address is in none of these networks: you could not change them again"}}}
		}
		return struct{}{}, a.e.store.SetNetworks(ctx, a.granted(s), workspace, networks)
	})
	return err
}
