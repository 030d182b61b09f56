package sqlite

import (
	"encoding/json"
	"math"
	"testing"
	"unicode/utf8"

	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter/internal/decodetest"
	"github.com/livetables/livetables/lqp"
)

// FuzzDecode reads cells of every storage class, which a file of others may have in any column, as columns of every form and
// of any declared type. What is no value is NULL, both ways of reading agree and give valid JSON, and no cell takes memory
// out of proportion.
func FuzzDecode(f *testing.F) {
	for _, text := range []string{"", "0", "-12.50", "1e5", "2024-02-29", "2024-02-30", "2024-02-29 10:00:00.000", "2024-02-29T10:00:00.000Z",
		`["a",null]`, `[1,2.5]`, `{"a":[]}`, "[[[[", "\xff", "a\x00b", "999999999999999999999999999999"} {
		f.Add("TEXT", int64(7), 1.5, []byte(text))
	}
	for _, decl := range []string{"DECINT(18,15)", "DECINT(1,2000000000)", "DECINT(-1,-5)", "DECINT(99,99)", "DECTEXT(30,10)", "LISTTEXT_NUMBER", "LISTTEXT_LIST",
		"VARCHAR(99999999999999999999)", "DECIMAL(10,2)", "BOOLINT", "INTEGER STRICT", "(((", ""} {
		f.Add(decl, int64(math.MinInt64), math.Inf(1), []byte("12345678901234567"))
	}
	db, err := sqlite3.Open(":memory:")
	require.NoError(f, err)
	f.Cleanup(func() { _ = db.Close() })
	stmt, _, err := db.Prepare("SELECT ?1, ?2, ?3, ?4, NULL")
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, decl string, n int64, x float64, b []byte) {
		storages := []storage{parseStorage(decl, true)}
		for i := range formKinds {
			storages = append(storages, storage{form: form(i), elem: lqp.Number, scale: int(uint64(n) % 11)}, storage{form: form(i), elem: lqp.Text})
		}
		require.NoError(t, stmt.Reset())
		require.NoError(t, stmt.BindInt64(1, n))
		require.NoError(t, stmt.BindFloat(2, x))
		require.NoError(t, stmt.BindText(3, string(b)))
		require.NoError(t, stmt.BindBlob(4, b))
		require.True(t, stmt.Step(), "%v", stmt.Err())
		took := decodetest.Allocated(func() {
			for i := range 5 {
				for _, st := range storages {
					_ = cell(stmt.ColumnValue(i), st, false)
					_ = appendCell(nil, stmt.ColumnValue(i), st)
				}
			}
		})
		require.Less(t, took, decodetest.Decoding(5*len(storages)*len(b)), "%q", decl)
		for i := range 5 {
			for _, st := range storages {
				v := cell(stmt.ColumnValue(i), st, false)
				got := appendCell([]byte("x"), stmt.ColumnValue(i), st)
				require.Equal(t, "x"+string(v.AppendJSON(nil)), string(got), "%+v class %d", st, i)
				require.True(t, json.Valid(got[1:]) && utf8.Valid(got), "%q", got)
				if want := formKinds[st.form]; want != lqp.Null && !v.IsNull() {
					require.Equal(t, want, v.Kind(), "%+v", st)
				}
			}
		}
	})
}

// FuzzDeclaredType reads what a file says of its columns. Facets are promises, and a file of others keeps none of its own.
func FuzzDeclaredType(f *testing.F) {
	for _, decl := range []string{"DECINT(18,2)", "DECINT(18,11)", "DECINT(1,2000000000)", "DECINT(-1,-5)", "decint( 9 , 2 )", "DECTEXT(30,10)", "VARCHAR(-5)",
		"VARCHAR(40)", "INTEGER", "LISTTEXT_TEXT", "LISTTEXT_NULL", "DOUBLE PRECISION", "numeric(5"} {
		f.Add(decl)
	}
	f.Fuzz(func(t *testing.T, decl string) {
		st, typ := parseDeclared(decl)
		require.True(t, st.scale >= 0 && st.scale <= lqp.DecimalDigits, "%q: scale %d", decl, st.scale)
		require.True(t, typ.Precision >= 0 && typ.Scale >= 0 && typ.MaxLen >= 0, "%q: %+v", decl, typ)
		require.NotEqual(t, lqp.Null, typ.Kind, decl)
		require.True(t, typ.Kind != lqp.List || typ.Elem <= lqp.DateTime, "%q: %+v", decl, typ)
	})
}

// TestForeignDigitsAreNoPromise: a file of others may declare what a store declares and hold anything.
func TestForeignDigitsAreNoPromise(t *testing.T) {
	a := openForeign(t, `CREATE TABLE t (a DECINT(3,1), b DECTEXT(3,1), c DECINT(1,2000000000), d LISTTEXT_LIST)`,
		`INSERT INTO t VALUES (123456789012345678, '99999.99', 1234567, '[[1]]')`)
	cat, err := a.Tables(t.Context())
	require.NoError(t, err)
	table := cat.Table("t")
	require.Equal(t, lqp.Type{Kind: lqp.Number, Precision: 19, Scale: 1}, table.Column("a").Type)
	require.Equal(t, lqp.Type{Kind: lqp.Number}, table.Column("b").Type)
	require.Equal(t, lqp.Type{Kind: lqp.Number, Precision: 19}, table.Column("c").Type, "no store declares such a scale")
	q, err := lqp.Bind(&lqp.Query{From: lqp.Source{Table: "t"}}, lqp.Env{Table: func(_, _ string) (*lqp.Table, error) { return table, nil }})
	require.NoError(t, err)
	rows, err := a.Scan(t.Context(), a.Plan(q).Pushed)
	require.NoError(t, err)
	defer rows.Close()
	require.True(t, rows.Next())
	require.Equal(t, []string{"12345678901234567.8", "99999.99", "1234567"}, []string{rows.Value(0).String(), rows.Value(1).String(), rows.Value(2).String()})
	require.Equal(t, "1234567", string(rows.AppendJSON(nil, 2)))
	require.Equal(t, lqp.Text, table.Column("d").Type.Kind)
}
