package postgres

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
	"github.com/stretchr/testify/require"
)

// apartColumns are the columns of all types some of whose values count as NULL, with what is put into them: values that
// agree when they are cut to ours, among them at the ends of the range, and values that are none of ours.
var apartColumns = []struct {
	name, native string
	values       []string
}{
	{"tz", "timestamptz", []string{"2024-01-01 00:00:00.001001Z", "2024-01-01 00:00:00.001999Z", "2024-01-01 00:00:00.001Z", "2024-01-01 00:00:00.002Z",
		"1969-12-31 23:59:59.999999Z", "1969-12-31 23:59:59.999001Z", "0001-01-01 00:00:00Z", "9999-12-31 23:59:59.999999Z", "9999-12-31 23:59:59.999Z",
		"infinity", "-infinity", "10000-01-01 00:00:00Z", "0001-12-31 23:59:59.999999Z BC"}},
	{"tz3", "timestamptz(3)", []string{"2024-01-01 00:00:00.001Z", "2024-01-01 00:00:00.002Z", "1969-12-31 23:59:59.999Z", "infinity", "-infinity", "10000-01-01 00:00:00Z"}},
	{"ts", "timestamp", []string{"2024-01-01 00:00:00.001001", "2024-01-01 00:00:00.001999", "1969-12-31 23:59:59.999999", "1969-12-31 23:59:59.999001",
		"9999-12-31 23:59:59.9999", "infinity", "-infinity", "10000-01-01"}},
	{"d", "date", []string{"2024-01-01", "2024-01-02", "0001-01-01", "9999-12-31", "infinity", "-infinity", "10000-01-01", "0001-12-31 BC"}},
	{"n", "numeric(12,2)", []string{"1.00", "1.01", "-5", "0", "NaN"}},
	{"w", "numeric", []string{"1.00000000001", "1.00000000004", "1.00000000005", "1.0000000001", "-1.00000000004", "-1.00000000005", "99999999999999999999.9999999999",
		"99999999999999999999.99999999995", "-99999999999999999999.9999999999", "1e30", "NaN", "Infinity", "-Infinity", "0.00000000001", "0"}},
	{"f", "float8", []string{"1", "1.5", "-0", "0", "1e300", "-1e300", "NaN", "Infinity", "-Infinity"}},
	{"g", "float4", []string{"1", "1.1", "-0", "0", "1e30", "NaN", "Infinity", "-Infinity"}},
}

// TestPagesApart turns the pages of every sort and compares them with those of memory.
func TestPagesApart(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 11))
	create := `CREATE TABLE a (id bigint PRIMARY KEY, o bigint, s text COLLATE "en-x-icu", tag bool NOT NULL`
	for _, c := range apartColumns {
		create += fmt.Sprintf(", %s %s", c.name, c.native)
	}
	const rows = 60
	statements := []string{create + ")", `CREATE TABLE b (id bigint PRIMARY KEY, label text NOT NULL)`, `INSERT INTO b SELECT i, 'b' || i FROM generate_series(-70, 0) AS i`}
	insert := "INSERT INTO a VALUES "
	for i := range rows {
		if i > 0 {
			insert += ", "
		}
		// The ids run against the order of the values, so that ties are not in it by chance.
		insert += fmt.Sprintf("(%d, %d, '%c', %t", -i, r.IntN(3), "aBc"[r.IntN(3)], r.IntN(4) > 0)
		for _, c := range apartColumns {
			if n := r.IntN(len(c.values) + 2); n < len(c.values) {
				insert += ", '" + c.values[n] + "'"
			} else {
				insert += ", NULL"
			}
		}
		insert += ")"
	}
	statements = append(statements, insert)
	for _, c := range apartColumns {
		statements = append(statements, fmt.Sprintf("CREATE INDEX ON a (%s, id)", c.name))
	}
	d := newDatabase(t, statements...)
	shapes := []string{
		`{"source":{"table":"a"},"columns":["id","s","%[1]s"]`,
		`{"source":{"table":"a"},"filters":"AND({tag}, {o} <> 1)","columns":["id","%[1]s","o"]`,
		`{"source":{"table":"a","alias":"a"},"joins":[{"kind":"left","source":{"table":"b","alias":"b"},"on":"{a.id} = {b.id}"}],"columns":["a.id","b.label","a.%[1]s"]`,
	}
	for _, c := range apartColumns {
		t.Run(c.name, func(t *testing.T) {
			for i, shape := range shapes {
				for _, desc := range []string{"asc", "desc"} {
					for _, nulls := range []string{"first", "last"} {
						in, id := "", "id"
						if i == 2 {
							in, id = "a.", "a.id"
						}
						sorts := fmt.Sprintf(`[{"column":"%s%s","direction":"%s","nulls":"%s"},"%ss","%s%s"]`, in, c.name, desc, nulls, in, []string{"", "-"}[r.IntN(2)], id)
						q := d.Bind(fmt.Sprintf(shape, c.name) + `,"sorts":` + sorts + `}`)
						want := d.Reference(q)
						for _, size := range []int{1, 2, 7, rows + 10} {
							require.Equal(t, want, d.Turn(q, size), "%s, pages of %d", sorts, size)
						}
						paged := q.Clone()
						paged.Page = lqp.Page{Limit: 3, Offset: r.IntN(rows)}
						got, s := d.Planned(paged)
						require.Equal(t, d.Reference(paged), got, "%s, offset %d\n%s", sorts, paged.Page.Offset, d.Show(s))
					}
				}
			}
			q := d.Bind(`{"source":{"table":"a"},"columns":["` + c.name + `"],"sorts":["-` + c.name + `"],"pagination":{"limit":9}}`)
			got, _ := d.Planned(q)
			require.Equal(t, d.Reference(q), got, "one sort key")
		})
	}
}

// TestPagesApartUseIndexes sees to it that no page reads more rows of the table than it shows, but for one, for those that
// tie with its last row and for those without a value.
func TestPagesApartUseIndexes(t *testing.T) {
	d := newDatabase(t, `CREATE TABLE big (id bigint PRIMARY KEY, kind int NOT NULL, tz timestamptz NOT NULL, tz3 timestamptz(3), day date, price numeric(12,2), free numeric,
		rate float8, late timestamp)`,
		`INSERT INTO big SELECT i, i % 4, '2024-01-01'::timestamptz + i * interval '400 microseconds', '2024-01-01'::timestamptz + i * interval '1 minute',
		'0100-01-01'::date + i, i / 100.0, i / 7.0, i / 3.0, nullif('2024-01-01'::timestamp + (i % 19990) * interval '1 minute', '2024-01-01') FROM generate_series(1, 20000) AS i`,
		`CREATE INDEX ON big (tz, id)`, `CREATE INDEX ON big (kind, tz3 DESC, id DESC)`, `CREATE INDEX ON big (tz3, id)`, `CREATE INDEX ON big (day, id)`,
		`CREATE INDEX ON big (price, id)`, `CREATE INDEX ON big (free, id)`, `CREATE INDEX ON big (rate, id)`, `CREATE INDEX ON big (late, id)`, `ANALYZE big`)
	const limit = 50
	for _, column := range []string{"tz", "tz3", "day", "price", "free", "rate", "late"} {
		for _, sorts := range []string{`["-` + column + `","-id"]`, `["` + column + `","id"]`, `["-` + column + `","id"]`} {
			for _, filter := range []string{"", `,"filters":"{kind} = 1"`} {
				q := d.Bind(`{"source":{"table":"big"},"columns":["id"]` + filter + `,"sorts":` + sorts + `,"pagination":{"limit":` + strconv.Itoa(limit) + `}}`)
				for _, deep := range []bool{false, true} {
					if deep {
						q = q.Clone()
						q.Page.After = []lqp.Value{d.ValueOf("big", column, 10_000), lqp.IntValue(10_000)}
					}
					s := d.Plan(q)
					x, err := d.Examine(t.Context(), s.Pushed)
					require.NoError(t, err)
					most := 4*limit*4 + 50 // four reads at most, a quarter of whose rows pass the filter
					require.LessOrEqual(t, x.Read, int64(most), "%s %s %t\n%s", sorts, filter, deep, d.Show(s))
				}
			}
		}
	}
	q := d.Bind(`{"source":{"table":"big"},"columns":["id"],"sorts":["-tz3","-id"],"pagination":{"limit":50}}`)
	q.Page.After = []lqp.Value{d.ValueOf("big", "tz3", 10_000), lqp.IntValue(10_000)}
	st, err := sqlgen.Compile(d.dialect.Load(), d.Plan(q).Pushed)
	require.NoError(t, err)
	require.Contains(t, st.SQL, "WITH r AS")
	q.OrderBy[0].Nulls = lqp.NullsFirst
	st, err = sqlgen.Compile(d.dialect.Load(), d.Plan(q).Pushed)
	require.NoError(t, err)
	text, err := d.explain(t.Context(), &st, "EXPLAIN (COSTS OFF) ")
	require.NoError(t, err)
	require.NotContains(t, string(text), "Sort", "behind the rows without a value there is nothing to put together: %s", st.SQL)
	require.Contains(t, string(text), "Index")
}
