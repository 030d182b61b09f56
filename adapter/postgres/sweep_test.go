package postgres

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/livetables/livetables/adapter/internal/databasetest"
	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
	"github.com/stretchr/testify/require"
)

func seeded(t *testing.T) *rand.Rand {
	return rand.New(rand.NewPCG(testseed.Of(t), 1))
}

// TestNumberSweep computes with random numbers, ties and what is just beside a tie, at the server and here.
func TestNumberSweep(t *testing.T) {
	r := seeded(t)
	decimal := func() lqp.Decimal {
		d := lqp.DecimalFromScaled(r.Int64()>>r.IntN(63), r.IntN(11))
		if m, ok := d.Mul(lqp.DecimalFromInt(r.Int64N(1e10))); ok && r.IntN(3) == 0 {
			d = m
		}
		if r.IntN(2) == 0 {
			d = d.Neg()
		}
		return d
	}
	var values []string
	for i := range 500 {
		a, b := decimal(), decimal()
		if q, ok := b.Mul(lqp.DecimalFromScaled(2*r.Int64N(1e6)+1, 6)); ok && i%2 == 0 { // a quotient at half a unit, or one digit beside it
			tie, _ := q.Div(lqp.DecimalFromInt(2))
			a, _ = tie.Add(lqp.DecimalFromScaled(int64(r.IntN(3)-1), 10))
		}
		f, g := math.Float64frombits(r.Uint64()), r.NormFloat64()
		if math.IsNaN(f) || math.Abs(f) > 1e150 || math.Abs(f) < 1e-150 {
			f = float64(r.IntN(5)) - 2
		}
		values = append(values, fmt.Sprintf("(%d, '%s', '%s', %d, %g, %g)", i, a, b, r.Int64()>>r.IntN(63), f, g))
	}
	d := newDatabase(t, `CREATE TABLE n (id int PRIMARY KEY, a numeric(30,10), b numeric(30,10), i bigint, f float8, g float8)`,
		`INSERT INTO n VALUES (-1, NULL, 2, NULL, NULL, 0.5), `+strings.Join(values, ", "))
	d.Sweep("n", databasetest.NumberFormulas)
	for _, agg := range []string{"sum", "average", "min", "max", "count_unique", "range", "count_empty", "percent_filled", "join", "first", "last"} {
		q := d.Bind(`{"source":{"table":"n"},"group_by":[{"name":"k","expr":"{id} % 50"}],"aggregates":[{"name":"x","function":"` + agg + `","expr":"{a}"},{"name":"y","function":"` + agg + `","expr":"{i}"}],"columns":["k","x","y"],"sorts":["k"]}`)
		got, split := d.Planned(q)
		require.Nil(t, split.Residual, "%v", split.Notes)
		require.Equal(t, d.Reference(q), got, agg)
	}
}

// TestDateSweep computes with random dates, at the server and here.
func TestDateSweep(t *testing.T) {
	var values []string
	for i, row := range databasetest.Dates(seeded(t), 400) {
		values = append(values, fmt.Sprintf("(%d, '%s', '%s', '%s', '%s')", i, row[0], row[1], row[2], row[3]))
	}
	d := newDatabase(t, `CREATE TABLE c (id int PRIMARY KEY, d date, e date, t timestamp, u timestamptz(3))`,
		`INSERT INTO c VALUES (-1, NULL, '2024-01-01', NULL, '2024-01-01'), (-2, 'infinity', '-infinity', 'infinity', '-infinity'), `+strings.Join(values, ", "))
	d.Sweep("c", databasetest.DateFormulas())
	for _, zone := range []string{"Europe/Berlin", "America/St_Johns", "Pacific/Apia"} {
		d.FiltersIn("c", zone, databasetest.ZoneFilters())
	}
}

// TestTextSweep looks into hostile texts, at the server and here.
func TestTextSweep(t *testing.T) {
	r := seeded(t)
	alphabet := []string{" ", "  ", "\t", "\n", "\r", "\v", "\u00a0", "a", "A", "b", "é", "e\u0301", "%", "_", "\\", "'", "😀", "ß", "\u200b"}
	var values []string
	for i := range 500 {
		s := ""
		for range r.IntN(6) {
			s += alphabet[r.IntN(len(alphabet))]
		}
		values = append(values, fmt.Sprintf("(%d, '%[2]s', '%[2]s', '%[2]s')", i, strings.ReplaceAll(s, "'", "''")))
	}
	d := newDatabase(t, `CREATE TABLE s (id int PRIMARY KEY, s text, icu varchar(40) COLLATE "en-x-icu", bin text COLLATE "C")`, `INSERT INTO s VALUES (-1, NULL, NULL, NULL), `+strings.Join(values, ", "))
	for _, c := range []string{"s", "icu", "bin"} {
		d.Sweep("s", databasetest.TextFormulasOf(c))
		var filters []string
		for _, part := range []string{"", "a", "%", "_", "\\\\", "\\\\%", " ", "é", "e\u0301", "a%", "'"} {
			for _, f := range []string{"CONTAINS", "STARTS_WITH", "ENDS_WITH"} {
				filters = append(filters, f+"({"+c+`}, "`+part+`")`)
			}
		}
		d.Filters("s", filters)
	}
}
