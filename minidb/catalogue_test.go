package minidb_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

func ptr[T any](v T) *T { return &v }

func TestWorkspacesAndMembers(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	w := f.workspace
	s, err := f.Snapshot(f.ctx, w.ID)
	require.NoError(t, err)
	require.Equal(t, map[string]rbac.Role{alice.ID: rbac.Owner}, s.Members)

	_, err = f.UpdateWorkspace(f.ctx, alice, w.ID, minidb.WorkspacePatch{Name: ptr("Acme Ltd"), Settings: json.RawMessage(`{"a": 1}`)}, 1)
	require.NoError(t, err)
	_, err = f.UpdateWorkspace(f.ctx, alice, w.ID, minidb.WorkspacePatch{Name: ptr("Late")}, 1)
	var version *minidb.VersionError
	require.ErrorAs(t, err, &version)
	require.Equal(t, int64(2), version.Current)

	_, err = f.SetMember(f.ctx, alice, w.ID, alice.ID, rbac.Viewer)
	require.ErrorIs(t, err, minidb.ErrLastOwner)
	require.ErrorIs(t, f.RemoveMember(f.ctx, alice, w.ID, alice.ID), minidb.ErrLastOwner)
	m, err := f.SetMember(f.ctx, alice, w.ID, "usr_bob", rbac.Owner)
	require.NoError(t, err)
	require.Equal(t, rbac.Owner, m.Role)
	_, err = f.SetMember(f.ctx, alice, w.ID, alice.ID, rbac.Editor)
	require.NoError(t, err)
	_, err = f.SetMember(f.ctx, alice, w.ID, alice.ID, "boss")
	require.Error(t, err)
	require.ErrorIs(t, f.RemoveMember(f.ctx, alice, w.ID, "usr_bob"), minidb.ErrLastOwner)
	require.ErrorIs(t, f.RemoveMember(f.ctx, alice, w.ID, "usr_nobody"), minidb.ErrNotFound)
	_, err = f.SetMember(f.ctx, alice, "wsp_none", "usr_bob", rbac.Owner)
	require.ErrorIs(t, err, minidb.ErrNotFound)

	after, err := f.Snapshot(f.ctx, w.ID)
	require.NoError(t, err)
	require.Greater(t, after.PolicyVersion, s.PolicyVersion)
	require.Equal(t, "Acme Ltd", after.Workspace.Name)
	require.JSONEq(t, `{"a":1}`, string(after.Workspace.Settings))
	require.Equal(t, "Acme", s.Workspace.Name, "a snapshot stays as it was")

	mine, err := f.WorkspacesOf(f.ctx, "usr_bob")
	require.NoError(t, err)
	require.Len(t, mine, 1)
	none, err := f.WorkspacesOf(f.ctx, "usr_nobody")
	require.NoError(t, err)
	require.Empty(t, none)
}

func TestTwoOwnersCannotRemoveEachOther(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	_, err := f.SetMember(f.ctx, alice, f.workspace.ID, "usr_bob", rbac.Owner)
	require.NoError(t, err)
	errs := make(chan error, 2)
	for _, user := range []string{alice.ID, "usr_bob"} {
		go func() {
			_, err := f.SetMember(f.ctx, alice, f.workspace.ID, user, rbac.Viewer)
			errs <- err
		}()
	}
	failed := 0
	for range 2 {
		if err := <-errs; err != nil {
			require.ErrorIs(t, err, minidb.ErrLastOwner)
			failed++
		}
	}
	require.Equal(t, 1, failed)
}

func TestBases(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	_, err := f.CreateBase(f.ctx, alice, f.workspace.ID, minidb.BaseSpec{Name: " SALES "})
	require.ErrorIs(t, err, minidb.ErrExists)
	for _, name := range []string{"", "  ", "a\x00b", "line\nbreak", string(make([]byte, 300))} {
		_, err = f.CreateBase(f.ctx, alice, f.workspace.ID, minidb.BaseSpec{Name: name})
		var v *minidb.ValidationError
		require.ErrorAs(t, err, &v, "%q", name)
	}
	b, err := f.UpdateBase(f.ctx, alice, f.base.ID, minidb.BasePatch{Name: ptr("Trade"), Icon: ptr("🏪")}, f.base.Version)
	require.NoError(t, err)
	require.Equal(t, int64(2), b.Version)
	require.Equal(t, "🏪", b.Icon)
	_, err = f.CreateBase(f.ctx, alice, f.workspace.ID, minidb.BaseSpec{Name: "sales"})
	require.NoError(t, err, "the old name is free")

	tb := f.table(goods)
	tb.add(values{"Name": text("A")})
	_, err = f.CreateView(f.ctx, alice, b.ID, minidb.ViewSpec{Name: "V", Query: json.RawMessage(`{}`)})
	require.NoError(t, err)
	require.NoError(t, f.DeleteBase(f.ctx, alice, b.ID, 2))
	f.gone(b.ID)
	s, err := f.Snapshot(f.ctx, f.workspace.ID)
	require.NoError(t, err)
	require.Len(t, s.Bases, 1)
	require.Empty(t, s.Tables)
	require.Empty(t, s.Views)
	require.Empty(t, f.relations(tb.ID))
	_, err = f.WorkspaceOf(f.ctx, tb.ID)
	require.ErrorIs(t, err, minidb.ErrNotFound)
}

func TestViewsAndShares(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	v, err := f.CreateView(f.ctx, alice, f.base.ID, minidb.ViewSpec{Name: "Open", Query: json.RawMessage(`{ "source": "x" }`)})
	require.NoError(t, err)
	require.Equal(t, `{"source":"x"}`, string(v.Query))
	_, err = f.CreateView(f.ctx, alice, f.base.ID, minidb.ViewSpec{Name: "open", Query: json.RawMessage(`{}`)})
	require.ErrorIs(t, err, minidb.ErrExists)
	_, err = f.CreateView(f.ctx, alice, f.base.ID, minidb.ViewSpec{Name: "Bad", Query: json.RawMessage(`[1]`)})
	require.Error(t, err)
	v, err = f.UpdateView(f.ctx, alice, v.ID, minidb.ViewPatch{Query: json.RawMessage(`{"source":"y"}`)}, 1)
	require.NoError(t, err)
	require.Equal(t, "Open", v.Name)

	for _, slug := range []string{"", "ab", "-abc", "abc-", "Abc", "a b c", "ab/c"} {
		_, err = f.PutShare(f.ctx, alice, v.ID, minidb.ShareSpec{Slug: slug, Mode: minidb.ShareKeyed})
		require.Error(t, err, slug)
	}
	share, err := f.PutShare(f.ctx, alice, v.ID, minidb.ShareSpec{Slug: "open-goods", Mode: minidb.ShareKeyed})
	require.NoError(t, err)
	other, err := f.CreateWorkspace(f.ctx, minidb.Actor{ID: "usr_eve"}, "Other")
	require.NoError(t, err)
	base, err := f.CreateBase(f.ctx, alice, other.ID, minidb.BaseSpec{Name: "B"})
	require.NoError(t, err)
	foreign, err := f.CreateView(f.ctx, alice, base.ID, minidb.ViewSpec{Name: "V", Query: json.RawMessage(`{}`)})
	require.NoError(t, err)
	_, err = f.PutShare(f.ctx, alice, foreign.ID, minidb.ShareSpec{Slug: "open-goods", Mode: minidb.ShareKeyed})
	require.ErrorIs(t, err, minidb.ErrExists, "slugs are unique among all workspaces")

	expires := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	k, err := f.AddShareKey(f.ctx, alice, share.ID, minidb.ShareKey{Prefix: "lt_abc", Hash: []byte{0, 1, 0xff}, ExpiresAt: &expires})
	require.NoError(t, err)
	found, err := f.ShareBySlug(f.ctx, "open-goods")
	require.NoError(t, err)
	require.Len(t, found.Keys, 1)
	require.Equal(t, []byte{0, 1, 0xff}, found.Keys[0].Hash)
	require.Equal(t, expires, *found.Keys[0].ExpiresAt)
	require.NoError(t, f.RevokeShareKey(f.ctx, alice, share.ID, k.ID))
	require.NoError(t, f.RevokeShareKey(f.ctx, alice, share.ID, k.ID), "again changes nothing")
	require.ErrorIs(t, f.RevokeShareKey(f.ctx, alice, share.ID, "key_none"), minidb.ErrNotFound)
	share, err = f.PutShare(f.ctx, alice, v.ID, minidb.ShareSpec{Slug: "goods-open", Mode: minidb.SharePublic})
	require.NoError(t, err)
	require.Equal(t, int64(2), share.Version)
	require.NotNil(t, share.Keys[0].RevokedAt)
	_, err = f.ShareBySlug(f.ctx, "open-goods")
	require.ErrorIs(t, err, minidb.ErrNotFound)

	s, err := f.Snapshot(f.ctx, f.workspace.ID)
	require.NoError(t, err)
	got, ok := s.ShareOfView(v.ID)
	require.True(t, ok)
	require.Equal(t, share, got)

	require.NoError(t, f.DeleteView(f.ctx, alice, v.ID, 2))
	_, err = f.ShareBySlug(f.ctx, "goods-open")
	require.ErrorIs(t, err, minidb.ErrNotFound)
	require.Zero(t, f.count("SELECT count(*) FROM lt_share_key"))
	require.Zero(t, f.count("SELECT count(*) FROM lt_change WHERE before_doc LIKE '%hash%' OR after_doc LIKE '%hash%'"))
}

func TestConnectionsKeepSecretsOutOfTheLog(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	id := minidb.NewID("con")
	secret := []byte("sealed-canary")
	c, err := f.CreateConnection(f.ctx, alice, f.workspace.ID, minidb.ConnectionSpec{ID: id, Name: "Shop", Driver: "postgres",
		Settings: json.RawMessage(`{"host":"db.example"}`), Secret: secret})
	require.NoError(t, err)
	require.Equal(t, id, c.ID)
	_, err = f.CreateConnection(f.ctx, alice, f.workspace.ID, minidb.ConnectionSpec{Name: "shop", Driver: "postgres", Settings: json.RawMessage(`{}`)})
	require.ErrorIs(t, err, minidb.ErrExists)
	_, err = f.CreateConnection(f.ctx, alice, f.workspace.ID, minidb.ConnectionSpec{ID: id, Name: "Again", Driver: "postgres", Settings: json.RawMessage(`{}`)})
	require.ErrorIs(t, err, minidb.ErrExists)
	c, err = f.UpdateConnection(f.ctx, alice, id, minidb.ConnectionPatch{Secret: []byte("sealed-other-canary")}, 1)
	require.NoError(t, err)
	require.Equal(t, "sealed-other-canary", string(c.Secret))
	s, err := f.Snapshot(f.ctx, f.workspace.ID)
	require.NoError(t, err)
	stored, ok := s.Connection(id)
	require.True(t, ok)
	require.Equal(t, c, stored)

	list, err := f.History(f.ctx, minidb.HistoryQuery{Workspace: f.workspace.ID, Action: "connection.update"})
	require.NoError(t, err)
	require.JSONEq(t, `{"version":2,"secret_changed":true}`, string(list[0].After))
	require.Zero(t, f.count("SELECT count(*) FROM lt_change WHERE before_doc LIKE '%canary%' OR after_doc LIKE '%canary%'"))

	ref := rbac.TableRef{Connection: id, Table: "public.orders"}
	_, err = f.PutRule(f.ctx, alice, minidb.Rule{Workspace: f.workspace.ID, Table: ref, Role: rbac.Viewer, Read: json.RawMessage(`{"k":"lit"}`)})
	require.NoError(t, err)
	require.NoError(t, f.DeleteConnection(f.ctx, alice, id, 2))
	s, err = f.Snapshot(f.ctx, f.workspace.ID)
	require.NoError(t, err)
	require.Empty(t, s.Rules)
}

func TestRules(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods)
	rule := minidb.Rule{Workspace: f.workspace.ID, Table: rbac.TableRef{Table: g.ID}, Role: rbac.Editor, Read: json.RawMessage(`{"k":"col"}`),
		Delete: json.RawMessage(`null`), Columns: map[string]rbac.Access{g.id("Price"): rbac.Hidden, g.id("Stock"): rbac.ReadOnly}}
	before, err := f.Snapshot(f.ctx, f.workspace.ID)
	require.NoError(t, err)
	_, err = f.PutRule(f.ctx, alice, rule)
	require.NoError(t, err)
	s, err := f.Snapshot(f.ctx, f.workspace.ID)
	require.NoError(t, err)
	require.Greater(t, s.PolicyVersion, before.PolicyVersion)
	require.Len(t, s.Rules, 1)
	require.Equal(t, rule.Columns, s.Rules[0].Columns)
	require.Nil(t, s.Rules[0].Delete)

	require.NoError(t, f.DeleteColumn(f.ctx, alice, g.id("Price"), 0))
	s, err = f.Snapshot(f.ctx, f.workspace.ID)
	require.NoError(t, err)
	require.Equal(t, map[string]rbac.Access{g.id("Stock"): rbac.ReadOnly}, s.Rules[0].Columns, "a deleted column takes its grants with it")

	for _, bad := range []minidb.Rule{
		{Workspace: f.workspace.ID, Table: rule.Table, Role: "boss"},
		{Workspace: f.workspace.ID, Table: rule.Table, Role: rbac.Viewer, Read: json.RawMessage(`{`)},
		{Workspace: f.workspace.ID, Table: rule.Table, Role: rbac.Viewer, Columns: map[string]rbac.Access{g.id("Price"): rbac.Hidden}},
		{Workspace: f.workspace.ID, Table: rule.Table, Role: rbac.Viewer, Columns: map[string]rbac.Access{g.id("Stock"): "smudged"}},
		{Workspace: f.workspace.ID, Table: rule.Table, Role: rbac.Viewer, Masks: map[string]json.RawMessage{g.id("Stock"): json.RawMessage(`{}`)}},
		{Workspace: f.workspace.ID, Table: rbac.TableRef{Table: "tbl_none"}, Role: rbac.Viewer},
		{Workspace: f.workspace.ID, Table: rbac.TableRef{Connection: "con_none", Table: "x"}, Role: rbac.Viewer},
		{Workspace: "wsp_none", Table: rule.Table, Role: rbac.Viewer},
	} {
		_, err := f.PutRule(f.ctx, alice, bad)
		require.Error(t, err, "%+v", bad)
	}
	require.NoError(t, f.DeleteRule(f.ctx, alice, f.workspace.ID, rule.Table, rbac.Editor))
	require.ErrorIs(t, f.DeleteRule(f.ctx, alice, f.workspace.ID, rule.Table, rbac.Editor), minidb.ErrNotFound)
}
