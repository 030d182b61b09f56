package livetables_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/rbac"
)

type policyFunc func(ctx context.Context, workspace string) (*rbac.Policy, error)

func (f policyFunc) Policy(ctx context.Context, workspace string) (*rbac.Policy, error) {
	return f(ctx, workspace)
}

// An embedding program's policies are taken for no more than they say: what is left out, or goes wrong, opens nothing.
func TestGivenPoliciesDenyByDefault(t *testing.T) {
	e := newEstate(t)
	ctx := t.Context()
	members := map[string]rbac.Role{"reader": rbac.Viewer}
	caps := func(on string) map[string][]rbac.Cap {
		return map[string][]rbac.Cap{on: {{Role: rbac.Viewer, Max: rbac.Nothing}}}
	}
	asks := func(pay lqp.Value) *rbac.Policy {
		return &rbac.Policy{Members: members, Attributes: map[string]map[string]lqp.Value{"reader": {"pay": pay}},
			Rules: map[rbac.TableRef]map[rbac.Role]rbac.TableRule{{Table: e.leftTable.ID}: {rbac.Viewer: {Read: expr(t, `Pay = USER("pay")`)}}}}
	}
	for name, c := range map[string]struct {
		policy *rbac.Policy
		err    error
		want   string
	}{
		"no policy":                       {nil, nil, livetables.CodeInternal},
		"an error":                        {nil, errors.New("away"), livetables.CodeInternal},
		"a deadline":                      {nil, context.DeadlineExceeded, livetables.CodeTimeout},
		"an error beside a policy":        {&rbac.Policy{Workspace: e.workspace, Members: members}, errors.New("away"), livetables.CodeInternal},
		"the zero policy":                 {&rbac.Policy{}, nil, livetables.CodeNotFound},
		"that of another workspace":       {&rbac.Policy{Workspace: "wsp_other", Members: members}, nil, livetables.CodeInternal},
		"members and nothing else":        {&rbac.Policy{Members: members}, nil, "Ann Bob Cid"},
		"a cap on the base, no parents":   {&rbac.Policy{Members: members, Caps: caps(e.left)}, nil, livetables.CodeInvalid},
		"a cap on the project":            {&rbac.Policy{Workspace: e.workspace, Members: members, Caps: caps(e.project)}, nil, livetables.CodeInvalid},
		"a role that is not there":        {&rbac.Policy{Members: map[string]rbac.Role{"reader": "rol_x"}}, nil, livetables.CodeNotFound},
		"a cap of a maximum that is none": {&rbac.Policy{Members: members, Caps: map[string][]rbac.Cap{e.left: {{Role: rbac.Viewer, Max: "emperor"}}}}, nil, livetables.CodeInvalid},
		"an access that is none": {&rbac.Policy{Members: members, Rules: map[rbac.TableRef]map[rbac.Role]rbac.TableRule{{Table: e.leftTable.ID}: {
			rbac.Viewer: {Columns: map[string]rbac.Access{e.leftTable.Columns[0].ID: "secret"}}}}}, nil, livetables.CodeInvalid},
		"a rule without its attribute": {&rbac.Policy{Members: members, Rules: map[rbac.TableRef]map[rbac.Role]rbac.TableRule{{Table: e.leftTable.ID}: {
			rbac.Viewer: {Read: expr(t, `Name = USER("name")`)}}}}, nil, livetables.CodeInvalid},
		"a text that is no number":    {asks(lqp.TextValue("ten")), nil, livetables.CodeInvalid},
		"an empty one":                {asks(lqp.TextValue("")), nil, livetables.CodeInvalid},
		"a truth":                     {asks(lqp.BoolValue(true)), nil, livetables.CodeInvalid},
		"nothing":                     {asks(lqp.Value{}), nil, livetables.CodeInvalid},
		"a text that reads as number": {asks(lqp.TextValue("10")), nil, "Ann"},
	} {
		t.Run(name, func(t *testing.T) {
			a := e.beside(livetables.Options{Policies: policyFunc(func(context.Context, string) (*rbac.Policy, error) { return c.policy, c.err })}).As(rbac.Principal{ID: "reader"})
			assert.Equal(t, c.want, e.readTable(a, e.leftTable.ID))
			_, err := a.HistoryCursor(ctx, livetables.HistoryFilter{}, e.anEntry())
			require.Equal(t, c.policy == nil || c.err != nil || c.policy.Workspace == "wsp_other", err != nil)
		})
	}
}
