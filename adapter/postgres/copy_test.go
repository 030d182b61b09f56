package postgres

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
)

func TestCopiedNumbers(t *testing.T) {
	for text, want := range map[string][]uint16{ // groups, weight, sign, scale, digits
		"0":              {0, 0, 0, 0},
		"1":              {1, 0, 0, 0, 1},
		"-1":             {1, 0, 0x4000, 0, 1},
		"10000":          {1, 1, 0, 0, 1},
		"123456.789":     {3, 1, 0, 3, 12, 3456, 7890},
		"0.0001":         {1, 0xffff, 0, 4, 1},
		"0.00000001":     {1, 0xfffe, 0, 8, 1},
		"-100000000.5":   {4, 2, 0x4000, 1, 1, 0, 0, 5000},
		"99999999999.25": {4, 2, 0, 2, 999, 9999, 9999, 2500},
	} {
		d, err := lqp.ParseDecimal(text)
		require.NoError(t, err)
		got, ok := numericCell(nil, lqp.NumberValue(d))
		require.True(t, ok)
		var bytes []byte
		for _, n := range want {
			bytes = binary.BigEndian.AppendUint16(bytes, n)
		}
		require.Equal(t, bytes, got, text)
	}
	r := rand.New(rand.NewPCG(testseed.Of(t), 4))
	for range 20_000 {
		d := lqp.DecimalFromScaled(r.Int64()>>r.IntN(63), r.IntN(lqp.DecimalDigits+1))
		if r.IntN(2) == 0 {
			d, _ = d.Mul(lqp.DecimalFromScaled(r.Int64N(1_000_000), r.IntN(3)))
		}
		if r.IntN(2) == 0 {
			d = d.Neg()
		}
		got, ok := numericCell([]byte("before"), lqp.NumberValue(d))
		require.True(t, ok)
		back, ok := numeric(got[len("before"):])
		require.True(t, ok, d)
		require.Equal(t, d, back)
	}
}

// TestCopyStatement: a table with a column of a type whose binary format is not known here is none for COPY.
func TestCopyStatement(t *testing.T) {
	table := &lqp.Table{Path: []string{"s", `a"b`}, Columns: []lqp.Column{{ID: "n", Native: "bigint"}, {ID: "u", Native: "uuid"},
		{ID: "l", Native: "text[]"}, {ID: "m", Native: "json[]"}}}
	sql, cells := copyStatement(table, []string{"n", "l"})
	require.Equal(t, `COPY "s"."a""b" ("n", "l") FROM STDIN (FORMAT binary)`, sql)
	require.Len(t, cells, 2)
	for _, columns := range [][]string{nil, {"n", "u"}, {"n", "m"}, {"n", "other"}} {
		_, cells := copyStatement(table, columns)
		require.Nil(t, cells, columns)
	}
	_, cells = copyStatement(&lqp.Table{Columns: table.Columns}, []string{"n"})
	require.Nil(t, cells, "a table without a path")
}

// TestCopySource reads in pieces of any size, keeps little of what it encodes, and lets go of the rows.
func TestCopySource(t *testing.T) {
	long := lqp.TextValue(string(bytes.Repeat([]byte("x"), 1000)))
	rows := make([][]lqp.Value, 500)
	for i := range rows {
		rows[i] = []lqp.Value{lqp.IntValue(int64(i)), long, {}}
	}
	cells := []copyCell{bigintCell, textCell, boolCell}
	whole, err := io.ReadAll(&copySource{rows: rows, cells: cells})
	require.NoError(t, err)
	require.Len(t, whole, len(copyHead)+len(rows)*(2+4+8+4+1000+4)+len(copyTail))
	s := &copySource{rows: rows, cells: cells}
	var pieces []byte
	for buf := make([]byte, 7777); ; {
		n, err := s.Read(buf)
		pieces = append(pieces, buf[:n]...)
		require.LessOrEqual(t, cap(s.buf), 2*copyBlock)
		if err != nil {
			require.ErrorIs(t, err, io.EOF)
			break
		}
	}
	require.True(t, bytes.Equal(whole, pieces))
	require.NoError(t, s.end())

	s = &copySource{rows: rows, cells: cells}
	_, err = s.Read(make([]byte, 100))
	require.NoError(t, err)
	require.NoError(t, s.end())
	_, err = io.Copy(io.Discard, s)
	require.NoError(t, err, "what was encoded, and no rows any more")
	require.Nil(t, s.rows)

	s = &copySource{rows: [][]lqp.Value{{long, long, {}}}, cells: cells}
	_, err = io.Copy(io.Discard, s)
	require.ErrorIs(t, err, adapter.ErrData)
	require.ErrorIs(t, s.end(), adapter.ErrData)
}
