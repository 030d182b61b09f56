package interference

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// The tables of linked worlds: lines have links to parts, which lead back, and to lines before them, and columns computed from
// their own cells and from those of linked rows.
const (
	parts = "Parts"
	lines = "Lines"
)

// linkedRow is a row of a linked world as it is, whoever sees it.
type linkedRow struct {
	id, t, s string
	n        int64
	part     []string // ids of parts, of a line
	prev     string   // id of a line, "" for none
}

// linkedRule is what keeps somebody from a table.
type linkedRule struct {
	closed  bool
	narrows bool // n must be at least least
	least   int64
	access  map[string]rbac.Access
	initial bool // the mask of t shows its first letter
}

// linkedWorld is the rows of the two tables and what keeps the principal from them.
type linkedWorld struct {
	*world
	r     *rig
	rows  map[string][]*linkedRow
	rules map[string]linkedRule
	now   time.Time
	// opened is an operation by which a row came into sight, or another one.
	opened string
	// secret is a text of the past that no answer may have in it, empty where the principal may know it.
	secret string
}

// linkedTables makes the tables of linked worlds, once for a rig.
func (r *rig) linkedTables(ctx context.Context) error {
	r.linked = map[string]*minidb.Table{}
	base, err := r.owner.CreateBase(ctx, r.place.workspace, minidb.BaseSpec{Name: "Linked"}) // the other worlds know all tables of theirs
	if err != nil {
		return err
	}
	own := []minidb.ColumnSpec{{Name: "t", Type: minidb.TextColumn}, {Name: "n", Type: minidb.IntegerColumn}, {Name: "s", Type: minidb.TextColumn}}
	made, err := r.owner.CreateTable(ctx, base.ID, minidb.TableSpec{Name: parts, Columns: own})
	if err != nil {
		return err
	}
	link := func(name, table string, single bool, inverse *minidb.InverseSpec) minidb.ColumnSpec {
		return minidb.ColumnSpec{Name: name, Type: minidb.LinkColumn, Options: minidb.ColumnOptions{Link: &minidb.Link{Table: table, Single: single}}, Inverse: inverse}
	}
	through := func(name string, kind minidb.ColumnType, t minidb.Through) minidb.ColumnSpec {
		return minidb.ColumnSpec{Name: name, Type: kind, Options: minidb.ColumnOptions{Through: &t}}
	}
	formula := func(name, text string) minidb.ColumnSpec {
		return minidb.ColumnSpec{Name: name, Type: minidb.FormulaColumn, Options: minidb.ColumnOptions{Formula: text}}
	}
	second, err := r.owner.CreateTable(ctx, base.ID, minidb.TableSpec{Name: lines, Columns: append(slices.Clone(own),
		link("part", made.ID, false, &minidb.InverseSpec{Name: "lines"}), link("prev", "", true, nil))})
	if err != nil {
		return err
	}
	for table, columns := range map[string][]minidb.ColumnSpec{
		second.ID: {through("names", minidb.LookupColumn, minidb.Through{Link: "part", Target: "t"}), through("secrets", minidb.LookupColumn, minidb.Through{Link: "part", Target: "s"}),
			through("total", minidb.RollupColumn, minidb.Through{Link: "part", Target: "n", Aggregate: "sum"}), through("most", minidb.RollupColumn, minidb.Through{Link: "part", Target: "t", Aggregate: "max"}),
			through("many", minidb.CountColumn, minidb.Through{Link: "part"}), through("some", minidb.CountColumn, minidb.Through{Link: "part", Filter: "n > 1"}),
			through("before", minidb.LookupColumn, minidb.Through{Link: "prev", Target: "t"}), formula("loud", "UPPER(s)"), formula("plain", "UPPER(t)"), formula("joined", `ARRAY_JOIN(names, ",")`),
			formula("mixed", `IF(n > 1, t, s)`)},
		made.ID: {through("uses", minidb.CountColumn, minidb.Through{Link: "lines"}), through("used", minidb.LookupColumn, minidb.Through{Link: "lines", Target: "s"}), formula("twice", "n * 2")},
	} {
		for _, c := range columns {
			if _, err := r.owner.AddColumn(ctx, table, c, 0); err != nil {
				return fmt.Errorf("column %s: %w", c.Name, err)
			}
		}
	}
	for _, id := range []string{made.ID, second.ID} {
		t, err := r.owner.Table(ctx, id)
		if err != nil {
			return err
		}
		r.linked[t.Name] = t
		r.place.parents[t.ID] = base.ID
	}
	return nil
}

func (r *rig) linkedColumn(table, name string) string {
	for _, c := range r.linked[table].Columns {
		if c.Name == name {
			return c.ID
		}
	}
	panic("interference: no column " + name)
}

// newLinked makes up the rules of a linked world and fills its tables.
func (r *rig) newLinked(ctx context.Context, n int, seed uint64) (*linkedWorld, error) {
	w := &linkedWorld{world: &world{r: newRand(seed, uint64(n)<<1|1), n: n}, r: r, rows: map[string][]*linkedRow{}, rules: map[string]linkedRule{},
		now: began.Add(time.Duration(n+1)*time.Hour + 30*time.Minute)}
	r.clock.Store(w.now.UnixMilli())
	w.policy = &rbac.Policy{Workspace: r.place.workspace, Version: int64(n)*2 + 1_000_000, Members: map[string]rbac.Role{ownerID: rbac.Owner, boundID: rbac.Editor},
		Rules: map[rbac.TableRef]map[rbac.Role]rbac.TableRule{}, Caps: map[string][]rbac.Cap{}, Parents: maps.Clone(r.place.parents)}
	w.me = rbac.Principal{ID: boundID}
	for _, table := range []string{parts, lines} {
		w.rules[table] = w.keep(table)
	}
	r.policy.now.Store(w.policy)
	for _, table := range []string{lines, parts} {
		if _, err := r.owner.Apply(ctx, r.place.workspace, &lqp.Mutation{Op: lqp.Delete, Table: r.linked[table].ID, AllRows: true}); err != nil {
			return nil, fmt.Errorf("empty the tables: %w", err)
		}
	}
	for _, table := range []string{parts, lines} {
		for range 3 + w.world.r.IntN(5) {
			if err := w.insert(ctx, table, w.make(table)); err != nil {
				return nil, fmt.Errorf("load: %w", err)
			}
		}
	}
	return w, nil
}

// keep makes up the rule of a table.
func (w *linkedWorld) keep(table string) linkedRule {
	k := linkedRule{access: map[string]rbac.Access{}, closed: w.chance(6), narrows: w.chance(50), least: w.world.r.Int64N(3), initial: w.chance(50)}
	rule := rbac.TableRule{Closed: k.closed, Columns: map[string]rbac.Access{}, Masks: map[string]lqp.Expr{}}
	if k.narrows {
		rule.Read = call("ge", lqp.Ref("", w.r.linkedColumn(table, "n")), number(k.least))
	}
	columns := []string{"t", "n", "s", "part", "prev"}
	if table == parts {
		columns = []string{"t", "n", "s", "lines"}
	}
	for _, c := range columns {
		if !w.chance(25) {
			continue
		}
		id := w.r.linkedColumn(table, c)
		k.access[c] = pick(w.world, rbac.Hidden, rbac.Masked)
		if rule.Columns[id] = k.access[c]; c == "t" && k.access[c] == rbac.Masked && k.initial {
			rule.Masks[id] = call("left", lqp.Ref("", id), number(1))
		}
	}
	w.policy.Rules[rbac.TableRef{Table: w.r.linked[table].ID}] = map[rbac.Role]rbac.TableRule{rbac.Editor: rule}
	return k
}

// make makes up a row.
func (w *linkedWorld) make(table string) *linkedRow {
	row := &linkedRow{t: pick(w.world, "a", "ab", "b", "bc", "é"), s: pick(w.world, "x", "y", "z"), n: w.world.r.Int64N(4)}
	if table == lines {
		w.link(row)
	}
	return row
}

// link gives a line other links.
func (w *linkedWorld) link(row *linkedRow) {
	row.part, row.prev = nil, ""
	for _, i := range w.world.r.Perm(len(w.rows[parts]))[:w.world.r.IntN(min(3, len(w.rows[parts])+1))] {
		row.part = append(row.part, w.rows[parts][i].id)
	}
	if len(w.rows[lines]) > 0 && w.chance(60) {
		row.prev = pick(w.world, w.rows[lines]...).id
	}
}

// set are the cells of a row.
func (row *linkedRow) set(table string) []lqp.Assignment {
	list := []lqp.Assignment{{Column: "t", Value: lqp.TextValue(row.t)}, {Column: "n", Value: lqp.IntValue(row.n)}, {Column: "s", Value: lqp.TextValue(row.s)}}
	if table == lines {
		ids := func(of ...string) lqp.Value {
			var items []lqp.Value
			for _, id := range of {
				if id != "" {
					items = append(items, lqp.TextValue(id))
				}
			}
			return lqp.ListValue(items)
		}
		list = append(list, lqp.Assignment{Column: "part", Value: ids(row.part...)}, lqp.Assignment{Column: "prev", Value: ids(row.prev)})
	}
	return list
}

func (w *linkedWorld) insert(ctx context.Context, table string, row *linkedRow) error {
	res, err := w.r.owner.Apply(ctx, w.r.place.workspace, &lqp.Mutation{Op: lqp.Insert, Table: w.r.linked[table].ID, Rows: []lqp.RowChange{{Set: row.set(table)}}})
	if err != nil {
		return err
	}
	row.id = res[0].Rows[0].ID
	w.rows[table] = append(w.rows[table], row)
	return nil
}

// sees reports whether the principal sees a row.
func (w *linkedWorld) sees(table string, row *linkedRow) bool {
	k := w.rules[table]
	return !k.closed && (!k.narrows || row.n >= k.least)
}

// trace is all that the principal may know: of the rows in sight the cells in sight, of links those to rows in sight. What is
// computed follows from it where it is shown at all.
func (w *linkedWorld) trace() string {
	var b strings.Builder
	for _, table := range []string{parts, lines} {
		k := w.rules[table]
		for _, row := range w.rows[table] {
			if !w.sees(table, row) {
				continue
			}
			fmt.Fprint(&b, table, row.id)
			cell := func(name string, open any) {
				switch k.access[name] {
				case rbac.Hidden:
				case rbac.Masked:
					if name == "t" && k.initial {
						fmt.Fprint(&b, string([]rune(row.t)[:1]))
					}
				default:
					fmt.Fprint(&b, "|", open)
				}
			}
			cell("t", row.t)
			cell("n", row.n)
			cell("s", row.s)
			if table == lines {
				cell("part", w.inSight(parts, row.part...))
				cell("prev", w.inSight(lines, row.prev))
			} else {
				cell("lines", w.leadingTo(row.id))
			}
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// inSight are those of some ids whose rows the principal sees, in their order.
func (w *linkedWorld) inSight(table string, ids ...string) (list []string) {
	for _, id := range ids {
		if slices.ContainsFunc(w.rows[table], func(row *linkedRow) bool { return row.id == id && w.sees(table, row) }) {
			list = append(list, id)
		}
	}
	return list
}

// leadingTo are the lines in sight that a part is linked from.
func (w *linkedWorld) leadingTo(part string) (list []string) {
	for _, row := range w.rows[lines] {
		if slices.Contains(row.part, part) && w.sees(lines, row) {
			list = append(list, row.id)
		}
	}
	return list
}

// String is the world for reports.
func (w *linkedWorld) String() string {
	var b strings.Builder
	for _, table := range []string{parts, lines} {
		fmt.Fprintf(&b, "%s under %+v\n", table, w.rules[table])
		for _, row := range w.rows[table] {
			fmt.Fprintf(&b, "  %+v\n", *row)
		}
	}
	return b.String()
}
