package livetables_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// checkVerbs does every verb as somebody and compares what happens with what May says.
func checkVerbs(t *testing.T, e *estate, a *livetables.Access, about string) {
	t.Helper()
	ctx := t.Context()
	for _, v := range verbs() {
		for _, on := range v.on(e) {
			decisions, unknown := a.May(ctx, e.workspace, on)
			err := v.do(ctx, e, a, on)
			switch {
			case unknown != nil:
				require.ErrorIs(t, unknown, livetables.ErrNotFound, "%s: %s on %s", about, v.name, on)
				require.ErrorIs(t, err, livetables.ErrNotFound, "%s: %s on %s", about, v.name, on)
			case v.action == rbac.ShareViews && a.Principal().Scope != nil && decisions[v.action].Allowed && decisions[rbac.ReadData].Allowed:
				// A token does not publish a view that it could not read, which is about the view's tables.
				_, closed := a.ViewColumns(ctx, on)
				require.Equal(t, closed == nil, err == nil, "%s: %s on %s: %v, %v", about, v.name, on, closed, err)
			case decisions[v.action].Allowed && (decisions[rbac.ReadData].Allowed || on == "" || v.action == rbac.ManageConnections):
				require.NoError(t, err, "%s: %s on %s", about, v.name, on)
			case on == "" || decisions[rbac.ReadData].Allowed:
				require.ErrorIs(t, err, livetables.ErrForbidden, "%s: %s on %s", about, v.name, on)
			default: // a connection that is managed and not read
				require.ErrorIs(t, err, livetables.ErrNotFound, "%s: %s on %s", about, v.name, on)
			}
			if unknown == nil {
				one, err := a.Can(ctx, e.workspace, v.action, on)
				require.NoError(t, err)
				require.Equal(t, decisions[v.action], one)
			}
		}
	}
}

// The whole matrix: every built-in role does every verb on every resource, as it is, narrowed to each lower role, and
// closed.
func TestVerbsFollowRolesAndCaps(t *testing.T) {
	e := newEstate(t)
	everybody := map[rbac.Role]*livetables.Access{rbac.Owner: e.owner, rbac.Admin: e.admin, rbac.Editor: e.editor, rbac.Viewer: e.viewer}
	for role, a := range everybody {
		checkVerbs(t, e, a, string(role))
	}
	for _, on := range []string{e.project, e.left, e.leftTable.ID, e.leftView, e.connection.ID} {
		for _, most := range []rbac.Role{rbac.Nothing, rbac.Viewer, rbac.Editor, rbac.Admin} {
			for _, role := range []rbac.Role{rbac.Admin, rbac.Editor, rbac.Viewer} {
				e.cap(on, rbac.Cap{Role: role, Max: most})
			}
			for role, a := range everybody {
				checkVerbs(t, e, a, string(role)+" narrowed to "+string(most)+" on "+on)
			}
		}
		for _, role := range []rbac.Role{rbac.Admin, rbac.Editor, rbac.Viewer} {
			require.NoError(t, e.owner.RemoveCap(t.Context(), on, role, ""))
		}
	}
	for name, err := range map[string]error{"a stranger": func() error { _, err := e.stranger.May(t.Context(), e.workspace, ""); return err }(),
		"an unknown id": func() error { _, err := e.owner.May(t.Context(), e.workspace, minidb.NewID("tbl")); return err }()} {
		require.ErrorIs(t, err, livetables.ErrNotFound, name)
	}
}

// For random roles, caps and scopes, May says what verbs do.
func TestMayIsWhatVerbsDo(t *testing.T) {
	seed := testseed.Of(t)
	r := rand.New(rand.NewPCG(seed, 4))
	e := newEstate(t)
	ctx := t.Context()
	places := []string{"", e.project, e.left, e.right, e.leftTable.ID, e.rightTable.ID, e.leftView, e.rightView, e.connection.ID}
	actions := slices.Sorted(maps.Keys(rbac.Actions()))
	builtIn := []rbac.Role{rbac.Admin, rbac.Editor, rbac.Viewer}
	for range 40 {
		var grants []rbac.Grant
		for range r.IntN(12) {
			grants = append(grants, rbac.Grant{Action: actions[r.IntN(len(actions))], On: places[r.IntN(len(places))]})
		}
		grants = append(grants, rbac.Grant{Action: rbac.ReadData, On: places[r.IntN(len(places))]})
		base := builtIn[r.IntN(3)]
		role := e.role("Random", base, grants...)
		subject := e.as("subject", role)
		type narrowing struct {
			on string
			rbac.Cap
		}
		var caps []narrowing
		for range r.IntN(4) {
			c := narrowing{places[1+r.IntN(len(places)-1)], rbac.Cap{Role: role, Max: append(builtIn, rbac.Nothing)[r.IntN(4)]}}
			switch r.IntN(3) {
			case 0:
				c.Role = base
			case 1:
				c.Role, c.User = "", "subject"
			}
			e.cap(c.on, c.Cap)
			caps = append(caps, c)
		}
		checkVerbs(t, e, subject, "a random role")
		r.Shuffle(len(actions), func(i, j int) { actions[i], actions[j] = actions[j], actions[i] })
		scope := &rbac.Scope{Actions: actions[:r.IntN(len(actions))], Resources: places[1 : 1+r.IntN(3)]}
		scoped := e.engine.As(rbac.Principal{ID: []string{"subject", "owner"}[r.IntN(2)], Scope: scope})
		checkVerbs(t, e, scoped, "a random token")
		for _, c := range caps {
			_ = e.owner.RemoveCap(ctx, c.on, c.Role, c.User) // one may be there twice
		}
		_, err := e.owner.SetMember(ctx, e.workspace, "subject", rbac.Viewer)
		require.NoError(t, err)
		require.NoError(t, e.owner.DeleteRole(ctx, e.workspace, role, 0))
	}
}
