package mysql

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/livetables/livetables/adapter/adaptertest"
	"github.com/livetables/livetables/adapter/internal/databasetest"
	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
	"github.com/stretchr/testify/require"
)

// TestNumberSweep computes with random numbers, ties and what is just beside a tie, at the server and here.
func TestNumberSweep(t *testing.T) {
	const pairs = 700
	seed := testseed.Of(t)
	r := rand.New(rand.NewPCG(seed, 1))
	decimal := func() lqp.Decimal {
		d := lqp.DecimalFromScaled(r.Int64()>>r.IntN(63), r.IntN(11))
		if r.IntN(3) == 0 { // up to 20 digits before the point
			if m, ok := d.Mul(lqp.DecimalFromInt(r.Int64N(1e10))); ok {
				d = m
			}
		}
		if r.IntN(2) == 0 {
			d = d.Neg()
		}
		return d
	}
	var values []string
	for i := range pairs {
		a, b := decimal(), decimal()
		if i%2 == 0 { // a quotient at half a unit, or one digit beside it
			if q, ok := b.Mul(lqp.DecimalFromScaled(2*r.Int64N(1e6)+1, 6)); ok {
				tie, _ := q.Div(lqp.DecimalFromScaled(2, 0))
				a, _ = tie.Add(lqp.DecimalFromScaled(int64(r.IntN(3)-1), 10))
			}
		}
		f, g := math.Float64frombits(r.Uint64()), math.Float64frombits(r.Uint64()&^(1<<62)|1<<61)
		if math.IsNaN(f) || math.IsInf(f, 0) || math.Abs(f) > 1e150 || math.Abs(f) < 1e-150 {
			f = r.NormFloat64()
		}
		if math.IsNaN(g) || math.IsInf(g, 0) || math.Abs(g) > 1e150 || math.Abs(g) < 1e-150 {
			g = float64(r.IntN(5)) - 2
		}
		values = append(values, fmt.Sprintf("(%d, '%s', '%s', %d, %g, %g)", i, a, b, r.Int64()>>r.IntN(63), f, g))
	}
	onServers(t, []string{`CREATE TABLE n (id int PRIMARY KEY, a decimal(30,10), b decimal(30,10), i bigint, f double, g double, k int AS (id % 50) STORED)`,
		`INSERT INTO n (id, a, b, i, f, g) VALUES ` + strings.Join(values, ", ")}, func(t *testing.T, d *database) {
		d.Sweep("n", databasetest.NumberFormulas)
		for _, agg := range []string{"sum", "average", "min", "max", "count_unique", "range", "count_empty", "percent_filled", "join"} {
			q := d.Bind(`{"source":{"table":"n"},"group_by":["k"],"aggregates":[{"name":"x","function":"` + agg + `","expr":"{a}"},{"name":"y","function":"` + agg + `","expr":"{i}"}],"columns":["k","x","y"],"sorts":["k"]}`)
			got, split := d.Planned(q)
			require.Nil(t, split.Residual)
			require.Equal(t, d.Reference(q), got, agg)
		}
	})
}

// TestTextSweep sorts, groups, compares and cuts hostile texts under the collations that columns have.
func TestTextSweep(t *testing.T) {
	seed := testseed.Of(t)
	r := rand.New(rand.NewPCG(seed, 2))
	alphabet := append([]string{" ", "  ", "A", "a", "ä", "%", "_", "\\", "'", `"`, "`", "?", "\u0345", "Σ", "ς", "ǆ", "ǅ", "ﬀ", "\x00", "Ⱥ", "ⱥ", "K", "k", "I"}, hostile...)
	escape := strings.NewReplacer("\x00", "", `\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`)
	const count = 1200
	var values []string
	var args []any
	for i := range count {
		s := ""
		for range r.IntN(5) {
			s += alphabet[r.IntN(len(alphabet))]
		}
		values = append(values, fmt.Sprintf("(%d, ?, ?, ?, ?)", i))
		args = append(args, s, s, s, s)
	}
	onServers(t, nil, func(t *testing.T, d *database) {
		bin := d.dialect.Load().facts.collation
		d.exec(`CREATE TABLE s (id int PRIMARY KEY, ci varchar(40) CHARACTER SET utf8mb4 NULL, bin varchar(40) CHARACTER SET utf8mb4 COLLATE ` + bin + ` NULL, pad varchar(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL, long_ text CHARACTER SET utf8mb4 NULL,
			KEY (ci), KEY (bin), KEY (pad))`)
		_, err := d.admin.ExecContext(t.Context(), "INSERT INTO s VALUES "+strings.Join(values, ", "), args...)
		require.NoError(t, err)
		d.Discover()
		same := func(pushed bool, text string) {
			t.Helper()
			q := d.Bind(text)
			got, split := d.Planned(q)
			require.True(t, !pushed || split.Residual == nil, "%v", split.Notes)
			require.Equal(t, d.Reference(q), got, "%s\n%s", text, d.Show(split))
		}
		for _, c := range []string{"ci", "bin", "pad", "long_"} {
			same(true, `{"source":{"table":"s"},"columns":["id"],"sorts":["`+c+`","id"]}`)
			same(true, `{"source":{"table":"s"},"columns":["id"],"sorts":["-`+c+`","-id"]}`)
			same(c != "long_", `{"source":{"table":"s"},"group_by":["`+c+`"],"aggregates":[{"name":"n","function":"countall"},{"name":"m","function":"max","expr":"id"}],"columns":["`+c+`","n","m"],"sorts":["`+c+`"]}`)
			same(true, `{"source":{"table":"s"},"aggregates":[{"name":"u","function":"count_unique","expr":"`+c+`"},{"name":"a","function":"min","expr":"`+c+`"},{"name":"z","function":"max","expr":"`+c+`"},{"name":"n","function":"counta","expr":"`+c+`"}],"columns":["u","a","z","n"]}`)
			for range 25 {
				lit := `"` + escape.Replace(args[4*r.IntN(count)].(string)) + `"`
				for _, f := range []string{`{%s} = %s`, `NOT({%s} = %s)`, `{%s} < %s`, `NOT({%s} >= %s)`, `STARTS_WITH({%s}, %s)`, `ENDS_WITH({%s}, %s)`, `CONTAINS({%s}, %s)`, `IN({%s}, %s, "a ", "A")`} {
					same(true, `{"source":{"table":"s"},"filters":`+databasetest.Quote(fmt.Sprintf(f, c, lit))+`,"columns":["id"],"sorts":["id"]}`)
				}
			}
			for _, f := range []string{`LEN({%s})`, `LEFT({%s}, 2)`, `RIGHT({%s}, 2)`, `MID({%s}, 2, 2)`, `SUBSTITUTE({%s}, \"a\", \"aa\")`, `{%s} & {id}`, `SUBSTITUTE({%s}, {ci}, \"-\")`} {
				f = fmt.Sprintf(f, c)
				same(true, `{"source":{"table":"s"},"group_by":["id"],"aggregates":[{"name":"v","function":"max","expr":"`+f+`"}],"columns":["id","v"],"sorts":["id"]}`)
			}
			if c != "long_" { // too long to group by
				d.Sweep("s", slices.DeleteFunc(databasetest.TextFormulasOf(c), func(f string) bool { return strings.HasPrefix(f, "REPLACE") }))
			}
			d.Filters("s", []string{`ICONTAINS({` + c + `}, "É")`, `ICONTAINS({` + c + `}, "aB")`, `ICONTAINS({` + c + `}, "K")`, `ICONTAINS({` + c + `}, "i")`, `ICONTAINS({` + c + `}, "ς")`, `ICONTAINS({` + c + `}, "")`, `ICONTAINS({` + c + `}, "ǅ")`, `SEARCH("Z", {` + c + `}) = 2`})
			for _, f := range []string{`UPPER({%s})`, `LOWER({%s})`} {
				same(d.mariadb(), `{"source":{"table":"s"},"group_by":["id"],"aggregates":[{"name":"v","function":"max","expr":"`+fmt.Sprintf(f, c)+`"}],"columns":["id","v"],"sorts":["id"]}`)
			}
		}
		for _, on := range []string{`{a.ci} = {b.pad}`, `AND({a.bin} < {b.ci}, {b.id} < 20)`, `AND({a.id} < 50, {a.ci} <> {b.bin}, {b.id} < 50)`} {
			same(true, `{"source":{"table":"s","alias":"a"},"joins":[{"kind":"inner","source":{"table":"s","alias":"b"},"on":"`+on+`"}],"columns":["a.id","b.id"],"sorts":["a.id","b.id"]}`)
		}
	})
}

// TestDateSweep computes with random dates, at the servers and here.
func TestDateSweep(t *testing.T) {
	seed := testseed.Of(t)
	var values []string
	for i, row := range databasetest.Dates(rand.New(rand.NewPCG(seed, 3)), 400) {
		values = append(values, fmt.Sprintf("(%d, '%s', '%s', '%s', '%s')", i, row[0], row[1], row[2], row[3]))
	}
	onServers(t, []string{`CREATE TABLE c (id int PRIMARY KEY, d date, e date, t datetime(3), u datetime(6))`,
		`INSERT INTO c VALUES (-1, NULL, '2024-01-01', NULL, '2024-01-01'), ` + strings.Join(values, ", ")}, func(t *testing.T, d *database) {
		d.Sweep("c", databasetest.DateFormulas())
		for _, zone := range []string{"Europe/Berlin", "America/St_Johns", "Pacific/Apia"} {
			d.FiltersIn("c", zone, databasetest.ZoneFilters())
		}
	})
}

var sweep = flag.Int("sweep", 0, "how many random queries TestRandomSweep asks of each server")

// TestRandomSweep asks as many random queries as the flag says, of columns under a collation that pads and folds.
func TestRandomSweep(t *testing.T) {
	n := *sweep
	if n == 0 {
		n = 600
	}
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			h := &harness{fresh: s.fresh, collation: "CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci"}
			adaptertest.Run(t, adaptertest.Harness{Open: h.open, Load: h.load, Holds: holds, Only: []string{"Random"}, Random: n})
		})
	}
}
