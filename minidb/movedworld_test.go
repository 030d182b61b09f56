package minidb_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter/ddl"
	"github.com/livetables/livetables/internal/storetest"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/minidb/blob"
	"github.com/livetables/livetables/rbac"
)

// tctx is for what lives as long as a test.
var tctx = context.Background()

var carol = minidb.Actor{ID: "usr_carol", Request: "req-2"}

// mover is a database between which and others workspaces move.
type mover struct {
	testing.TB
	*minidb.DB
	ctx   context.Context
	blobs *blob.Dir
}

func newMover(t testing.TB, place storetest.Place) *mover {
	t.Helper()
	blobs, err := blob.OpenDir(t.TempDir())
	require.NoError(t, err)
	return &mover{TB: t, DB: openAt(t, place, minidb.Options{}), ctx: context.Background(), blobs: blobs}
}

// elsewhere are databases that a workspace of the current driver moves to: one of the same kind and, where there is another kind
// of database, one of that.
func elsewhere(t testing.TB) []*mover {
	t.Helper()
	list := []*mover{newMover(t, storetest.New(t))}
	if storetest.Driver() == ddl.Postgres {
		list = append([]*mover{newMover(t, storetest.Place{File: filepath.Join(t.TempDir(), "other.db"), Relaxed: true})}, list...)
	}
	return list
}

func scratch(t testing.TB) *os.File {
	t.Helper()
	file, err := os.CreateTemp(t.TempDir(), "")
	require.NoError(t, err)
	return file
}

func (m *mover) archive(workspace string) []byte {
	m.Helper()
	x, err := m.ExportWorkspace(m.ctx, alice, workspace, scratch(m), m.blobs)
	require.NoError(m, err)
	defer func() { require.NoError(m, x.Close()) }()
	var b bytes.Buffer
	require.NoError(m, x.WriteTo(m.ctx, &b))
	require.Equal(m, x.Size(), int64(b.Len()))
	return b.Bytes()
}

func (m *mover) take(archive []byte) (*minidb.Workspace, error) {
	return m.ImportWorkspace(m.ctx, carol, bytes.NewReader(archive), int64(len(archive)), m.blobs, minidb.ArchiveLimits{})
}

// lives is a workspace with something of everything, in a mover.
type lives struct {
	*fixture
	m            *mover
	goods, tasks *table
	projects     *table
	files        *table
	operation    string // a row that alice has changed
	// in the trash: a base and two columns
	other, stock, tasksNext string
}

// attach uploads a file with a content and answers its id.
func (l *lives) attach(t *table, column, content string) string {
	l.Helper()
	a := minidb.NewAttachment(t.Table, t.id(column))
	sum := sha256.Sum256([]byte(content))
	a.Name, a.Type, a.Size, a.SHA256 = "a.txt", "text/plain", int64(len(content)), hex.EncodeToString(sum[:])
	require.NoError(l, l.m.blobs.Put(l.ctx, a.BlobKey(), strings.NewReader(content), a.Size))
	require.NoError(l, l.AddAttachment(l.ctx, alice, a, 0))
	return a.ID
}

func newLives(t testing.TB) *lives {
	t.Helper()
	f := newFixture(t, minidb.Options{})
	blobs, err := blob.OpenDir(t.TempDir())
	require.NoError(t, err)
	l := &lives{fixture: f, m: &mover{TB: t, DB: f.DB, ctx: f.ctx, blobs: blobs}}
	ok := func(err error) { t.Helper(); require.NoError(t, err) }
	_, err = f.SetMember(f.ctx, alice, f.workspace.ID, "usr_bob", rbac.Editor)
	ok(err)
	project, err := f.CreateProject(f.ctx, alice, f.workspace.ID, minidb.ProjectSpec{Name: "Project <&>"})
	ok(err)
	_, err = f.UpdateBase(f.ctx, alice, f.base.ID, minidb.BasePatch{Project: &project.ID}, 0)
	ok(err)
	_, err = f.UpdateWorkspace(f.ctx, alice, f.workspace.ID, minidb.WorkspacePatch{Settings: json.RawMessage(`{"theme": "<dark>"}`)}, 0)
	ok(err)
	ok(f.SetNetworks(f.ctx, alice, f.workspace.ID, []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}))
	l.columns()
	l.links()
	l.policy(project.ID)
	l.trashes()
	return l
}

// columns makes tables with columns of every type, and a history of them.
func (l *lives) columns() {
	f := l.fixture
	l.goods = f.table(goods)
	l.goods.add(values{"Name": text("é\u2028<&>\"\\"), "Code": text("1"), "Stock": num(3), "Price": dec("2.50"), "Since": lqp.DateValue(20_484), "State": text("new")},
		values{"Name": text("B"), "Code": text("2"), "Stock": num(-9_000_000_000_000_000_000)}, values{"Name": text("C"), "Stock": num(1), "Notes": text("long\nnote")})
	r := l.goods.do(l.goods.update(rowKeys(l.goods)[0], 0, values{"Stock": num(7)}))
	l.operation = r.Rows[0].ID
	l.goods.addColumn(formulaColumn("Worth", "{Stock} * Price /* all */"))
	l.goods.addColumn(minidb.ColumnSpec{Name: "Number", Type: minidb.AutonumberColumn})
	l.goods.addColumn(minidb.ColumnSpec{Name: "Made", Type: minidb.CreatedTimeColumn})
	l.goods.addColumn(minidb.ColumnSpec{Name: "By", Type: minidb.CreatedByColumn})
	c, _ := l.goods.Column(l.goods.id("State"))
	o := c.Options
	o.Choices = append([]minidb.Choice{}, o.Choices...)
	o.Choices[0].Name = "brand new"
	_, err := f.UpdateColumn(f.ctx, alice, c.ID, minidb.ColumnPatch{Options: &o}, 0)
	require.NoError(f, err)
	l.goods.reload()
	_, err = f.ChangeType(f.ctx, alice, l.goods.id("Notes"), minidb.Retype{Type: minidb.TextColumn}, 0)
	require.NoError(f, err)
	l.goods.reload()
	_, err = f.CreateIndex(f.ctx, alice, l.goods.ID, []minidb.IndexColumn{{Column: l.goods.id("Stock"), Desc: true}, {Column: l.goods.id("Name")}}, 0)
	require.NoError(f, err)
	rules := minidb.TableRules{Uniques: []minidb.UniqueSet{{Columns: []string{l.goods.id("Name"), l.goods.id("Stock")}}},
		Checks: []minidb.Check{{Expr: lqp.EncodeExpr(lqp.NewCall("lt", lqp.Ref("", l.goods.id("Stock")), lqp.Literal(num(1000)))), Message: "too many <"}}}
	_, err = f.UpdateTable(f.ctx, alice, l.goods.ID, minidb.TablePatch{Rules: &rules}, 0)
	require.NoError(f, err)
	l.goods.reload()
	move := minidb.Move{Table: l.goods.Table, Rows: rowKeys(l.goods)[2:], First: true}
	_, err = f.MoveRows(f.ctx, alice, move)
	require.ErrorIs(f, err, minidb.ErrSchemaChanged)
	move.Table = l.goods.reload().Table
	_, err = f.MoveRows(f.ctx, alice, move)
	require.NoError(f, err)
	forms := f.table(formed)
	forms.add(values{"email": text("a@b.example"), "url": text("https://example.org/?a=B"), "uuid": text("00000000-0000-4000-8000-000000000000"),
		"amount": dec("-1.5"), "yen": num(5), "share": dec("0.1234"), "spent": dec("90.25"), "stars": num(4), "owner": text(alice.ID), "tags": texts("[x]", "a, b"),
		"place": list(dec("1.5"), dec("-3")), "doc": lqp.JSONValue(`{"a":[1,2.50,null],"b":"é<&"}`), "shape": text("AB"), "phone": text("+49 123")}, values{})
	_, err = f.ArchiveTable(f.ctx, alice, forms.ID, 0)
	require.NoError(f, err)
}

func rowKeys(t *table) []string {
	var keys []string
	for id := range t.stored() {
		keys = append(keys, id)
	}
	slices.Sort(keys)
	return keys
}

// links makes tables that are linked, what is computed through links, and files.
func (l *lives) links() {
	f := l.fixture
	l.projects = f.table(minidb.TableSpec{Name: "Projects", Columns: []minidb.ColumnSpec{{Name: "Name", Type: minidb.TextColumn}, {Name: "Hours", Type: minidb.IntegerColumn}}})
	l.tasks = f.table(minidb.TableSpec{Name: "Tasks", Columns: []minidb.ColumnSpec{{Name: "Name", Type: minidb.TextColumn},
		{Name: "Project", Type: minidb.LinkColumn, Options: minidb.ColumnOptions{Link: &minidb.Link{Table: l.projects.ID}}, Inverse: &minidb.InverseSpec{Name: "Tasks"}},
		{Name: "Next", Type: minidb.LinkColumn, Options: minidb.ColumnOptions{Link: &minidb.Link{}}}}})
	l.projects.reload()
	p := l.projects.add(values{"Name": text("P"), "Hours": num(3)}, values{"Name": text("Q"), "Hours": num(4)})
	a := l.tasks.add(values{"Name": text("a"), "Project": rowsOf(p[1], p[0])}, values{"Name": text("b"), "Project": rowsOf(p[1])})
	l.tasks.do(l.tasks.update(a[0], 0, values{"Next": rowsOf(a[1], a[0])}))
	through := func(name string, typ minidb.ColumnType, th minidb.Through) {
		l.tasks.addColumn(minidb.ColumnSpec{Name: name, Type: typ, Options: minidb.ColumnOptions{Through: &th}})
	}
	through("Hours", minidb.RollupColumn, minidb.Through{Link: "Project", Target: "Hours", Aggregate: "sum"})
	through("Names", minidb.LookupColumn, minidb.Through{Link: "Project", Target: "Name"})
	l.tasks.addColumn(formulaColumn("Twice", "Hours * 2"))
	l.projects.reload().addColumn(minidb.ColumnSpec{Name: "Sum", Type: minidb.RollupColumn, Options: minidb.ColumnOptions{Through: &minidb.Through{Link: "Tasks", Target: "Twice", Aggregate: "sum"}}})
	l.tasks.reload()
	l.files = f.table(minidb.TableSpec{Name: "Papers", Columns: []minidb.ColumnSpec{{Name: "Name", Type: minidb.TextColumn}, {Name: "Files", Type: minidb.AttachmentColumn}}})
	one, two, same := l.attach(l.files, "Files", "one"), l.attach(l.files, "Files", "two"), l.attach(l.files, "Files", "one")
	l.attach(l.files, "Files", "never attached")
	row := l.files.add(values{"Name": text("x"), "Files": rowsOf(two, one)}, values{"Files": rowsOf(same)})
	l.files.do(l.files.delete(0, row[1]))
}

// policy makes views, roles, caps, rules and a connection.
func (l *lives) policy(project string) {
	f := l.fixture
	ok := func(err error) { f.Helper(); require.NoError(f, err) }
	v, err := f.CreateView(f.ctx, alice, f.base.ID, minidb.ViewSpec{Name: "V", Query: lqp.EncodeQuery(&lqp.Query{From: lqp.Source{Table: l.goods.ID},
		Where: lqp.NewCall("lt", lqp.Ref("", l.goods.id("Stock")), lqp.Literal(num(5)))})})
	ok(err)
	s, err := f.PutShare(f.ctx, alice, v.ID, minidb.ShareSpec{Slug: "published", Mode: minidb.SharePublic})
	ok(err)
	_, err = f.AddShareKey(f.ctx, alice, s.ID, minidb.ShareKey{Prefix: "p", Hash: []byte("hash-of-a-key")})
	ok(err)
	r, err := f.CreateRole(f.ctx, alice, f.workspace.ID, minidb.RoleSpec{Name: "Clerk", Base: rbac.Viewer, Grants: []rbac.Grant{{Action: rbac.ReadData, On: l.goods.ID}}})
	ok(err)
	_, err = f.PutCap(f.ctx, alice, minidb.Cap{Workspace: f.workspace.ID, Resource: project, Cap: rbac.Cap{Role: r.ID, Max: rbac.Viewer}})
	ok(err)
	_, err = f.PutCap(f.ctx, alice, minidb.Cap{Workspace: f.workspace.ID, Resource: v.ID, Cap: rbac.Cap{User: "usr_bob", Max: rbac.Nothing}})
	ok(err)
	_, err = f.PutRule(f.ctx, alice, minidb.Rule{Workspace: f.workspace.ID, Table: rbac.TableRef{Table: l.goods.ID}, Role: rbac.Viewer,
		Read:    lqp.EncodeExpr(lqp.NewCall("gt", lqp.Ref("", l.goods.id("Stock")), lqp.Literal(num(5)))),
		Columns: map[string]rbac.Access{l.goods.id("Price"): rbac.Hidden, l.goods.id("Since"): rbac.Masked}})
	ok(err)
	c, err := f.CreateConnection(f.ctx, alice, f.workspace.ID, minidb.ConnectionSpec{Name: "C", Driver: "postgres", Settings: json.RawMessage(`{"host":"db.example"}`), Secret: []byte("sealed-secret")})
	ok(err)
	_, err = f.PutRule(f.ctx, alice, minidb.Rule{Workspace: f.workspace.ID, Table: rbac.TableRef{Connection: c.ID, Table: "public.t"}, Role: r.ID})
	ok(err)
	err = f.SetRetention(f.ctx, alice, f.workspace.ID, minidb.Retention{Days: 30_000, Entries: 5})
	ok(err)
}

// trashes puts a base, tables, columns and a view into the trash.
func (l *lives) trashes() {
	f := l.fixture
	ok := func(err error) { f.Helper(); require.NoError(f, err) }
	other := *f
	var err error
	other.base, err = f.CreateBase(f.ctx, alice, f.workspace.ID, minidb.BaseSpec{Name: "Other"})
	ok(err)
	t := other.table(goods)
	t.add(values{"Name": text("in the trash"), "Code": text("x"), "Stock": num(1)})
	ok(f.RemoveColumn(f.ctx, alice, t.id("Stock"), minidb.Removal{}))
	_, err = f.CreateIndex(f.ctx, alice, t.ID, []minidb.IndexColumn{{Column: t.id("Since")}}, 0)
	ok(err)
	u := other.table(goods2)
	u.add(values{"A": text("y")})
	_, err = f.CreateView(f.ctx, alice, other.base.ID, minidb.ViewSpec{Name: "W", Query: json.RawMessage(`{}`)})
	ok(err)
	ok(f.DeleteTable(f.ctx, alice, u.ID, 0))
	ok(f.DeleteBase(f.ctx, alice, other.base.ID, 0))
	l.other, l.stock, l.tasksNext = other.base.ID, l.goods.id("Stock"), l.tasks.id("Next")
	ok(f.RemoveColumn(f.ctx, alice, l.stock, minidb.Removal{Force: true}))
	l.goods.reload().add(values{"Name": text("made meanwhile")})
	ok(f.RemoveColumn(f.ctx, alice, l.goods.id("Price"), minidb.Removal{Archive: true}))
	l.goods.reload()
	v, err := f.CreateView(f.ctx, alice, f.base.ID, minidb.ViewSpec{Name: "X", Query: json.RawMessage(`{}`)})
	ok(err)
	ok(f.DeleteView(f.ctx, alice, v.ID, 0))
	ok(f.RemoveColumn(f.ctx, alice, l.tasksNext, minidb.Removal{}))
	l.tasks.reload()
}

var goods2 = minidb.TableSpec{Name: "More", Columns: []minidb.ColumnSpec{{Name: "A", Type: minidb.TextColumn, Unique: true}}}
