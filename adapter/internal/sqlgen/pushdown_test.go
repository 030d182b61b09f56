package sqlgen_test

import (
	"database/sql"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	mysqldriver "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/databasetest"
	"github.com/livetables/livetables/adapter/mysql"
	"github.com/livetables/livetables/adapter/postgres"
	"github.com/livetables/livetables/internal/testenv"
	"github.com/livetables/livetables/lqp"
)

const pushdownIntro = `# What is pushed down to SQL servers

Generated from the function catalogue and the adapters by ` + "`go test ./adapter/internal/sqlgen -run Pushdown -update`" + `; do not edit.

A formula in a filter, sort, group or aggregate runs inside the database where the database gives exactly our answer, and in the
engine everywhere else: the answer is the same, only the cost differs. **exact** says that the server computes it; otherwise the
engine does, for the reason that is given. A formula that is only shown is always computed by the engine.

The table holds for arguments of the kind that is named, columns first and constants after them. A count, a place or a unit that is
no constant, a text that may be longer than a text may be, dates that are read in another time zone than UTC, and a server on which
a probe failed when the connection was made, move a formula into the engine; the explanation of a query says which.

Comparisons, AND, OR, NOT, IN, BETWEEN, tests for NULL and for empty values, IF, SWITCH and COALESCE are pushed for all kinds below
whenever what stands in them is. A comparison of a bare column with a constant is written so that an index of the column serves
it. In another time zone than UTC, the year and the day of a column compared with a constant are pushed as a range of instants.

Where part of a filter is left to the engine, a weaker condition is pushed if there is one (a superset): the arms of AND that are
exact, or that the columns are not NULL.

## What indexes serve

| | PostgreSQL | MySQL, MariaDB |
|---|---|---|
| equality, IN, ranges of numbers, dates and times | yes | yes |
| equality of texts | any deterministic collation | any collation: the column's own first, then code points |
| order of texts, <, > | collation C | utf8mb4_0900_bin, utf8mb4_nopad_bin |
| beginning of a text | collation C; text_pattern_ops for others | those two, utf8mb4_bin, utf8mb4_general_ci; with an ASCII beginning utf8mb4_0900_*, utf8mb4_unicode_520_ci, utf8mb4_uca1400_* |
| text in a text | trigram indexes (pg_trgm) | no |
| pages by numbers, dates, times, NULLs and mixed directions included | yes | yes, but for the first page of dates, datetimes and texts in ascending order: rows whose value counts as NULL (impossible dates, texts with U+0000) come first there, and only a look at every row finds them |
| pages by texts | collation C, up to 255 characters | the two binary collations, up to 255 characters |

`

// TestPushdown describes what each server is asked to compute, as docs/pushdown.md shows it.
func TestPushdown(t *testing.T) {
	targets := []target{postgresTarget(t), mysqlTarget(t, testenv.MySQL(t)), mysqlTarget(t, testenv.MariaDB(t))}
	var out strings.Builder
	out.WriteString(pushdownIntro + "## Functions of a row\n\n| function | of | PostgreSQL | MySQL | MariaDB |\n|---|---|---|---|---|\n")
	for _, f := range lqp.Functions() {
		if f.Category == "logic" || slices.Contains([]string{"eq", "ne", "lt", "le", "gt", "ge"}, f.Name) {
			continue // see the introduction
		}
		writeRows(&out, f.Name, kindsOf(f), targets, func(d *target, k lqp.Kind) (string, bool) { return d.function(f, k) })
	}
	out.WriteString("\n## Aggregates\n\n| aggregate | of | PostgreSQL | MySQL | MariaDB |\n|---|---|---|---|---|\n")
	for _, f := range lqp.Aggregates() {
		kinds := f.Kinds
		if kinds == nil {
			kinds = []lqp.Kind{lqp.Null}
		}
		writeRows(&out, f.Name, kinds, targets, func(d *target, k lqp.Kind) (string, bool) { return d.aggregate(f, k) })
	}
	databasetest.Golden(t, "../../../docs/pushdown.md", out.String())
}

// writeRows writes a line for every different answer, with the kinds that have it.
func writeRows(out *strings.Builder, name string, kinds []lqp.Kind, targets []target, ask func(*target, lqp.Kind) (string, bool)) {
	var order []string
	of := map[string][]string{}
	for _, k := range kinds {
		var cells []string
		for i := range targets {
			if cell, ok := ask(&targets[i], k); ok {
				cells = append(cells, cell)
			}
		}
		if len(cells) != len(targets) {
			continue // no call of this kind
		}
		row := strings.Join(cells, " | ")
		if of[row] == nil {
			order = append(order, row)
		}
		if k != lqp.Null {
			of[row] = append(of[row], k.String())
		} else {
			of[row] = append(of[row], "-")
		}
	}
	for _, row := range order {
		fmt.Fprintf(out, "| `%s` | %s | %s |\n", name, strings.Join(of[row], ", "), row)
	}
}

// kindsOf are the kinds that columns have here and that the first parameter takes.
func kindsOf(f *lqp.Function) (kinds []lqp.Kind) {
	if len(f.Params) == 0 {
		return []lqp.Kind{lqp.Null}
	}
	return f.Params[0].Kinds
}

// target is a server with one table that has a column of every kind.
type target struct {
	adapter adapter.Adapter
	table   *lqp.Table
}

var columnOf = map[lqp.Kind]string{lqp.Bool: "b", lqp.Number: "n", lqp.Float: "f", lqp.Text: "s", lqp.Date: "d", lqp.DateTime: "t"}

func (d *target) column(k lqp.Kind) (lqp.Expr, bool) {
	name, ok := columnOf[k]
	return lqp.Ref("x", name), ok
}

// function asks where a call is computed.
func (d *target) function(f *lqp.Function, k lqp.Kind) (string, bool) {
	var args []lqp.Expr
	for i := 0; i < max(f.MinArgs(), min(len(f.Params), 1)); i++ {
		p := f.Param(i)
		if i == 0 {
			x, ok := d.column(k)
			if !ok {
				return "", false
			}
			args = append(args, x)
			continue
		}
		args = append(args, constantFor(p, k))
	}
	call := lqp.NewCall(f.Name, args...)
	if cell, ok := d.ask(&lqp.Query{Where: call}, "filter"); ok {
		return cell, true
	}
	// Floats are compared: some databases are not asked whether they are NULL, which they would answer without computing.
	if k == lqp.Float && len(args) > 0 {
		if cell, ok := d.ask(&lqp.Query{Where: lqp.NewCall("ge", call, args[0])}, "filter"); ok {
			cell, _, _ = strings.Cut(cell, "; pushed as ") // a condition that the comparison implies
			return cell, true
		}
	}
	return d.ask(&lqp.Query{Where: lqp.NewCall("is_null", call)}, "filter") // whose answer is no condition
}

// constantFor is a constant that the parameter accepts, of the kind of the first argument if it may be.
func constantFor(p lqp.Parameter, k lqp.Kind) lqp.Expr {
	text := func(s string) lqp.Expr { return lqp.Literal(lqp.TextValue(s)) }
	switch {
	case p.Units:
		return text("month")
	case p.Pattern:
		return text("a+")
	case p.Format:
		return text("YYYY")
	case len(p.Choices) > 0:
		return text(p.Choices[0])
	case p.Zone:
		return text("UTC")
	}
	if !slices.Contains(p.Kinds, k) {
		k = p.Kinds[0]
	}
	if name, ok := columnOf[k]; ok && k != lqp.Number && k != lqp.Text {
		return lqp.Ref("x", name)
	}
	if k == lqp.Text {
		return text("a")
	}
	return lqp.Literal(lqp.IntValue(2))
}

// aggregate asks where an aggregate is computed.
func (d *target) aggregate(f *lqp.AggregateFunction, k lqp.Kind) (string, bool) {
	a := lqp.Aggregate{Name: "v", Func: f.Name}
	if k != lqp.Null {
		x, ok := d.column(k)
		if !ok {
			return "", false
		}
		a.Arg = x
	}
	return d.ask(&lqp.Query{Aggregates: []lqp.Aggregate{a}, Select: []lqp.Named{{Name: "v", Expr: lqp.Ref("", "v")}}}, "aggregate")
}

// ask plans a query and finds the note about its clause.
func (d *target) ask(q *lqp.Query, clause string) (string, bool) {
	q.From = lqp.Source{Table: d.table.Name, Alias: "x"}
	if q.Select == nil {
		q.Select = []lqp.Named{{Name: "id", Expr: lqp.Ref("x", "id")}}
	}
	bound, err := lqp.Bind(q, lqp.Env{Table: func(string, string) (*lqp.Table, error) { return d.table, nil }})
	if err != nil {
		return "", false
	}
	for _, n := range d.adapter.Plan(bound).Notes {
		switch {
		case n.Clause != clause:
		case n.Placement == adapter.PushedExact:
			return "exact", true
		default:
			return n.Reason, true
		}
	}
	return "", false
}

func newTarget(t *testing.T, a adapter.Adapter, err error) target {
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.Close()) })
	require.NoError(t, a.Ping(t.Context()))
	cat, err := a.Tables(t.Context())
	require.NoError(t, err)
	require.Len(t, cat.Tables, 1)
	return target{adapter: a, table: cat.Tables[0]}
}

func create(t *testing.T, driver, dsn, statement string) {
	db, err := sql.Open(driver, dsn)
	require.NoError(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), statement)
	require.NoError(t, err)
}

func postgresTarget(t *testing.T) target {
	dsn := testenv.Postgres(t)
	create(t, "pgx", dsn, "CREATE TABLE x (id bigint PRIMARY KEY, b bool, n numeric(12,2), f float8, s varchar(40), d date, t timestamptz)")
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	port, err := strconv.Atoi(u.Port())
	require.NoError(t, err)
	password, _ := u.User.Password()
	a, err := postgres.Open(t.Context(), adapter.Settings{Driver: "postgres", Host: u.Hostname(), Port: port, User: u.User.Username(), Password: password, Database: strings.TrimPrefix(u.Path, "/"), TLS: "off"})
	return newTarget(t, a, err)
}

func mysqlTarget(t *testing.T, dsn string) target {
	create(t, "mysql", dsn, "CREATE TABLE x (id bigint PRIMARY KEY, b bool, n decimal(12,2), f double, s varchar(40) CHARACTER SET utf8mb4, d date, t datetime(6))")
	cfg, err := mysqldriver.ParseDSN(dsn)
	require.NoError(t, err)
	host, portText, err := net.SplitHostPort(cfg.Addr)
	require.NoError(t, err)
	port, err := strconv.Atoi(portText)
	require.NoError(t, err)
	a, err := mysql.Open(t.Context(), adapter.Settings{Driver: "mysql", Host: host, Port: port, User: cfg.User, Password: cfg.Passwd, Database: cfg.DBName, TLS: "off"})
	return newTarget(t, a, err)
}
