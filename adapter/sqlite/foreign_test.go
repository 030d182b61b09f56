package sqlite

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// foreignFile runs statements on a database file as another program would.
func foreignFile(t testing.TB, path string, statements ...string) {
	t.Helper()
	db, err := sqlite3.OpenFlags(path, sqlite3.OPEN_READWRITE|sqlite3.OPEN_CREATE)
	require.NoError(t, err)
	defer db.Close()
	for _, s := range append([]string{"PRAGMA user_version = 1"}, statements...) {
		require.NoError(t, db.Exec(s), s)
	}
}

func openForeign(t testing.TB, statements ...string) *Adapter {
	t.Helper()
	path := filepath.Join(t.TempDir(), "foreign.db")
	foreignFile(t, path, statements...)
	a, err := Open(t.Context(), adapter.Settings{Driver: "sqlite", File: path, ReadOnly: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.Close()) })
	return a.(*Adapter)
}

// ask binds a query against what the adapter discovers and runs it as planned, which must leave nothing over.
func ask(t testing.TB, a adapter.Adapter, q *lqp.Query) ([][]string, error) {
	t.Helper()
	pushed := planned(t, a, q)
	r, err := a.Scan(t.Context(), pushed)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var out [][]string
	for r.Next() {
		var line []string
		for i := range pushed.Select {
			line = append(line, string(r.AppendJSON(nil, i)))
		}
		out = append(out, line)
	}
	return out, r.Err()
}

func planned(t testing.TB, a adapter.Adapter, q *lqp.Query) *lqp.Query {
	t.Helper()
	cat, err := a.Tables(t.Context())
	require.NoError(t, err)
	bound, err := lqp.Bind(q, lqp.Env{Table: func(_, name string) (*lqp.Table, error) { return cat.Table(name), nil }})
	require.NoError(t, err)
	split := a.Plan(bound)
	require.NotNil(t, split.Pushed)
	require.Nil(t, split.Residual, "%+v", split.Notes)
	return split.Pushed
}

func TestDiscoversForeignTypes(t *testing.T) {
	a := openForeign(t, `CREATE TABLE kinds (
		rid INTEGER PRIMARY KEY, i INT, big BIGINT NOT NULL, d DECIMAL(10,2), n NUMERIC, r REAL, dp DOUBLE PRECISION, f FLOAT,
		b BOOLEAN, day DATE, at DATETIME, ts TIMESTAMP, s TEXT COLLATE NOCASE, vc VARCHAR(40), nv NVARCHAR(10), c CLOB, u UUID,
		j JSON, raw BLOB, bare, g INTEGER GENERATED ALWAYS AS (i + 1), dflt TEXT DEFAULT 'x')`,
		`INSERT INTO kinds (i, big, bare) VALUES (1, 2, 1.5), (2, 3, 4)`,
		`CREATE TABLE firm (i INTEGER, t TEXT, any ANY) STRICT`,
		`CREATE TABLE pair (b TEXT NOT NULL, a TEXT NOT NULL, u TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID`,
		`CREATE UNIQUE INDEX pair_u ON pair (u)`, `CREATE UNIQUE INDEX pair_part ON pair (u) WHERE u > 'a'`, `CREATE UNIQUE INDEX pair_expr ON pair (lower(u))`,
		`CREATE TABLE child (id INTEGER PRIMARY KEY, Pa TEXT, pb TEXT, k INTEGER REFERENCES KINDS, FOREIGN KEY (pa, pb) REFERENCES Pair (A, B))`,
		`CREATE VIEW seen AS SELECT i, d, upper(s) AS up, count(*) AS n FROM kinds`,
		`CREATE VIEW broken AS SELECT x FROM missing`,
		`ANALYZE`,
	)
	cat, err := a.Tables(t.Context())
	require.NoError(t, err)
	var names []string
	for _, table := range cat.Tables {
		names = append(names, table.Name)
	}
	require.Equal(t, []string{"child", "firm", "kinds", "pair", "seen"}, names)

	kinds := cat.Table("kinds")
	want := map[string]string{"rid": "number", "i": "number", "big": "number", "d": "number", "n": "number", "r": "float", "dp": "float", "f": "float",
		"b": "bool", "day": "date", "at": "datetime", "ts": "datetime", "s": "text", "vc": "text", "nv": "text", "c": "text", "u": "text", "j": "json",
		"raw": "bytes", "bare": "number", "g": "number", "dflt": "text"}
	for _, c := range kinds.Columns {
		require.Equal(t, want[c.ID], c.Type.String(), c.ID)
		delete(want, c.ID)
	}
	require.Empty(t, want)
	require.True(t, kinds.Column("rid").Type.NotNull)
	require.False(t, kinds.Column("big").Type.NotNull, "a text in the column reads as NULL")
	require.Equal(t, "NOCASE", kinds.Column("s").Collation)
	require.True(t, kinds.Column("g").ReadOnly)
	require.True(t, kinds.Column("dflt").HasDefault)
	require.Equal(t, []string{"rid"}, kinds.Key)
	require.Equal(t, int64(2), kinds.Rows)

	pair := cat.Table("pair")
	require.Equal(t, []string{"a", "b"}, pair.Key)
	require.Equal(t, [][]string{{"u"}}, pair.Uniques)
	require.Equal(t, []lqp.ForeignKey{
		{Columns: []string{"k"}, RefTable: "kinds", RefColumns: []string{"rid"}},
		{Columns: []string{"Pa", "pb"}, RefTable: "pair", RefColumns: []string{"a", "b"}},
	}, cat.Table("child").ForeignKeys)
	require.Equal(t, lqp.ViewTable, cat.Table("seen").Kind)
	require.Equal(t, "number", cat.Table("seen").Column("n").Type.String())
}

// TestLooseValuesReadAsNull fills columns with values of other storage classes than declared. They are NULL to every
// clause, in the result as in filters, sorts and groups.
func TestLooseValuesReadAsNull(t *testing.T) {
	a := openForeign(t, `CREATE TABLE loose (id INTEGER PRIMARY KEY, i INTEGER, d DECIMAL(8,2), r REAL, s TEXT, day DATE, at DATETIME, b BOOLEAN, j JSON)`,
		`INSERT INTO loose VALUES
			(1, 7, 1.5, 2.5, 'text', '2024-02-29', '2024-02-29 10:00:00', 1, '{"a":1}'),
			(2, 'seven', 'abc', 'x', x'616263', '2024-02-30', 'yesterday', 'true', '{'),
			(3, 7.5, x'00', x'00', 5, 20240229, 1709200800, 0, 5),
			(4, NULL, 3, 9e999, CAST(x'ff61' AS TEXT), '2024-02-29 00:00', '2024-02-29', 2, 'null'),
			(5, x'01', 1e300, -9e999, 'a' || char(0) || 'b', NULL, NULL, 0.5, NULL)`)
	read := func(q lqp.Query) [][]string {
		t.Helper()
		q.From = lqp.Source{Table: "loose"}
		if q.Select == nil && q.GroupBy == nil {
			q.Select = []lqp.Named{{Name: "id", Expr: lqp.Ref("", "id")}}
		}
		got, err := ask(t, a, &q)
		require.NoError(t, err)
		return got
	}
	var all []lqp.Named
	for _, c := range []string{"id", "i", "d", "r", "s", "day", "at", "b", "j"} {
		all = append(all, lqp.Named{Name: c, Expr: lqp.Ref("", c)})
	}
	require.Equal(t, [][]string{
		{"1", "7", "1.5", "2.5", `"text"`, `"2024-02-29"`, `"2024-02-29T10:00:00.000Z"`, "true", `{"a":1}`},
		{"2", "null", "null", "null", "null", "null", "null", "null", "null"},
		{"3", "null", "null", "null", `"5"`, "null", "null", "false", "null"},
		{"4", "null", "3", "null", "null", "null", `"2024-02-29T00:00:00.000Z"`, "true", "null"},
		{"5", "null", "null", "null", "null", "null", "null", "null", "null"},
	}, read(lqp.Query{Select: all, OrderBy: []lqp.Order{{Expr: lqp.Ref("", "id")}}}))

	order := []lqp.Order{{Expr: lqp.Ref("", "id")}}
	ref := func(c string) lqp.Expr { return lqp.Ref("", c) }
	for _, c := range []struct {
		where lqp.Expr
		want  []string
	}{
		{lqp.NewCall("gt", ref("i"), lqp.Literal(lqp.IntValue(0))), []string{"1"}},
		{lqp.NewCall("ne", ref("i"), lqp.Literal(lqp.IntValue(7))), []string{"2", "3", "4", "5"}},
		{lqp.NewCall("is_null", ref("i")), []string{"2", "3", "4", "5"}},
		{lqp.NewCall("ge", ref("r"), lqp.Literal(lqp.FloatValue(-1e300))), []string{"1"}},
		{lqp.NewCall("not", lqp.NewCall("lt", ref("r"), lqp.Literal(lqp.FloatValue(1)))), []string{"1", "2", "3", "4", "5"}},
		{lqp.NewCall("is_null", ref("r")), []string{"2", "3", "4", "5"}},
		{lqp.NewCall("ge", ref("s"), lqp.Literal(lqp.TextValue(""))), []string{"1", "3"}},
		{lqp.NewCall("is_null", ref("s")), []string{"2", "4", "5"}},
		{lqp.NewCall("ne", ref("s"), lqp.Literal(lqp.TextValue("abc"))), []string{"1", "2", "3", "4", "5"}},
		{lqp.NewCall("is_null", ref("day")), []string{"2", "3", "4", "5"}},
		{lqp.NewCall("is_null", ref("j")), []string{"2", "3", "5"}},
		{ref("b"), []string{"1", "4"}},
		{lqp.NewCall("not", ref("b")), []string{"2", "3", "5"}},
		{lqp.NewCall("gt", ref("d"), lqp.Literal(lqp.IntValue(2))), []string{"4"}},
	} {
		var got []string
		for _, r := range read(lqp.Query{Where: c.where, OrderBy: order}) {
			got = append(got, r[0])
		}
		require.Equal(t, c.want, got, lqp.FormatExpr(c.where))
	}
}

func TestForeignFileIsGuarded(t *testing.T) {
	dir := t.TempDir()
	path, other := filepath.Join(dir, "guarded.db"), filepath.Join(dir, "other.db")
	foreignFile(t, path, "CREATE TABLE n (id INTEGER PRIMARY KEY, s TEXT)", "INSERT INTO n VALUES (1, 'a')",
		"CREATE VIEW sneaky AS SELECT lt_upper('t->t-', s) AS up FROM n", "CREATE VIEW fine AS SELECT s FROM n")
	before, err := os.ReadFile(path)
	require.NoError(t, err)

	a, err := Open(t.Context(), adapter.Settings{Driver: "sqlite", File: path, ReadOnly: true})
	require.NoError(t, err)
	defer a.Close()
	require.False(t, a.Capabilities().Writes)
	cat, err := a.Tables(t.Context())
	require.NoError(t, err)
	table := cat.Table("n")
	require.ErrorIs(t, a.(adapter.Writer).Insert(t.Context(), table, []string{"id"}, [][]lqp.Value{{lqp.IntValue(2)}}), adapter.ErrDenied)

	require.NoError(t, a.(*Adapter).read(t.Context(), func(tx *tx) error {
		for _, sql := range []string{"ATTACH '" + other + "' AS o", "INSERT INTO n VALUES (2, 'b')", "PRAGMA writable_schema = ON", "CREATE TEMP TABLE x (y)",
			"SELECT load_extension('x')", "VACUUM INTO '" + other + "'"} {
			s, err := tx.c.prepare(sql)
			if err == nil {
				err = s.Exec()
				s.release()
			}
			if err == nil && sql[:6] != "PRAGMA" {
				t.Errorf("%s succeeds", sql)
			}
		}
		return nil
	}))
	require.NoFileExists(t, other)

	_, err = ask(t, a, &lqp.Query{From: lqp.Source{Table: "fine"}})
	require.NoError(t, err)
	require.Nil(t, cat.Table("sneaky"), "the file's own view may not call a function of ours")
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, before, after)
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	notes := filepath.Join(dir, "notes.txt")
	require.NoError(t, os.WriteFile(notes, []byte("this is no database, it is a text that is long enough to look at"), 0o600))
	real := filepath.Join(dir, "real.db")
	foreignFile(t, real, "CREATE TABLE n (v)")
	for name, c := range map[string]struct {
		s    adapter.Settings
		want error
	}{
		"missing":   {adapter.Settings{File: filepath.Join(dir, "none.db")}, adapter.ErrUnavailable},
		"directory": {adapter.Settings{File: dir}, adapter.ErrUnavailable},
		"no file":   {adapter.Settings{}, adapter.ErrOption},
		"nul":       {adapter.Settings{File: "a\x00b"}, adapter.ErrOption},
		"text":      {adapter.Settings{File: notes}, adapter.ErrUnavailable},
		"memory":    {adapter.Settings{File: ":memory:"}, adapter.ErrUnavailable},
		"uri":       {adapter.Settings{File: "file:" + real + "?mode=rwc"}, adapter.ErrUnavailable},
		"host":      {adapter.Settings{File: real, Host: "db"}, adapter.ErrOption},
		"password":  {adapter.Settings{File: real, Password: "p"}, adapter.ErrOption},
		"zone":      {adapter.Settings{File: real, TimeZone: "Europe/Berlin"}, adapter.ErrOption},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := Open(t.Context(), c.s)
			if a != nil {
				_ = a.Close()
			}
			require.ErrorIs(t, err, c.want)
		})
	}
	require.NoFileExists(t, filepath.Join(dir, "none.db"))
}

func TestMissingTable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gone.db")
	foreignFile(t, path, "CREATE TABLE n (v INTEGER)")
	a, err := Open(t.Context(), adapter.Settings{File: path, ReadOnly: true})
	require.NoError(t, err)
	defer a.Close()
	q := planned(t, a, &lqp.Query{From: lqp.Source{Table: "n"}})
	foreignFile(t, path, "DROP TABLE n")
	_, err = a.Scan(context.Background(), q)
	require.ErrorIs(t, err, adapter.ErrNoTable)
}
