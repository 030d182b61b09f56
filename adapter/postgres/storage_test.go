package postgres

import (
	"fmt"
	"testing"

	"github.com/livetables/livetables/adapter/internal/databasetest"
	"github.com/livetables/livetables/lqp"
	"github.com/stretchr/testify/require"
)

// odd holds the values in which PostgreSQL's types are wider or finer than ours, next to ordinary ones.
var odd = []string{
	`CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy')`,
	`CREATE DOMAIN price AS numeric(8,2)`,
	`CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`,
	`CREATE TABLE odd (
		id int PRIMARY KEY, small int2, big int8, exact numeric(8,2), wide numeric, long numeric(30,15), dom price,
		r4 float4, r8 float8, t text, v varchar(5), c char(5), ic text COLLATE ci, de text COLLATE "en-x-icu", bin text COLLATE "C",
		u uuid, m mood, b bool, d date, ts timestamp, ts3 timestamp(3), tz timestamptz, tags text[], nums int[], j json, jb jsonb,
		raw bytea, span interval, ip inet)`,
	`INSERT INTO odd (id) VALUES (1)`,
	`INSERT INTO odd VALUES (2, 0, 0, 'NaN', 'NaN', 'NaN', 'NaN', 'NaN', 'NaN', '', '', '', '', '', '',
		'00000000-0000-0000-0000-000000000000', 'sad', false, 'infinity', 'infinity', 'infinity', 'infinity', '{}', '{}', 'null', 'null', '', '1 day', '::1')`,
	`INSERT INTO odd VALUES (3, -1, -1, -0.01, 'Infinity', -1e-11, -0.01, '-Infinity', '-Infinity', 'a', 'a', 'a', 'a', 'a', 'a',
		'ffffffff-ffff-ffff-ffff-ffffffffffff', 'ok', true, '-infinity', '-infinity', '-infinity', '-infinity', '{a,NULL,"b,c"}', '{1,NULL}', '{"a": 1}', '[1, 2]', '\x00ff', '-1 day', '10.0.0.1')`,
	`INSERT INTO odd VALUES (4, 32767, 9223372036854775807, 999999.99, 1e20, 0.00000000005, 1.10, 0.1, 0.1, 'A', 'A', 'A', 'A', 'A', 'A',
		'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', 'happy', true, '2024-02-29', '2024-02-29 10:00:00.123456', '2024-02-29 10:00:00.123', '1969-12-31 23:59:59.999999Z', '{{a,b},{c,d}}', '{7}', '"x"', '"x"', 'abc', NULL, NULL)`,
	`INSERT INTO odd VALUES (5, -32768, -9223372036854775808, -999999.99, 99999999999999999999.99999999995, -0.00000000005, 2, -0.0, -0.0, 'a ', 'a ', 'a ', 'a ', 'a ', 'a ',
		NULL, NULL, NULL, '0001-01-01', '0001-01-01', '9999-12-31 23:59:59.999', '9999-12-31 23:59:59.999999Z', NULL, NULL, NULL, NULL, NULL, NULL, NULL)`,
	`INSERT INTO odd VALUES (6, 5, 5, 5, 5.00000000004999, 5.000000000050000, 5, 1e-40, 1e-320, 'é', 'é', 'é', 'É', 'é', 'é',
		NULL, 'ok', false, '9999-12-31', '10000-01-01', '0001-01-01', '0001-01-01 00:00:00 BC', '{é}', '{-1}', '[]', '{}', '\\', '1 mon', '::')`,
	`INSERT INTO odd VALUES (7, 5, 5, 5, -1e-15, 123456789012345.123456789012345, 5, 3.4e38, 1.7e308, E'tab\tnew\nquote"\\', 'z', 'z', 'Z', 'z', 'z',
		NULL, 'ok', false, '10000-01-01', '1969-12-31 23:59:59.9995', '1969-12-31 23:59:59.999', '2024-02-29 10:00:00.123999+05', '{"",x}', NULL, '1', '1', NULL, NULL, NULL)`,
	`INSERT INTO odd VALUES (8, 5, 5, 5, 5.5, 5.5, 5, 5.5, 5.5, '😀', '😀', '😀', '😀', '😀', '😀',
		NULL, 'ok', false, '0001-12-31 BC', '0001-12-31 BC', '2024-02-29 10:00:00.123', '2024-02-29 10:00:00.123Z', NULL, NULL, NULL, NULL, NULL, NULL, NULL)`,
}

func TestBoundaryValues(t *testing.T) {
	d := newDatabase(t, odd...)
	want := map[string][]string{
		"small": {`null`, `0`, `-1`, `32767`, `-32768`, `5`, `5`, `5`},
		"big":   {`null`, `0`, `-1`, `9223372036854775807`, `-9223372036854775808`, `5`, `5`, `5`},
		"exact": {`null`, `null`, `-0.01`, `999999.99`, `-999999.99`, `5`, `5`, `5`},
		"wide":  {`null`, `null`, `null`, `null`, `null`, `5`, `0`, `5.5`},
		"long":  {`null`, `null`, `0`, `0.0000000001`, `-0.0000000001`, `5.0000000001`, `123456789012345.123456789`, `5.5`},
		"r4":    {`null`, `null`, `null`, `0.10000000149011612`, `0`, `9.99994610111476e-41`, `3.3999999521443642e+38`, `5.5`},
		"r8":    {`null`, `null`, `null`, `0.1`, `0`, `1e-320`, `1.7e+308`, `5.5`},
		"c":     {`null`, `""`, `"a"`, `"A"`, `"a"`, `"é"`, `"z"`, `"😀"`},
		"t":     {`null`, `""`, `"a"`, `"A"`, `"a "`, `"é"`, `"tab\tnew\nquote\"\\"`, `"😀"`},
		"u": {`null`, `"00000000-0000-0000-0000-000000000000"`, `"ffffffff-ffff-ffff-ffff-ffffffffffff"`,
			`"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"`, `null`, `null`, `null`, `null`},
		"m":  {`null`, `"sad"`, `"ok"`, `"happy"`, `null`, `"ok"`, `"ok"`, `"ok"`},
		"d":  {`null`, `null`, `null`, `"2024-02-29"`, `"0001-01-01"`, `"9999-12-31"`, `null`, `null`},
		"ts": {`null`, `null`, `null`, `"2024-02-29T10:00:00.123Z"`, `"0001-01-01T00:00:00.000Z"`, `null`, `"1969-12-31T23:59:59.999Z"`, `null`},
		"tz": {`null`, `null`, `null`, `"1969-12-31T23:59:59.999Z"`, `"9999-12-31T23:59:59.999Z"`, `null`, `"2024-02-29T05:00:00.123Z"`,
			`"2024-02-29T10:00:00.123Z"`},
		"tags": {`null`, `[]`, `["a",null,"b,c"]`, `null`, `null`, `["é"]`, `["","x"]`, `null`},
		"nums": {`null`, `[]`, `[1,null]`, `[7]`, `null`, `[-1]`, `null`, `null`},
		"j":    {`null`, `null`, `{"a": 1}`, `"x"`, `null`, `[]`, `1`, `null`},
		"raw":  {`null`, `""`, `"AP8="`, `"YWJj"`, `null`, `"XA=="`, `null`, `null`},
		"span": {`null`, `"1 day"`, `"-1 days"`, `null`, `null`, `"1 mon"`, `null`, `null`},
		"ip":   {`null`, `"::1"`, `"10.0.0.1"`, `null`, `null`, `"::"`, `null`, `null`},
	}
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
}

// TestPushedEqualsMemory asks every comparison, sort, group and aggregate of every column of the odd table.
func TestPushedEqualsMemory(t *testing.T) {
	d := newDatabase(t, odd...)
	literals := map[lqp.Kind][]string{
		lqp.Number: {`0`, `5`, `-1`, `5.5`, `-0.01`, `0.0000000001`, `-0.0000000001`, `5.0000000001`, `99999999999999999999`, `-99999999999999999999`,
			`9223372036854775807`, `-9223372036854775808`, `9223372036854775807.5`, `TO_FLOAT(5.5)`},
		lqp.Float: {`TO_FLOAT(0)`, `TO_FLOAT("0.1")`, `5.5`, `TO_FLOAT("1e-320")`, `TO_FLOAT("-1.7e308")`, `TO_FLOAT("1.7e308")`},
		lqp.Text: {`""`, `"a"`, `"A"`, `"a "`, `"é"`, `"É"`, `"😀"`, `"ok"`, `"z"`, `"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"`,
			`"A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"`, `"ffffffff-ffff-ffff-ffff-ffffffffffff"`},
		lqp.Bool: {`TRUE`, `FALSE`},
		lqp.Date: {`TO_DATE("2024-02-29")`, `TO_DATE("0001-01-01")`, `TO_DATE("9999-12-31")`, `TO_DATETIME("2024-02-29T00:00:00Z")`},
		lqp.DateTime: {`TO_DATETIME("2024-02-29T10:00:00.123Z")`, `TO_DATETIME("2024-02-29T05:00:00.123Z")`, `TO_DATETIME("1969-12-31T23:59:59.999Z")`,
			`TO_DATETIME("0001-01-01T00:00:00.000Z")`, `TO_DATETIME("9999-12-31T23:59:59.999Z")`, `TO_DATE("2024-02-29")`},
	}
	pushed := 0
	same := func(text string) {
		t.Helper()
		q := d.Bind(text)
		got, split := d.Planned(q)
		require.Equal(t, d.Reference(q), got, "%s\n%s", text, d.Show(split))
		if split.Residual == nil {
			pushed++
		}
	}
	total := 0
	for _, col := range d.Found["odd"].Columns {
		name := col.ID
		for _, f := range []string{`IS_NULL({%s})`, `NOT(IS_NULL({%s}))`, `IS_BLANK({%s})`, `NOT(IS_BLANK({%s}))`} {
			total++
			same(fmt.Sprintf(`{"source":{"table":"odd"},"filters":"`+f+`","columns":["id"],"sorts":["id"]}`, name))
		}
		if !col.Type.Kind.Orderable() {
			continue
		}
		for _, lit := range literals[col.Type.Kind] {
			for _, op := range []string{"=", "<>", "<", "<=", ">", ">="} {
				for _, f := range []string{`{%s} %s %s`, `NOT({%s} %s %s)`, `({%s} %s %s) = TRUE`} {
					total++
					text := databasetest.Quote(fmt.Sprintf(f, name, op, lit))
					same(`{"source":{"table":"odd"},"filters":` + text + `,"columns":["id"],"sorts":["id"]}`)
				}
			}
			text := databasetest.Quote(fmt.Sprintf(`IN({%s}, %s, BLANK())`, name, lit))
			same(`{"source":{"table":"odd"},"filters":` + text + `,"columns":["id"],"sorts":["id"]}`)
		}
		same(fmt.Sprintf(`{"source":{"table":"odd"},"columns":["id"],"sorts":["%s","id"]}`, name))
		same(fmt.Sprintf(`{"source":{"table":"odd"},"columns":["id"],"sorts":[{"expr":"{%s}","direction":"desc"},"id"]}`, name))
		same(fmt.Sprintf(`{"source":{"table":"odd"},"columns":["k","n"],"group_by":[{"name":"k","expr":"{%s}"}],"aggregates":[{"name":"n","function":"countall"}],"sorts":["k"]}`, name))
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
}
