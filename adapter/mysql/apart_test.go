package mysql

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/livetables/livetables/lqp"
	"github.com/stretchr/testify/require"
)

// apartColumns are the columns of all types some of whose values count as NULL, with what is put into them: values that
// agree when they are cut to ours, and values that are none of ours. BIN stands for the binary collation.
var apartColumns = []struct {
	name, native string
	values       []string
}{
	{"d", "date", []string{"2024-01-01", "2024-01-02", "2024-02-29", "2024-03-01", "0001-01-01", "9999-12-31", "0000-00-00", "2024-00-00", "2024-02-00", "2024-02-30", "0000-05-05"}},
	{"t", "datetime", []string{"2024-01-01 00:00:00", "2024-01-01 00:00:01", "2024-02-29 23:59:59", "0001-01-01 00:00:00", "9999-12-31 23:59:59", "0000-00-00 00:00:00", "2024-02-30 10:00:00", "2024-02-00 10:00:00"}},
	{"t6", "datetime(6)", []string{"2024-01-01 00:00:00.001001", "2024-01-01 00:00:00.001999", "2024-01-01 00:00:00.001000", "2024-01-01 00:00:00.002000", "1969-12-31 23:59:59.999999",
		"1969-12-31 23:59:59.999001", "9999-12-31 23:59:59.999999", "0000-00-00 00:00:00", "2024-02-30 10:00:00.000001"}},
	{"s", "timestamp", []string{"1970-01-01 00:00:01", "1970-01-02 00:00:00", "2024-01-01 00:00:00", "2024-01-01 00:00:01", "2037-12-31 00:00:00", "0000-00-00 00:00:00"}},
	{"s6", "timestamp(6)", []string{"1970-01-01 00:00:01.000001", "2024-01-01 00:00:00.001001", "2024-01-01 00:00:00.001999", "2024-01-01 00:00:00.002", "0000-00-00 00:00:00"}},
	{"x", "varchar(40) CHARACTER SET utf8mb4 COLLATE BIN", []string{"", " ", "a", "a ", "A", "é", "a\x00", "\x00", "😀", "ab", "Z"}},
}

// TestPagesApart turns the pages of every sort and compares them with those of memory.
func TestPagesApart(t *testing.T) {
	const rows = 60
	for i, s := range servers {
		r := rand.New(rand.NewPCG(7, 11))
		create := `CREATE TABLE a (id bigint PRIMARY KEY, o bigint, s text, tag bool NOT NULL`
		for _, c := range apartColumns {
			create += fmt.Sprintf(", %s_ %s NULL, KEY (%s_, id)", c.name, strings.ReplaceAll(c.native, "BIN", s.binary), c.name)
		}
		insert := "INSERT INTO a VALUES "
		for i := range rows {
			if i > 0 {
				insert += ", "
			}
			// The ids run against the order of the values, so that ties are not in it by chance.
			insert += fmt.Sprintf("(%d, %d, '%c', %t", -i, r.IntN(3), "aBc"[r.IntN(3)], r.IntN(4) > 0)
			for _, c := range apartColumns {
				if n := r.IntN(len(c.values) + 2); n < len(c.values) {
					insert += ", '" + strings.ReplaceAll(c.values[n], "\x00", `\0`) + "'"
				} else {
					insert += ", NULL"
				}
			}
			insert += ")"
		}
		onServer(t, i, []string{create + ")", insert, `CREATE TABLE b (id bigint PRIMARY KEY, label text NOT NULL)`,
			`INSERT INTO b SELECT -i, CONCAT('b', i) FROM ` + series + ` WHERE i < 70`}, func(t *testing.T, d *database) {
			for _, c := range apartColumns {
				pagesApart(t, d, r, c.name+"_", rows)
			}
		})
	}
}

func pagesApart(t *testing.T, d *database, r *rand.Rand, column string, rows int) {
	shapes := []string{
		`{"source":{"table":"a"},"columns":["id","s","%[1]s"]`,
		`{"source":{"table":"a"},"filters":"AND({tag}, {o} <> 1)","columns":["id","%[1]s","o"]`,
		`{"source":{"table":"a"},"filters":"NOT(IS_BLANK({%[1]s}))","columns":["id","%[1]s","o"]`,
		`{"source":{"table":"a","alias":"a"},"joins":[{"kind":"left","source":{"table":"b","alias":"b"},"on":"{a.id} = {b.id}"}],"columns":["a.id","b.label","a.%[1]s"]`,
	}
	for i, shape := range shapes {
		for _, desc := range []string{"asc", "desc"} {
			for _, nulls := range []string{"first", "last"} {
				in, id := "", "id"
				if i == 3 {
					in, id = "a.", "a.id"
				}
				sorts := fmt.Sprintf(`[{"column":"%s%s","direction":"%s","nulls":"%s"},"%ss","%s%s"]`, in, column, desc, nulls, in, []string{"", "-"}[r.IntN(2)], id)
				q := d.Bind(fmt.Sprintf(shape, column) + `,"sorts":` + sorts + `}`)
				want := d.Reference(q)
				for _, size := range []int{1, 3, 7, rows + 10} {
					require.Equal(t, want, d.Turn(q, size), "%s, pages of %d", sorts, size)
				}
				paged := q.Clone()
				paged.Page = lqp.Page{Limit: 3, Offset: r.IntN(rows)}
				got, s := d.Planned(paged)
				require.Equal(t, d.Reference(paged), got, "%s, offset %d\n%s", sorts, paged.Page.Offset, d.Show(s))
			}
		}
	}
}

// TestPagesApartReadLittle sees to it that no page reads many more rows than it shows, except those without a value.
func TestPagesApartReadLittle(t *testing.T) {
	for i, s := range servers {
		onServer(t, i, []string{`CREATE TABLE big (id bigint PRIMARY KEY, kind int NOT NULL, day date, at datetime, at6 datetime(6) NOT NULL, stamp timestamp NULL, late timestamp NULL, name varchar(60) CHARACTER SET utf8mb4 COLLATE ` + s.binary + `,
			filler varchar(200), KEY (day, id), KEY (kind, at, id), KEY (at, id), KEY (at6, id), KEY (stamp, id), KEY (late, id), KEY (name, id))`,
			`INSERT INTO big SELECT 1 + i + 10000 * h.d, i % 4, '2000-01-01' + INTERVAL (i + 10000 * h.d) DAY, '2024-01-01' + INTERVAL (i + 10000 * h.d) MINUTE, '2024-01-01' + INTERVAL (400 * (i + 10000 * h.d)) MICROSECOND,
				'2024-01-01' + INTERVAL (i + 10000 * h.d) MINUTE, IF(i = 7, NULL, '2024-01-01' + INTERVAL (i + 10000 * h.d) SECOND), CONCAT('n', LPAD(i + 10000 * h.d, 6, '0')), REPEAT('x', 150) FROM ` + series + `, (SELECT 0 AS d UNION SELECT 1) AS h`,
			`ANALYZE TABLE big`}, func(t *testing.T, d *database) {
			for _, column := range []string{"day", "at", "at6", "stamp", "late", "name"} {
				for _, sorts := range []string{`["-` + column + `","-id"]`, `["` + column + `","id"]`, `["-` + column + `","id"]`} {
					for _, filter := range []string{"", `,"filters":"NOT(IS_BLANK({` + column + `}))"`} {
						readsLittle(t, d, column, sorts, filter)
					}
				}
			}
		})
	}
}

func readsLittle(t *testing.T, d *database, column, sorts, filter string) {
	const limit = 50
	q := d.Bind(`{"source":{"table":"big"},"columns":["id","filler"]` + filter + `,"sorts":` + sorts + `,"pagination":{"limit":` + strconv.Itoa(limit) + `}}`)
	for _, deep := range []bool{false, true} {
		scattered := column != "stamp" && column != "late"
		if !deep && filter == "" && !strings.HasPrefix(sorts, `["-`) && scattered {
			continue // rows without a value come first and may lie anywhere
		}
		if deep {
			q = q.Clone()
			q.Page.After = []lqp.Value{d.ValueOf("big", column, 10_000), lqp.IntValue(10_000)}
		}
		s := d.Plan(q)
		require.Nil(t, s.Residual)
		x, err := d.Examine(t.Context(), s.Pushed)
		require.NoError(t, err)
		require.EqualValues(t, limit, x.Returned)
		most := 16*limit + 100 // what MariaDB reads once for every mention of r, and the rows of its temporary tables
		require.LessOrEqual(t, x.Read, int64(most), "%s %s %t\n%s", sorts, filter, deep, d.Show(s))
	}
}
