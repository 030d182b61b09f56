package interference

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/internal/plantest"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

var madeUp = regexp.MustCompile(`row_[0-9a-z]{26}`)

// write tries a change without making it.
func (a *asker) write() question {
	t := pick(a.w, a.w.tables[:miniTables]...)
	m := &lqp.Mutation{Table: t.ref.Table, DryRun: true, Op: pick(a.w, lqp.Insert, lqp.Update, lqp.Delete, lqp.Upsert)}
	made := plantest.NewTable(a.w.r, plantest.Spec{Name: "new", Rows: 2, NoEmpty: true}).Rows
	set := func(i int) lqp.RowChange {
		var c lqp.RowChange
		for at, name := range columnNames {
			if a.w.chance(25) {
				c.Set = append(c.Set, lqp.Assignment{Column: name, Value: made[i][at]})
			}
		}
		return c
	}
	if m.Op != lqp.Delete {
		m.Rows = []lqp.RowChange{set(0)}
	}
	switch m.Op {
	case lqp.Update, lqp.Delete:
		if a.w.chance(50) {
			g := pick(a.w, columnNames...)
			if m.Where = pick(a.w, call("is_not_null", lqp.Ref("", g)), call("gt", lqp.Ref("", "n"), number(0)), call("eq", lqp.Ref("", "t"), text("a")), nil); m.Where == nil {
				m.AllRows = true
			}
			if a.w.chance(30) {
				m.MaxAffected = 1 + a.w.r.IntN(3)
			}
			break
		}
		if m.Op == lqp.Delete {
			m.Rows = []lqp.RowChange{{}}
		}
		row := t.rows[a.w.r.IntN(len(t.rows))]
		m.Rows[0].ID = []lqp.Value{row[0]}
		if a.w.chance(40) {
			m.Rows[0].Version = 1 + a.w.r.Int64N(3)
		}
	case lqp.Upsert:
		m.Key = []string{pick(a.w, columnNames...)}
		if a.w.chance(80) {
			m.Rows[0].Set = append(m.Rows[0].Set, lqp.Assignment{Column: m.Key[0], Value: made[0][a.at(m.Key[0])]})
		}
	}
	touched := -1
	check := func() string {
		if touched >= 0 && a.w.forbidden(t, m) {
			return "a column was written or matched that is hidden, masked or read-only"
		}
		if m.Where == nil {
			return ""
		}
		return a.w.selects(t, m.Where, touched)
	}
	where := ""
	if m.Where != nil {
		where = lqp.FormatExpr(m.Where)
	}
	return question{kind: "write", about: fmt.Sprintf("%+v %s", *m, where), check: check, ask: func(ctx context.Context) string {
		touched = -1
		results, err := a.as.Apply(ctx, a.r.place.workspace, m)
		if err == nil {
			touched = len(results[0].Rows)
		}
		if err != nil {
			return madeUp.ReplaceAllString(failure(err)+conflict(err), "row")
		}
		var b strings.Builder
		for _, r := range results {
			fmt.Fprintln(&b, r.Affected, r.Columns)
			for _, row := range r.Rows {
				id := row.ID
				if row.Op == lqp.Insert {
					id = ""
				}
				fmt.Fprintln(&b, id, row.Version, row.Op, row.Changed, row.Before, row.After)
			}
		}
		if strings.Contains(b.String(), string(lqp.Insert)) {
			return madeUp.ReplaceAllString(b.String(), "row")
		}
		return b.String()
	}}
}

func (a *asker) at(name string) int {
	for i, n := range columnNames {
		if n == name {
			return i
		}
	}
	return -1
}

// conflict is what an error tells beside its text.
func conflict(err error) string {
	var b strings.Builder
	for e := err; e != nil; {
		switch c := e.(type) { //nolint:errorlint // every error of the chain is looked at
		case *livetables.Conflict:
			fmt.Fprint(&b, c.Row, c.Version, c.Columns, c.Values)
		case *minidb.ValidationError:
			fmt.Fprintf(&b, "%+v", c.Fields)
		case lqp.Problems:
			fmt.Fprintf(&b, "%+v", []lqp.Problem(c))
		}
		u, ok := e.(interface{ Unwrap() error })
		if !ok {
			break
		}
		e = u.Unwrap()
	}
	return b.String()
}
