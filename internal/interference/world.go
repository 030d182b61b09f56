package interference

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/livetables/livetables/internal/plantest"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// The people of a world: the owner, who sees everything, somebody whom rules bind, and somebody bound by the rules of admins,
// who has published a view.
const (
	ownerID     = "usr_owner"
	boundID     = "usr_bound"
	publisherID = "usr_publisher"
	customRole  = rbac.Role("rol_custom")
)

// world is tables with their rows and a policy, as the reference knows them.
type world struct {
	r        *rand.Rand
	n        int
	now      time.Time
	tables   []*table
	policy   *rbac.Policy
	me       rbac.Principal
	reader   bool // asks as the reader of a published view only
	writes   bool // may write rows
	rejected int  // changes that would have been seen
}

func (w *world) chance(percent int) bool { return w.r.IntN(100) < percent }

func pick[E any](w *world, list ...E) E { return list[w.r.IntN(len(list))] }

func call(fn string, args ...lqp.Expr) lqp.Expr { return lqp.NewCall(fn, args...) }

func number(n int64) lqp.Expr { return lqp.Literal(lqp.IntValue(n)) }

func text(s string) lqp.Expr { return lqp.Literal(lqp.TextValue(s)) }

// newWorld makes up the rows and the policy for tables whose schemas are given.
func newWorld(r *rand.Rand, n int, now time.Time, at *place) *world {
	w := &world{r: r, n: n, now: now, policy: &rbac.Policy{Workspace: at.workspace, Version: int64(n) + 10,
		Members:    map[string]rbac.Role{ownerID: rbac.Owner, publisherID: rbac.Admin},
		Attributes: map[string]map[string]lqp.Value{boundID: {}, publisherID: {"level": lqp.IntValue(1), "team": lqp.TextValue("b")}},
		Rules:      map[rbac.TableRef]map[rbac.Role]rbac.TableRule{}, Caps: map[string][]rbac.Cap{}, Parents: maps.Clone(at.parents)}}
	w.me = rbac.Principal{ID: boundID, Attributes: map[string]lqp.Value{"level": lqp.IntValue(r.Int64N(4))}}
	if w.chance(95) {
		w.policy.Attributes[boundID]["team"] = lqp.TextValue(pick(w, "a", "b", "é"))
	}
	if w.chance(50) { // what the policy keeps stands before what the principal brings along
		w.policy.Attributes[boundID]["level"] = lqp.IntValue(r.Int64N(4))
	}
	roles := w.standing()
	for i := range at.schemas {
		w.tables = append(w.tables, w.newTable(at, i, roles))
	}
	return w
}

// standing decides as what the principal asks, and answers with the roles whose rules bind it.
func (w *world) standing() []rbac.Role {
	base := pick(w, rbac.Viewer, rbac.Editor, rbac.Editor)
	w.writes = base == rbac.Editor
	roles := []rbac.Role{base}
	switch {
	case w.chance(15):
		w.reader, w.writes = true, false
		w.me = rbac.Principal{ID: publisherID}
		return []rbac.Role{rbac.Admin}
	case w.chance(30):
		w.policy.Members[boundID] = customRole
		role := rbac.CustomRole{ID: customRole, Name: "Custom", Base: base, Grants: []rbac.Grant{{Action: rbac.ReadData}}}
		if w.writes {
			role.Grants = append(role.Grants, rbac.Grant{Action: rbac.WriteRows})
		}
		w.policy.Roles = map[rbac.Role]rbac.CustomRole{customRole: role}
		roles = append(roles, customRole)
	default:
		w.policy.Members[boundID] = base
	}
	return roles
}

// newTable fills a table and gives it rules.
func (w *world) newTable(at *place, i int, roles []rbac.Role) *table {
	schema := at.schemas[i]
	t := &table{ref: rbac.TableRef{Connection: at.connectionOf(i), Table: schema.Name}, schema: schema}
	t.rows = at.rows(w, i)
	env := lqp.Env{Now: w.now, User: w.me.ID, Attribute: w.attribute}
	for _, role := range roles {
		if w.chance(12) {
			continue
		}
		given := w.rule(t)
		given.Closed = w.chance(3)
		t.closed = t.closed || given.Closed
		if w.policy.Rules[t.ref] == nil {
			w.policy.Rules[t.ref] = map[rbac.Role]rbac.TableRule{}
		}
		w.policy.Rules[t.ref][role] = given
		t.rules = append(t.rules, compile(given, schema, env))
	}
	if resource := at.resource(i); w.chance(4) || w.policy.Caps[resource] != nil { // of a connection for all of its tables
		t.closed = true
		w.policy.Caps[resource] = []rbac.Cap{{User: w.me.ID, Max: rbac.Nothing}}
		for _, other := range w.tables {
			other.closed = other.closed || other.ref.Connection == t.ref.Connection && t.ref.Connection != ""
		}
	}
	return t
}

// attribute is what rules may ask of the principal, by the definition: what the policy keeps, else what it brings.
func (w *world) attribute(name string) (lqp.Value, bool) {
	if v, ok := w.policy.Attributes[w.me.ID][name]; ok {
		return v, true
	}
	v, ok := w.me.Attributes[name]
	return v, ok
}

// rule is a random rule of a table.
func (w *world) rule(t *table) rbac.TableRule {
	var rule rbac.TableRule
	if w.chance(65) {
		rule.Read = w.predicate(t, 2)
	}
	for _, to := range []*lqp.Expr{&rule.Create, &rule.Update, &rule.Delete} {
		if w.chance(20) {
			*to = w.predicate(t, 1)
		}
	}
	rule.Columns, rule.Masks = map[string]rbac.Access{}, map[string]lqp.Expr{}
	for _, c := range t.schema.Columns {
		if c.ID == minidb.ColumnID || w.chance(78) {
			continue
		}
		access := pick(w, rbac.Hidden, rbac.Masked, rbac.Masked, rbac.ReadOnly)
		if c.ID != c.Name && c.ID[0] == '_' && access == rbac.ReadOnly {
			continue
		}
		rule.Columns[c.ID] = access
		if access == rbac.Masked && w.chance(75) {
			rule.Masks[c.ID] = w.mask(t, c.Type.Kind)
		}
	}
	return rule
}

// col is a reference to a column by its name.
func (t *table) col(name string) lqp.Expr { return lqp.Ref("", t.schema.Columns[t.at(name)].ID) }

func level() lqp.Expr { return &lqp.Param{Name: "user.level"} }

func team() lqp.Expr { return &lqp.Param{Name: "user.team"} }

// predicate is a condition that a rule asks of a row.
func (w *world) predicate(t *table, depth int) lqp.Expr {
	if depth > 0 && w.chance(35) {
		switch w.r.IntN(3) {
		case 0:
			return call("not", w.predicate(t, depth-1))
		case 1:
			return call("and", w.predicate(t, depth-1), w.predicate(t, depth-1))
		}
		return call("or", w.predicate(t, depth-1), w.predicate(t, depth-1))
	}
	n, d, tx, ref := t.col("n"), t.col("d"), t.col("t"), t.col("ref")
	return pick(w,
		call("gt", n, number(w.r.Int64N(5)-2)), call("le", n, number(w.r.Int64N(5))), call("eq", n, level()), call("ge", ref, level()),
		call("is_null", tx), call("is_not_null", d), call("eq", tx, team()), call("ne", tx, team()), call("in", ref, number(1), number(3), number(5)),
		call("lt", d, number(1)), t.col("b"), call("not", t.col("b")), call("contains", tx, text("a")), call("starts_with", tx, team()),
		call("lt", t.col("at"), &lqp.Param{Name: "now"}), call("eq", call("mod", t.col("id"), number(2)), number(1)),
		call("gt", call("hour", t.col("at")), number(w.r.Int64N(20))), call("eq", tx, &lqp.Param{Name: "current_user"}))
}

// mask is an expression of a kind over the columns of a table.
func (w *world) mask(t *table, k lqp.Kind) lqp.Expr {
	n, tx := t.col("n"), t.col("t")
	switch k {
	case lqp.Number:
		return pick(w, number(0), number(7), level(), call("mod", n, number(2)), call("len", tx), call("round", t.col("d"), number(0)),
			call("if", call("gt", t.col("ref"), number(2)), n, number(-1)))
	case lqp.Text:
		return pick(w, text("***"), call("left", tx, number(1)), call("concat", call("left", tx, number(1)), text("…")), call("upper", tx), team(),
			call("if", call("eq", n, level()), tx, text("no")))
	case lqp.Bool:
		return pick(w, lqp.Expr(lqp.Literal(lqp.BoolValue(true))), call("is_null", tx), call("gt", n, number(0)))
	case lqp.Date:
		return pick(w, call("if", t.col("b"), t.col("day"), lqp.TypedNull(lqp.Type{Kind: lqp.Date})), t.col("day"))
	}
	return pick(w, t.col("at"), lqp.Expr(&lqp.Param{Name: "now"}))
}

// seen are the tables as the principal sees them, for making up questions about them: by name everywhere, also the closed ones.
func (w *world) seen() []*plantest.Table {
	var all []*plantest.Table
	for _, t := range w.tables {
		n := t.narrowed()
		n.Schema.Key = nil
		if a := t.access(t.schema.Columns[t.at("id")].ID); a == "" || a == rbac.ReadOnly {
			n.Schema.Key = []string{"id"} // with which rows have one order
		}
		all = append(all, n)
	}
	return all
}

// String describes the world for a report.
func (w *world) String() string {
	s := fmt.Sprintf("world %d, asked by %s as %q, level %v\n", w.n, w.me.ID, w.policy.Role(w.me), w.policy.Attributes[w.me.ID])
	for _, t := range w.tables {
		s += fmt.Sprintf("table %s/%s closed %v, key %v\n", t.ref.Connection, t.ref.Table, !t.open(), t.schema.Key)
		for _, r := range t.rules {
			for _, p := range []struct {
				name string
				e    lqp.Expr
			}{{"read", r.given.Read}, {"create", r.given.Create}, {"update", r.given.Update}, {"delete", r.given.Delete}} {
				if p.e != nil {
					s += "  " + p.name + " " + lqp.FormatExpr(p.e) + "\n"
				}
			}
			for _, id := range slices.Sorted(maps.Keys(r.given.Columns)) {
				s += fmt.Sprintf("  %s %s %s", t.schema.Column(id).Name, id, r.given.Columns[id])
				if m := r.given.Masks[id]; m != nil {
					s += " " + lqp.FormatExpr(m)
				}
				s += "\n"
			}
		}
		for _, row := range t.rows {
			s += fmt.Sprintf("  %v seen %v\n", plantest.Texts([][]lqp.Value{row}), t.sees(row))
		}
	}
	return s
}
