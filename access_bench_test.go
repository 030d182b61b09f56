package livetables

import (
	"testing"

	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// BenchmarkEnter is the cost of the policy question of one request: for a built-in role, the same in a workspace with caps,
// a custom role and a token.
func BenchmarkEnter(b *testing.B) {
	w := newInside(b)
	ctx, engine, owner := b.Context(), w.engine, w.owner
	must := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	table, err := owner.CreateTable(ctx, w.base, minidb.TableSpec{Name: "T"})
	must(err)
	role, err := owner.PutRole(ctx, w.workspace, "", minidb.RoleSpec{Name: "R", Base: rbac.Viewer, Grants: []rbac.Grant{{Action: rbac.ReadData, On: w.base}}}, 0)
	must(err)
	_, err = owner.SetMember(ctx, w.workspace, "viewer", rbac.Viewer)
	must(err)
	_, err = owner.SetMember(ctx, w.workspace, "custom", role.ID)
	must(err)
	run := func(name string, p rbac.Principal) {
		b.Run(name, func(b *testing.B) {
			a := engine.As(p)
			b.ReportAllocs()
			for b.Loop() {
				s, err := a.at(ctx, table.ID, rbac.ReadData)
				if err != nil || s.policy.Table(s.p, rbac.TableRef{Table: table.ID}).Closed {
					b.Fatal(err)
				}
			}
		})
	}
	run("built in", rbac.Principal{ID: "viewer"})
	run("custom", rbac.Principal{ID: "custom"})
	run("token", rbac.Principal{ID: "viewer", Scope: &rbac.Scope{Actions: []rbac.Action{rbac.ReadData}, Resources: []string{w.base}}})
	_, err = owner.SetCap(ctx, w.base, rbac.Cap{Role: rbac.Viewer, Max: rbac.Viewer})
	must(err)
	run("capped", rbac.Principal{ID: "viewer"})
}
