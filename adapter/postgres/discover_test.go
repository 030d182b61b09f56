package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/livetables/livetables/adapter/internal/databasetest"
	"github.com/livetables/livetables/internal/testenv"
	"github.com/livetables/livetables/lqp"
	"github.com/stretchr/testify/require"
)

var catalogue = []string{
	`CREATE SCHEMA sales`,
	`CREATE TYPE feeling AS ENUM ('low', 'high')`,
	`CREATE DOMAIN email AS varchar(80) NOT NULL`,
	`CREATE DOMAIN work_email AS email`,
	`CREATE TABLE people (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name varchar(40) NOT NULL, mail work_email, mood feeling,
		price numeric(10,2) NOT NULL, born date NOT NULL, loud text GENERATED ALWAYS AS (upper(name)) STORED, made timestamptz DEFAULT now(),
		"odd ""name"".x" int, UNIQUE (mail))`,
	`COMMENT ON TABLE people IS 'who'`, `COMMENT ON COLUMN people.name IS 'what they are called'`,
	`CREATE UNIQUE INDEX ON people (lower(name))`, `CREATE UNIQUE INDEX ON people (name) WHERE id > 5`,
	`CREATE TABLE sales.orders (region text, no int, person int REFERENCES people, PRIMARY KEY (region, no))`,
	`CREATE TABLE sales.items (region text, no int, pos int, FOREIGN KEY (region, no) REFERENCES sales.orders (region, no))`,
	`CREATE TABLE nokey (a int NOT NULL, b int, UNIQUE (b), UNIQUE (a))`,
	`CREATE VIEW happy AS SELECT id, name FROM people`,
	`CREATE MATERIALIZED VIEW counted AS SELECT count(*) AS n FROM people`,
	`CREATE TABLE parted (id int, at date) PARTITION BY RANGE (at)`,
	`CREATE TABLE parted_2024 PARTITION OF parted FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')`,
	`INSERT INTO people (name, mail, price, born) SELECT 'n' || i, 'm' || i, 1, now() FROM generate_series(1, 100) AS i`,
	`ANALYZE people`,
}

func describe(t *lqp.Table) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s key=%v uniques=%v rows=%d %q\n", t.Kind, t.Name, strings.Join(t.Path, "/"), t.Key, t.Uniques, t.Rows, t.Comment)
	for _, c := range t.Columns {
		fmt.Fprintf(&b, "  %s: %s", c.ID, c.Type)
		if c.Type.Precision > 0 {
			fmt.Fprintf(&b, "(%d,%d)", c.Type.Precision, c.Type.Scale)
		}
		if c.Type.MaxLen > 0 {
			fmt.Fprintf(&b, "(%d)", c.Type.MaxLen)
		}
		if c.Type.NotNull {
			b.WriteString(" not null")
		}
		if c.Type.ASCII {
			b.WriteString(" ascii")
		}
		fmt.Fprintf(&b, " <%s>", c.Native)
		if c.Collation != "" {
			fmt.Fprintf(&b, " collate %s", c.Collation)
		}
		if c.ReadOnly {
			b.WriteString(" read-only")
		}
		if c.HasDefault {
			b.WriteString(" default")
		}
		if c.Comment != "" {
			fmt.Fprintf(&b, " %q", c.Comment)
		}
		b.WriteByte('\n')
	}
	for _, k := range t.ForeignKeys {
		fmt.Fprintf(&b, "  %s: %v -> %s %v\n", k.Name, k.Columns, k.RefTable, k.RefColumns)
	}
	return b.String()
}

func TestDiscovery(t *testing.T) {
	d := newDatabase(t, append(slices.Clone(catalogue), odd...)...)
	cat, err := d.Tables(t.Context())
	require.NoError(t, err)
	require.Equal(t, d.settings.Database, cat.Database)
	var b strings.Builder
	for _, tab := range cat.Tables {
		b.WriteString(describe(tab))
	}
	databasetest.Golden(t, "testdata/catalogue.golden", b.String())
	require.NotEmpty(t, d.Capabilities().Version)
	require.True(t, d.dialect.Load().facts.utf8)
}

func TestDiscoveryOfChosenSchemas(t *testing.T) {
	d := newDatabase(t, catalogue...)
	d.settings.Schemas = []string{"sales"}
	a, err := open(d.settings)
	require.NoError(t, err)
	defer func() { require.NoError(t, a.Close()) }()
	cat, err := a.Tables(t.Context())
	require.NoError(t, err)
	require.Len(t, cat.Tables, 2)
	require.Empty(t, cat.Table("sales.orders").ForeignKeys, "it refers to a table that is not shown")
	require.Len(t, cat.Table("sales.items").ForeignKeys, 1)
}

// TestDiscoveryShowsWhatMayBeRead hides tables and columns that the role has no right to.
func TestDiscoveryShowsWhatMayBeRead(t *testing.T) {
	url := testenv.Postgres(t)
	role := testenv.Name(t)
	d := openDatabase(t, url, `CREATE TABLE open (id int PRIMARY KEY)`, `CREATE TABLE half (id int PRIMARY KEY, secret int)`, `CREATE TABLE shut (id int)`,
		`CREATE ROLE `+role+` LOGIN PASSWORD 'pw'`, `GRANT SELECT ON open TO `+role, `GRANT SELECT (secret) ON half TO `+role)
	t.Cleanup(func() {
		_, err := d.admin.Exec(context.Background(), `DROP OWNED BY `+role+`; DROP ROLE `+role)
		require.NoError(t, err)
	})
	d.settings.User, d.settings.Password = role, "pw"
	a, err := open(d.settings)
	require.NoError(t, err)
	defer func() { require.NoError(t, a.Close()) }()
	cat, err := a.Tables(t.Context())
	require.NoError(t, err)
	require.Len(t, cat.Tables, 2)
	require.Nil(t, cat.Table("shut"))
	half := cat.Table("half")
	require.Len(t, half.Columns, 1)
	require.Empty(t, half.Key, "a key that cannot be read is none")
}

// TestAmbiguousNames has a table whose name reads like another schema's table.
func TestAmbiguousNames(t *testing.T) {
	d := newDatabase(t, `CREATE SCHEMA a`, `CREATE TABLE a.b (x int)`, `CREATE TABLE "a.b" (y int)`)
	require.Equal(t, "x", d.Found["a.b"].Columns[0].ID)
	require.Equal(t, "y", d.Found["public.a.b"].Columns[0].ID)
}

// TestHostileNames reads a table whose names try to leave their quotes.
func TestHostileNames(t *testing.T) {
	d := newDatabase(t, `CREATE SCHEMA "s""; DROP TABLE t; --"`, `CREATE TABLE "s""; DROP TABLE t; --"."$1""'\" ("a"" FROM pg_sleep(1) --" int, "é'$$" text)`,
		`INSERT INTO "s""; DROP TABLE t; --"."$1""'\" VALUES (1, '$1; --')`)
	tab := d.Found[`s"; DROP TABLE t; --.$1"'\`]
	require.NotNil(t, tab)
	rows, err := d.Scan(t.Context(), databasetest.WholeTable(&lqp.Source{Table: tab.Name, Alias: `"x`, Schema: tab}))
	require.Equal(t, [][]string{{`1`, `"$1; --"`}}, d.Read(rows, err, 2))
}

func TestEstimateAndNative(t *testing.T) {
	d := newDatabase(t, catalogue...)
	q := d.Bind(`{"source":{"table":"people"},"filters":"{id} <= 50"}`)
	s := d.Plan(q)
	n, err := d.Estimate(t.Context(), s.Pushed)
	require.NoError(t, err)
	require.InDelta(t, 50, n, 10)
	sql, err := d.Native(s.Pushed)
	require.NoError(t, err)
	require.Contains(t, sql, `WHERE t0."id" <= $1::int8`)
}

// TestZone reads timestamps without zone in the connection's zone, gaps and repeated hours included.
func TestZone(t *testing.T) {
	d := newDatabase(t, `CREATE TABLE t (id int PRIMARY KEY, at timestamp)`,
		`INSERT INTO t VALUES (1, '2024-07-01 12:00'), (2, '2024-03-31 02:30'), (3, '2024-10-27 02:30'), (4, 'infinity'), (5, '2024-01-01 00:00:00.0009')`)
	d.settings.TimeZone = "Europe/Berlin"
	a, err := open(d.settings)
	require.NoError(t, err)
	defer func() { require.NoError(t, a.Close()) }()
	q := d.Bind(`{"source":{"table":"t"},"columns":["at"],"sorts":["id"]}`)
	rows, err := a.Scan(t.Context(), a.Plan(q).Pushed)
	require.Equal(t, [][]string{{`"2024-07-01T10:00:00.000Z"`}, {`"2024-03-31T01:30:00.000Z"`}, {`"2024-10-27T00:30:00.000Z"`}, {`null`},
		{`"2023-12-31T23:00:00.000Z"`}}, d.Read(rows, err, 1))
	require.NotNil(t, a.Plan(d.Bind(`{"source":{"table":"t"},"filters":"{at} > TO_DATETIME(\"2024-01-01T00:00:00Z\")"}`)).Residual, "not compared at the source")
}
