package livetables

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/livetables/livetables/adapter/sqlite"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// BenchmarkEnter is the cost of the policy question of one request: for a built-in role, the same in a workspace with caps,
// a custom role and a token.
func BenchmarkEnter(b *testing.B) {
	ctx := context.Background()
	store, err := sqlite.OpenStore(ctx, filepath.Join(b.TempDir(), "data.db"), sqlite.StoreOptions{Relaxed: true})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	db, err := minidb.Open(ctx, store, minidb.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	engine, err := New(Options{Store: db})
	if err != nil {
		b.Fatal(err)
	}
	defer engine.Close()
	owner := engine.As(rbac.Principal{ID: "owner"})
	must := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	w, err := owner.CreateWorkspace(ctx, "W")
	must(err)
	base, err := owner.CreateBase(ctx, w.ID, minidb.BaseSpec{Name: "B"})
	must(err)
	table, err := owner.CreateTable(ctx, base.ID, minidb.TableSpec{Name: "T"})
	must(err)
	role, err := owner.PutRole(ctx, w.ID, "", minidb.RoleSpec{Name: "R", Base: rbac.Viewer, Grants: []rbac.Grant{{Action: rbac.ReadData, On: base.ID}}}, 0)
	must(err)
	_, err = owner.SetMember(ctx, w.ID, "viewer", rbac.Viewer)
	must(err)
	_, err = owner.SetMember(ctx, w.ID, "custom", role.ID)
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
	run("token", rbac.Principal{ID: "viewer", Scope: &rbac.Scope{Actions: []rbac.Action{rbac.ReadData}, Resources: []string{base.ID}}})
	_, err = owner.SetCap(ctx, base.ID, rbac.Cap{Role: rbac.Viewer, Max: rbac.Viewer})
	must(err)
	run("capped", rbac.Principal{ID: "viewer"})
}
