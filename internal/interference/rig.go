package interference

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/memory"
	"github.com/livetables/livetables/internal/plantest"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// rig is an engine with its databases. It is used by one goroutine.
type rig struct {
	dir    string
	store  adapter.Store
	done   func() error // with the store
	db     *minidb.DB
	engine *livetables.Engine
	policy policies
	source Source
	clock  atomic.Int64
	place  place
	owner  *livetables.Access
	views  []string
	linked map[string]*minidb.Table // by name, of linked worlds
}

// Source is the external database of a rig. It is used by one worker.
type Source interface {
	// Open is the opener of the engine's connection to it.
	Open(context.Context, adapter.Settings) (adapter.Adapter, error)
	// Put replaces its tables; prover decides what it takes of queries, where it can be told.
	Put(ctx context.Context, tables []memory.Table, prover adapter.Prover) error
	// Fixed reports that tables keep the columns and keys they have.
	Fixed() bool
}

// began is the time in the worlds, one second later in each.
var began = time.Date(2025, 3, 30, 0, 30, 0, 0, time.UTC)

// The shapes of a rig: tables of the mini-DB and of the external database.
const miniTables, externalTables = 2, 2

const slug = "interference"

func openRig(ctx context.Context, from Source, store StoreFunc) (_ *rig, err error) {
	dir, err := os.MkdirTemp("", "interference")
	if err != nil {
		return nil, err
	}
	r := &rig{dir: dir, source: from}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close())
		}
	}()
	quiet := slog.New(slog.DiscardHandler)
	now := func() time.Time { return time.UnixMilli(r.clock.Load()) }
	r.clock.Store(began.UnixMilli())
	if r.store, r.done, err = store(ctx, dir); err != nil {
		return nil, err
	}
	if r.db, err = minidb.Open(ctx, r.store, minidb.Options{Logger: quiet, Clock: now}); err != nil {
		return nil, err
	}
	r.policy.now.Store(&rbac.Policy{Members: map[string]rbac.Role{ownerID: rbac.Owner, publisherID: rbac.Admin}})
	r.engine, err = livetables.New(livetables.Options{Store: r.db, Logger: quiet, Clock: now, Policies: &r.policy,
		Openers: map[string]adapter.Opener{"external": from.Open}, Limits: livetables.Limits{PageRows: 5000, MaxPageRows: 5000, SchemaTTL: 1000 * time.Hour}})
	if err != nil {
		return nil, err
	}
	r.owner = r.engine.As(rbac.Principal{ID: ownerID})
	return r, r.build(ctx)
}

// build makes what stays the same in all worlds.
func (r *rig) build(ctx context.Context) error {
	ws, err := r.owner.CreateWorkspace(ctx, "Worlds")
	if err != nil {
		return err
	}
	base, err := r.owner.CreateBase(ctx, ws.ID, minidb.BaseSpec{Name: "Base"})
	if err != nil {
		return err
	}
	r.place = place{workspace: ws.ID, base: base.ID, parents: map[string]string{}}
	types := []minidb.ColumnSpec{{Type: minidb.IntegerColumn}, {Type: minidb.IntegerColumn}, {Type: minidb.IntegerColumn},
		{Type: minidb.DecimalColumn, Options: minidb.ColumnOptions{Scale: 2}}, {Type: minidb.TextColumn}, {Type: minidb.BooleanColumn},
		{Type: minidb.DateColumn}, {Type: minidb.DateTimeColumn}}
	for i := range types {
		types[i].Name = columnNames[i]
	}
	for i := range miniTables {
		t, err := r.owner.CreateTable(ctx, base.ID, minidb.TableSpec{Name: fmt.Sprintf("mini%d", i), Columns: types})
		if err != nil {
			return err
		}
		r.place.mini, r.place.schemas = append(r.place.mini, t), append(r.place.schemas, t.Schema())
		r.place.parents[t.ID] = base.ID
	}
	empty := []memory.Table{}
	for i := range externalTables {
		schema := *plantest.NewTable(newRand(0, 0), plantest.Spec{Name: fmt.Sprintf("ext%d", i)}).Schema
		empty = append(empty, memory.Table{Schema: &schema})
	}
	if err := r.source.Put(ctx, empty, nil); err != nil {
		return err
	}
	con, err := r.owner.CreateConnection(ctx, ws.ID, livetables.ConnectionSpec{Name: "external", Driver: "external", Host: "db.test"})
	if err != nil {
		return err
	}
	r.place.connection = con.ID
	found, err := r.owner.Schema(ctx, con.ID, true)
	if err != nil {
		return err
	}
	for _, t := range found.Tables { // which may have a name with a schema in it
		r.place.schemas, r.place.names = append(r.place.schemas, t), append(r.place.names, t.Name)
	}
	if len(r.place.names) != externalTables {
		return fmt.Errorf("%d external tables were found", len(r.place.names))
	}
	if err := r.linkedTables(ctx); err != nil {
		return err
	}
	return r.publish(ctx)
}

// publish makes views: plain ones, one that computes and groups, one of a view, and publishes one of them.
func (r *rig) publish(ctx context.Context) error {
	mini, ref := r.place.mini[0].ID, func(c string) lqp.Expr { return lqp.Ref("a", c) }
	from := lqp.Source{Table: mini, Alias: "a"}
	named := func(columns ...string) (list []lqp.Named) {
		for _, c := range columns {
			list = append(list, lqp.Named{Name: c, Expr: ref(c)})
		}
		return list
	}
	plain := &lqp.Query{From: from, Select: named("n", "t", "d", "b", "ref")}
	computed := &lqp.Query{From: from, Where: call("or", call("gt", ref("n"), number(0)), call("is_null", ref("t"))),
		Select: append(named("t"), lqp.Named{Name: "twice", Expr: call("add", ref("n"), ref("n"))}), OrderBy: []lqp.Order{{Expr: ref("n"), Desc: true}}}
	grouped := &lqp.Query{From: from, GroupBy: []lqp.Named{{Name: "ref", Expr: ref("ref")}},
		Aggregates: []lqp.Aggregate{{Name: "many", Func: "countall"}, {Name: "most", Func: "max", Arg: ref("n")}}}
	joined := &lqp.Query{From: from, Select: append(named("n", "t"), lqp.Named{Name: "other", Expr: lqp.Ref("e", "t")}),
		Joins: []lqp.Join{{Kind: lqp.Left, Source: lqp.Source{Connection: r.place.connection, Table: r.place.names[0], Alias: "e"}, On: call("eq", ref("ref"), lqp.Ref("e", "id"))}}}
	r.publisher(rbac.Admin)
	publisher := r.engine.As(rbac.Principal{ID: publisherID})
	for i, q := range []*lqp.Query{plain, computed, grouped, joined} {
		v, err := publisher.CreateView(ctx, r.place.base, livetables.ViewSpec{Name: fmt.Sprintf("view%d", i), Query: q})
		if err != nil {
			return err
		}
		r.views = append(r.views, v.ID)
		r.place.parents[v.ID] = r.place.base
	}
	v, err := publisher.CreateView(ctx, r.place.base, livetables.ViewSpec{Name: "of a view", Query: &lqp.Query{From: lqp.Source{Table: r.views[0], Alias: "v"},
		Where: call("gt", lqp.Ref("v", "ref"), number(1))}})
	if err != nil {
		return err
	}
	r.views = append(r.views, v.ID)
	r.place.parents[v.ID] = r.place.base
	_, err = publisher.Publish(ctx, r.views[r.published()], slug, minidb.SharePublic)
	return err
}

// published is the view that is published.
func (r *rig) published() int { return 0 }

func (r *rig) publisher(role rbac.Role) {
	r.policy.now.Store(&rbac.Policy{Workspace: r.place.workspace, Members: map[string]rbac.Role{ownerID: rbac.Owner, publisherID: role}, Parents: r.place.parents})
}

func (r *rig) close() error {
	var errs []error
	if r.engine != nil {
		errs = append(errs, r.engine.Close())
	}
	if r.db != nil {
		errs = append(errs, r.db.Close())
	}
	if r.store != nil {
		errs = append(errs, r.store.Close(), r.done())
	}
	return errors.Join(append(errs, os.RemoveAll(r.dir))...)
}

// load puts a world into the databases.
func (r *rig) load(ctx context.Context, w *world) error {
	r.clock.Store(w.now.UnixMilli())
	r.policy.now.Store(w.policy)
	err := r.store.Write(ctx, func(tx adapter.Tx) error {
		for i, t := range w.tables[:miniTables] {
			if _, err := tx.Exec(ctx, `DELETE FROM "`+strings.Join(t.schema.Path, `"."`)+`"`); err != nil {
				return err
			}
			ids := make([]string, len(t.schema.Columns))
			for c := range t.schema.Columns {
				ids[c] = t.schema.Columns[c].ID
			}
			if err := tx.Insert(ctx, r.place.schemas[i], ids, t.rows); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("load: %w", err)
	}
	return r.putExternal(ctx, w)
}

func (r *rig) putExternal(ctx context.Context, w *world) error {
	if err := r.source.Put(ctx, w.memoryTables(), w.prover()); err != nil {
		return fmt.Errorf("load: %w", err)
	}
	// The owner reads the schema anew: it knows the estimates of the whole tables.
	_, err := r.owner.Schema(ctx, r.place.connection, true)
	return err
}
