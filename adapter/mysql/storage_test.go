package mysql

import (
	"fmt"
	"testing"

	"github.com/livetables/livetables/adapter/internal/databasetest"
	"github.com/livetables/livetables/lqp"
	"github.com/stretchr/testify/require"
)

// odd holds the values in which the servers' types are wider, finer or laxer than ours, next to ordinary ones.
var odd = []string{
	`CREATE TABLE odd (
		id int PRIMARY KEY, tiny tinyint NULL, utiny tinyint unsigned, medium mediumint unsigned, big bigint, ubig bigint unsigned, fill int(8) zerofill,
		ok bool, flag bit(1), bits bit(12), wide64 bit(64), yr year, exact decimal(8,2), wide decimal(40,15), long_ decimal(65,30), pure decimal(30,10),
		r4 float, r8 double, t text, v varchar(20), c char(5), lat varchar(20) CHARACTER SET latin1, asc_ varchar(20) CHARACTER SET ascii,
		old varchar(20) CHARACTER SET utf8mb3, de varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_german2_ci,
		bin varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, ucs varchar(20) CHARACTER SET utf32, medtext mediumtext,
		mood enum('sad','ok','happy','') CHARACTER SET utf8mb4, tags set('x','y','z') CHARACTER SET utf8mb4,
		d date, dt datetime, dt3 datetime(3), dt6 datetime(6), ts timestamp NULL, ts6 timestamp(6) NULL,
		tm time, j json, raw varbinary(10), fixed binary(3), bl blob,
		KEY (v), KEY (c), KEY (lat), KEY (mood), KEY (d), KEY (dt), KEY (dt6), KEY (ts), KEY (exact), KEY (ubig), KEY (flag), KEY (ok), KEY (bits), KEY (yr), KEY (wide)
	) CHARACTER SET utf8mb4`,
	`INSERT INTO odd (id) VALUES (1)`,
	`INSERT INTO odd VALUES (2, 0, 0, 0, 0, 0, 0, 0, b'0', 0, 0, 0, 0, 0, 0, 0, -0e0, -0e0, '', '', '', '', '', '', '', '', '', '', 'sad', '',
		'0000-00-00', '0000-00-00', '0000-00-00', '0000-00-00', '0000-00-00', '0000-00-00', '00:00:00', 'null', '', '', '')`,
	`INSERT INTO odd VALUES (3, -1, 255, 16777215, -1, 18446744073709551615, 42, 1, b'1', 4095, 18446744073709551615, 2024, -0.01, -99999999999999999999.99999999995, 1e-11, -0.0000000001,
		0.1, 0.1, 'a', 'a', 'a', 'a', 'a', 'a', 'a', 'a', 'a', 'a', 'ok', 'x,z', '2024-00-15', '2024-00-15', '2024-02-00', '2024-02-00 10:00:00.5', '1970-01-02', '1970-01-02', '-838:59:59', '{"b": [1, 2]}', X'00ff', 'a', 'a')`,
	`INSERT INTO odd VALUES (4, 127, 7, 7, 9223372036854775807, 9223372036854775807, 7, 2, b'1', 7, 7, 1901, 999999.99, 99999999999999999999.99999999995, 0.00000000005, 99999999999999999999.9999999999,
		3.4e38, 1.7e308, 'A', 'A', 'A', 'A', 'A', 'A', 'A', 'A', 'A', 'A', 'happy', 'y', '2024-02-29', '2024-02-29 10:00:00', '2024-02-29 10:00:00.123', '2024-02-29 10:00:00.123456', '2024-02-29 10:00:00', '2024-02-29 10:00:00.123999', '838:59:59', '"x"', 'abc', 'abc', 'abc')`,
	`INSERT INTO odd VALUES (5, -128, 5, 5, -9223372036854775808, 9223372036854775808, 5, -1, b'0', 5, 5, 2155, -999999.99, 5.00000000004999, -0.00000000005, -99999999999999999999.9999999999,
		-0.1, -0.1, 'a ', 'a ', 'a ', 'a ', 'a ', 'a ', 'a ', 'a ', 'a ', 'a ', '', 'x,y,z', '0001-01-01', '0001-01-01', '0001-01-01', '0001-01-01', '2038-01-19 03:14:07', '2038-01-19 03:14:07.999999', NULL, NULL, NULL, NULL, NULL)`,
	`INSERT INTO odd VALUES (6, 5, 5, 5, 5, 5, 5, 1, b'1', 5, 5, 2000, 5, 5.000000000050000, 5, 5, 1e-40, 5e-324, 'é', 'é', 'é', 'é', 'e', 'é', 'ä', 'é', 'é', 'é', 'ok', 'x',
		'9999-12-31', '9999-12-31 23:59:59', '9999-12-31 23:59:59.999', '9999-12-31 23:59:59.999999', '2024-02-29 10:00:00', '2024-02-29 10:00:00.123', '12:30:00', '[]', X'5c', 'z', 'z')`,
	`INSERT INTO odd VALUES (7, 5, 5, 5, 5, 5, 5, 1, b'1', 5, 5, 2000, 5, 12345678901234567890123.5, 123456789012345.123456789012345, 5, 5.5, 5.5, 'x\0y', 'x\0y', 'x\0y', 'x\0y', 'x\0y', 'x\0y', 'ae', '\0', 'a\0', '\0', 'ok', 'x',
		'2024-02-30', '2024-02-30 10:00:00', '2024-02-30', '2024-02-30', '1999-12-31 23:59:59', '1999-12-31 23:59:59.9995', '00:00:01', '1', NULL, NULL, NULL)`,
	`INSERT INTO odd VALUES (8, 24, 5, 5, 5, 5, 5, 1, b'1', 24, 24, 2024, 5.5, 5.5, -5.5, 5.5, 5.5, 5.5, '😀', '😀', '😀', 'ÿ', '~', '中', 'Ä', '😀', '😀', '😀', 'ok', 'x',
		'0000-01-01', '0000-01-01', '1969-12-31 23:59:59.999', '1969-12-31 23:59:59.9995', '2024-02-29 10:00:01', '2024-02-29 10:00:00.124', '00:00:01', 'true', NULL, NULL, NULL)`,
	`INSERT INTO odd VALUES (9, 24, 5, 5, 5, 5, 5, 1, b'1', 24, 24, 1970, 5.5, 1e-15, 0.000000000000000000000000000001, 5.5, 5.5, 5.5, 'tab\tnew\nquote"\\', 'z', 'z', 'z', 'z', 'z', 'z', 'z', 'z', 'z', 'ok', 'x',
		'2023-12-31', '2024-01-01', '2024-02-29 00:00:00', '2024-02-29 10:00:00.123000', '2024-01-01', '2024-01-01', '00:00:01', '{}', NULL, NULL, NULL)`,
}

func TestBoundaryValues(t *testing.T) {
	want := map[string][]string{
		"tiny":   {`null`, `0`, `-1`, `127`, `-128`, `5`, `5`, `24`, `24`},
		"utiny":  {`null`, `0`, `255`, `7`, `5`, `5`, `5`, `5`, `5`},
		"medium": {`null`, `0`, `16777215`, `7`, `5`, `5`, `5`, `5`, `5`},
		"ubig":   {`null`, `0`, `18446744073709551615`, `9223372036854775807`, `9223372036854775808`, `5`, `5`, `5`, `5`},
		"fill":   {`null`, `0`, `42`, `7`, `5`, `5`, `5`, `5`, `5`},
		"ok":     {`null`, `false`, `true`, `true`, `true`, `true`, `true`, `true`, `true`},
		"flag":   {`null`, `false`, `true`, `true`, `false`, `true`, `true`, `true`, `true`},
		"bits":   {`null`, `0`, `4095`, `7`, `5`, `5`, `5`, `24`, `24`},
		"wide64": {`null`, `0`, `18446744073709551615`, `7`, `5`, `5`, `5`, `24`, `24`},
		"yr":     {`null`, `0`, `2024`, `1901`, `2155`, `2000`, `2000`, `2024`, `1970`},
		"exact":  {`null`, `0`, `-0.01`, `999999.99`, `-999999.99`, `5`, `5`, `5.5`, `5.5`},
		"wide":   {`null`, `0`, `null`, `null`, `5`, `5.0000000001`, `null`, `5.5`, `0`},
		"long_":  {`null`, `0`, `0`, `0.0000000001`, `-0.0000000001`, `5`, `123456789012345.123456789`, `-5.5`, `0`},
		"pure": {`null`, `0`, `-0.0000000001`, `99999999999999999999.9999999999`, `-99999999999999999999.9999999999`, `5`, `5`, `5.5`,
			`5.5`},
		"r4":   {`null`, `0`, `0.10000000149011612`, `3.3999999521443642e+38`, `-0.10000000149011612`, `9.99994610111476e-41`, `5.5`, `5.5`, `5.5`},
		"r8":   {`null`, `0`, `0.1`, `1.7e+308`, `-0.1`, `5e-324`, `5.5`, `5.5`, `5.5`},
		"t":    {`null`, `""`, `"a"`, `"A"`, `"a "`, `"é"`, `null`, `"😀"`, `"tab\tnew\nquote\"\\"`},
		"c":    {`null`, `""`, `"a"`, `"A"`, `"a"`, `"é"`, `null`, `"😀"`, `"z"`},
		"lat":  {`null`, `""`, `"a"`, `"A"`, `"a "`, `"é"`, `null`, `"ÿ"`, `"z"`},
		"ucs":  {`null`, `""`, `"a"`, `"A"`, `"a "`, `"é"`, `null`, `"😀"`, `"z"`},
		"mood": {`null`, `"sad"`, `"ok"`, `"happy"`, `""`, `"ok"`, `"ok"`, `"ok"`, `"ok"`},
		"tags": {`null`, `""`, `"x,z"`, `"y"`, `"x,y,z"`, `"x"`, `"x"`, `"x"`, `"x"`},
		"d":    {`null`, `null`, `null`, `"2024-02-29"`, `"0001-01-01"`, `"9999-12-31"`, `null`, `null`, `"2023-12-31"`},
		"dt": {`null`, `null`, `null`, `"2024-02-29T10:00:00.000Z"`, `"0001-01-01T00:00:00.000Z"`, `"9999-12-31T23:59:59.000Z"`, `null`, `null`,
			`"2024-01-01T00:00:00.000Z"`},
		"dt6": {`null`, `null`, `null`, `"2024-02-29T10:00:00.123Z"`, `"0001-01-01T00:00:00.000Z"`, `"9999-12-31T23:59:59.999Z"`, `null`,
			`"1969-12-31T23:59:59.999Z"`, `"2024-02-29T10:00:00.123Z"`},
		"ts6": {`null`, `null`, `"1970-01-02T00:00:00.000Z"`, `"2024-02-29T10:00:00.123Z"`, `"2038-01-19T03:14:07.999Z"`, `"2024-02-29T10:00:00.123Z"`,
			`"1999-12-31T23:59:59.999Z"`, `"2024-02-29T10:00:00.124Z"`, `"2024-01-01T00:00:00.000Z"`},
		"tm":    {`null`, `"00:00:00"`, `"-838:59:59"`, `"838:59:59"`, `null`, `"12:30:00"`, `"00:00:01"`, `"00:00:01"`, `"00:00:01"`},
		"j":     {`null`, `null`, `{"b": [1, 2]}`, `"x"`, `null`, `[]`, `1`, `true`, `{}`},
		"raw":   {`null`, `""`, `"AP8="`, `"YWJj"`, `null`, `"XA=="`, `null`, `null`, `null`},
		"fixed": {`null`, `"AAAA"`, `"YQAA"`, `"YWJj"`, `null`, `"egAA"`, `null`, `null`, `null`},
	}
	onServers(t, odd, func(t *testing.T, d *database) {
		for name, cells := range want {
			q := d.Bind(fmt.Sprintf(`{"source":{"table":"odd"},"columns":["%s"],"sorts":["id"]}`, name))
			rows, split := d.Planned(q)
			require.Nil(t, split.Residual, name)
			var got []string
			for _, r := range rows {
				got = append(got, r[0])
			}
			require.Equal(t, cells, got, name)
		}
	})
}

// TestPushedEqualsMemory asks every comparison, sort, group and aggregate of every column of the odd table.
func TestPushedEqualsMemory(t *testing.T) {
	literals := map[lqp.Kind][]string{
		lqp.Number: {`0`, `5`, `24`, `2024`, `-1`, `5.5`, `-0.01`, `0.005`, `0.0000000001`, `-0.0000000001`, `5.0000000001`, `99999999999999999999`, `-99999999999999999999`,
			`9223372036854775807`, `-9223372036854775808`, `9223372036854775807.5`, `18446744073709551615`, `18446744073709551616`, `9223372036854775808`, `TO_FLOAT(5.5)`},
		lqp.Float: {`TO_FLOAT(0)`, `TO_FLOAT("0.1")`, `5.5`, `0.1`, `TO_FLOAT("1e-320")`, `TO_FLOAT("-1.7e308")`, `TO_FLOAT("1.7e308")`},
		lqp.Text:  {`""`, `"a"`, `"A"`, `"a "`, `"e"`, `"é"`, `"É"`, `"ä"`, `"ae"`, `"😀"`, `"ok"`, `"OK"`, `"x,z"`, `"z"`, `"x"`},
		lqp.Bool:  {`TRUE`, `FALSE`},
		lqp.Date:  {`TO_DATE("2024-02-29")`, `TO_DATE("2024-01-01")`, `TO_DATE("2024-03-01")`, `TO_DATE("0001-01-01")`, `TO_DATE("9999-12-31")`, `TO_DATETIME("2024-02-29T00:00:00Z")`},
		lqp.DateTime: {`TO_DATETIME("2024-02-29T10:00:00.123Z")`, `TO_DATETIME("2024-02-29T10:00:00Z")`, `TO_DATETIME("1969-12-31T23:59:59.999Z")`, `TO_DATETIME("1970-01-02T00:00:00Z")`,
			`TO_DATETIME("2038-01-19T03:14:07.999Z")`, `TO_DATETIME("0001-01-01T00:00:00.000Z")`, `TO_DATETIME("9999-12-31T23:59:59.999Z")`, `TO_DATE("2024-02-29")`, `TO_DATE("2024-01-01")`},
	}
	onServers(t, odd, func(t *testing.T, d *database) {
		pushed, total := 0, 0
		same := func(text string) {
			t.Helper()
			total++
			q := d.Bind(text)
			got, split := d.Planned(q)
			require.Equal(t, d.Reference(q), got, "%s\n%s", text, d.Show(split))
			if split.Residual == nil {
				pushed++
			}
		}
		for _, col := range d.Found["odd"].Columns {
			name := col.ID
			for _, f := range []string{`IS_NULL({%s})`, `NOT(IS_NULL({%s}))`, `IS_BLANK({%s})`, `NOT(IS_BLANK({%s}))`} {
				same(fmt.Sprintf(`{"source":{"table":"odd"},"filters":"`+f+`","columns":["id"],"sorts":["id"]}`, name))
			}
			if !col.Type.Kind.Orderable() {
				continue
			}
			for _, lit := range literals[col.Type.Kind] {
				for _, op := range []string{"=", "<>", "<", "<=", ">", ">="} {
					for _, f := range []string{`{%s} %s %s`, `NOT({%s} %s %s)`, `({%s} %s %s) = TRUE`} {
						text := databasetest.Quote(fmt.Sprintf(f, name, op, lit))
						same(`{"source":{"table":"odd"},"filters":` + text + `,"columns":["id"],"sorts":["id"]}`)
					}
				}
				text := databasetest.Quote(fmt.Sprintf(`IN({%s}, %s, BLANK())`, name, lit))
				same(`{"source":{"table":"odd"},"filters":` + text + `,"columns":["id"],"sorts":["id"]}`)
			}
			same(fmt.Sprintf(`{"source":{"table":"odd"},"columns":["id"],"sorts":["%s","id"]}`, name))
			same(fmt.Sprintf(`{"source":{"table":"odd"},"columns":["id"],"sorts":[{"expr":"{%s}","direction":"desc"},"id"]}`, name))
			same(fmt.Sprintf(`{"source":{"table":"odd"},"columns":["id"],"sorts":[{"expr":"{%s}","direction":"desc","nulls":"first"},"id"]}`, name))
			same(fmt.Sprintf(`{"source":{"table":"odd"},"columns":["k","n"],"group_by":[{"name":"k","expr":"{%s}"}],"aggregates":[{"name":"n","function":"countall"}],"sorts":["k"]}`, name))
			same(fmt.Sprintf(`{"source":{"table":"odd","alias":"a"},"joins":[{"kind":"left","source":{"table":"odd","alias":"b"},"on":"{a.%s} = {b.%s}"}],"columns":["a.id","b.id"],"sorts":["a.id","b.id"]}`, name, name))
			for _, f := range []string{"min", "max", "counta", "count_unique"} {
				same(fmt.Sprintf(`{"source":{"table":"odd"},"columns":["x"],"aggregates":[{"name":"x","function":"%s","expr":"{%s}"}]}`, f, name))
			}
			if col.Type.Kind == lqp.Number {
				for _, f := range []string{"sum", "average", "count"} {
					same(fmt.Sprintf(`{"source":{"table":"odd"},"columns":["x"],"aggregates":[{"name":"x","function":"%s","expr":"{%s}"}]}`, f, name))
				}
			}
		}
		t.Logf("%d queries, %d wholly pushed", total, pushed)
		require.Greater(t, pushed, total*9/10)
	})
}
