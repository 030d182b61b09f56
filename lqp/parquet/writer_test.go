package parquet

import (
	"bytes"
	"encoding/binary"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
)

// cells are a row of a test.
type cells []lqp.Value

func (r cells) Value(i int) lqp.Value               { return r[i] }
func (r cells) AppendJSON(dst []byte, i int) []byte { return r[i].AppendJSON(dst) }
func kind(k lqp.Kind) lqp.Type                      { return lqp.Type{Kind: k} }
func col(name string, t lqp.Type) lqp.Column        { return lqp.Column{ID: name, Name: name, Type: t} }
func write(t *testing.T, c []lqp.Column, rows ...cells) *parquet.File {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, c)
	require.NoError(t, err)
	for _, r := range rows {
		require.NoError(t, w.Write(r))
	}
	require.NoError(t, w.Close())
	f, err := parquet.OpenFile(bytes.NewReader(b.Bytes()), int64(b.Len()))
	require.NoError(t, err)
	return f
}

// read gives the rows of a file back as values of its columns' types.
func read(t *testing.T, f *parquet.File, columns []lqp.Column) (list []cells) {
	t.Helper()
	r := parquet.NewReader(f)
	defer func() { require.NoError(t, r.Close()) }()
	buf := make([]parquet.Row, 10)
	for {
		n, err := r.ReadRows(buf)
		for _, row := range buf[:n] {
			out := make(cells, len(columns))
			items := make([][]lqp.Value, len(columns))
			for _, v := range row {
				i, c := v.Column(), columns[v.Column()]
				switch {
				case c.Type.Kind != lqp.List:
					out[i] = back(t, v, c.Type)
				case v.DefinitionLevel() >= elementPlace:
					items[i] = append(items[i], back(t, v, kind(c.Type.Elem)))
					out[i] = lqp.ListValue(items[i])
				case v.DefinitionLevel() == cellThere:
					out[i] = lqp.ListValue(nil)
				}
			}
			list = append(list, out)
		}
		if err != nil {
			return list
		}
	}
}

func back(t *testing.T, v parquet.Value, typ lqp.Type) lqp.Value {
	if v.IsNull() {
		return lqp.Value{}
	}
	switch typ.Kind {
	case lqp.Bool:
		return lqp.BoolValue(v.Boolean())
	case lqp.Float:
		return lqp.FloatValue(v.Double())
	case lqp.Date:
		return lqp.DateValue(int64(v.Int32()))
	case lqp.DateTime:
		return lqp.DateTimeValue(v.Int64())
	case lqp.JSON:
		return lqp.JSONValue(string(v.ByteArray()))
	case lqp.Bytes:
		return lqp.BytesValue(v.ByteArray())
	case lqp.Number:
		switch {
		case typ.Integer():
			return lqp.IntValue(v.Int64())
		case v.Kind() == parquet.Int64:
			return lqp.NumberValue(lqp.DecimalFromScaled(v.Int64(), typ.Scale))
		}
		b := v.ByteArray()
		n := new(big.Int).Add(new(big.Int).Lsh(big.NewInt(int64(binary.BigEndian.Uint64(b))), 64), new(big.Int).SetUint64(binary.BigEndian.Uint64(b[8:])))
		sign := ""
		if n.Sign() < 0 {
			sign, n = "-", n.Neg(n)
		}
		digits := n.String()
		if len(digits) <= wideScale {
			digits = strings.Repeat("0", wideScale+1-len(digits)) + digits
		}
		d, err := lqp.ParseDecimal(sign + digits[:len(digits)-wideScale] + "." + digits[len(digits)-wideScale:])
		require.NoError(t, err)
		return lqp.NumberValue(d)
	}
	return lqp.TextValue(string(v.ByteArray()))
}

var everyType = []lqp.Column{
	col("z, first", kind(lqp.Text)), col("flag", kind(lqp.Bool)), col("whole", lqp.Type{Kind: lqp.Number, Precision: 18}),
	col("money", lqp.Type{Kind: lqp.Number, Precision: 12, Scale: 2}), col("number", kind(lqp.Number)), col("float", kind(lqp.Float)),
	col("day", kind(lqp.Date)), col("at", kind(lqp.DateTime)), col("doc", kind(lqp.JSON)), col("raw", kind(lqp.Bytes)),
	col("tags", lqp.Type{Kind: lqp.List, Elem: lqp.Text}), col("sizes", lqp.Type{Kind: lqp.List, Elem: lqp.Number}),
}

func decimal(t *testing.T, s string) lqp.Value {
	d, err := lqp.ParseDecimal(s)
	require.NoError(t, err)
	return lqp.NumberValue(d)
}

// TestEveryType: what is read back is what was written, and another tool finds types and order of the columns.
func TestEveryType(t *testing.T) {
	rows := []cells{
		{lqp.TextValue("é\n\"x\""), lqp.BoolValue(true), lqp.IntValue(-999_999_999_999_999_999), decimal(t, "-1234567890.12"),
			decimal(t, "-99999999999999999999.9999999999"), lqp.FloatValue(-1.5e300), lqp.DateValue(-700_000), lqp.DateTimeValue(253_402_300_799_999),
			lqp.JSONValue(`{"a":[1,null]}`), lqp.BytesValue([]byte{0, 255}),
			lqp.ListValue([]lqp.Value{lqp.TextValue("a"), {}, lqp.TextValue("")}), lqp.ListValue([]lqp.Value{decimal(t, "0.0000000001")})},
		make(cells, len(everyType)), // all NULL
		{lqp.TextValue(""), lqp.BoolValue(false), lqp.IntValue(0), decimal(t, "0.01"), decimal(t, "-0.0000000001"), lqp.FloatValue(0),
			lqp.DateValue(0), lqp.DateTimeValue(-1), lqp.JSONValue("null"), lqp.BytesValue(nil), lqp.ListValue(nil), lqp.ListValue([]lqp.Value{{}})},
	}
	f := write(t, everyType, rows...)
	got := read(t, f, everyType)
	require.Len(t, got, len(rows))
	for i := range rows {
		for j := range everyType {
			require.Equal(t, rows[i][j].String(), got[i][j].String(), "row %d, %s", i, everyType[j].Name)
			require.Equal(t, rows[i][j].IsNull(), got[i][j].IsNull(), "row %d, %s", i, everyType[j].Name)
		}
	}
	var types []string
	for _, c := range f.Root().Columns() {
		types = append(types, strings.TrimPrefix(c.String(), "rows."))
		require.True(t, c.Optional())
	}
	require.Equal(t, []string{
		"z, first: optional binary (STRING);", "flag: optional boolean;", "whole: optional int64 (INT(64,true));",
		"money: optional int64 (DECIMAL(12,2));", "number: optional fixed_len_byte_array(16) (DECIMAL(30,10));", "float: optional double;",
		"day: optional int32 (DATE);", "at: optional int64 (TIMESTAMP(isAdjustedToUTC=true,unit=MILLIS));", "doc: optional binary (JSON);",
		"raw: optional binary;", "tags: message tags {\n\trepeated group list {\n\t\toptional binary element (STRING);\n\t}\n}",
		"sizes: message sizes {\n\trepeated group list {\n\t\toptional fixed_len_byte_array(16) element (DECIMAL(30,10));\n\t}\n}",
	}, types)
}

// TestRandomRows writes many rows in several groups.
func TestRandomRows(t *testing.T) {
	seed := testseed.Of(t)
	r := rand.New(rand.NewPCG(seed, 0))
	columns := []lqp.Column{col("n", kind(lqp.Number)), col("s", kind(lqp.Text)), col("l", lqp.Type{Kind: lqp.List, Elem: lqp.Text})}
	rows := make([]cells, 3000)
	for i := range rows {
		items := make([]lqp.Value, r.IntN(4))
		for j := range items {
			if r.IntN(3) > 0 {
				items[j] = lqp.TextValue(strings.Repeat("y", r.IntN(5)))
			}
		}
		rows[i] = cells{lqp.NumberValue(lqp.DecimalFromScaled(r.Int64()-r.Int64(), r.IntN(11))),
			lqp.TextValue(strings.Repeat("x", r.IntN(20_000))), lqp.ListValue(items)}
		if r.IntN(5) == 0 {
			rows[i][r.IntN(3)] = lqp.Value{}
		}
	}
	f := write(t, columns, rows...)
	require.Greater(t, len(f.RowGroups()), 1)
	got := read(t, f, columns)
	require.Len(t, got, len(rows))
	for i := range rows {
		for j := range columns {
			require.Equal(t, rows[i][j].String(), got[i][j].String(), "row %d", i)
		}
	}
}

func TestRefused(t *testing.T) {
	var b bytes.Buffer
	_, err := NewWriter(&b, nil)
	require.ErrorContains(t, err, "no columns")
	_, err = NewWriter(&b, []lqp.Column{col("a", kind(lqp.Text)), col("a", kind(lqp.Bool))})
	require.ErrorContains(t, err, `two columns "a"`)
	w, err := NewWriter(&b, []lqp.Column{col("n", lqp.Type{Kind: lqp.Number, Precision: 12, Scale: 2})})
	require.NoError(t, err)
	require.ErrorContains(t, w.Write(cells{decimal(t, "0.001")}), `parquet column "n": 0.001 has more digits`)
	require.Error(t, w.Close(), "half a file must not look whole")
}
