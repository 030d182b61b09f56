package postgres

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
	"github.com/stretchr/testify/require"
)

// randomValue is a value that a column of the type can hold, NULL now and then.
func randomValue(rng *rand.Rand, t lqp.Type) lqp.Value {
	if rng.IntN(8) == 0 {
		return lqp.NullValue
	}
	switch t.Kind {
	case lqp.Bool:
		return lqp.BoolValue(rng.IntN(2) == 0)
	case lqp.Number:
		whole := t.Precision - t.Scale
		if t.Precision == 0 {
			whole, t.Scale = 20, 10
		}
		if t.Precision == 19 {
			return lqp.IntValue(int64(rng.Uint64()))
		}
		d, err := lqp.ParseDecimal(randomDigits(rng, 1+rng.IntN(whole)) + "." + randomDigits(rng, 1+rng.IntN(max(t.Scale, 1))))
		if err != nil || t.Scale == 0 {
			return lqp.IntValue(rng.Int64N(1000))
		}
		return lqp.NumberValue(d)
	case lqp.Float:
		f, _ := strconv.ParseFloat(randomDigits(rng, 1+rng.IntN(17))+"e"+strconv.Itoa(rng.IntN(500)-250), 64)
		return lqp.FloatValue(f)
	case lqp.Text:
		runes := []rune("aA ?$'\"\\{},\n\té😀\u0001\uffffNUL")
		var b strings.Builder
		for range rng.IntN(20) {
			b.WriteRune(runes[rng.IntN(len(runes))])
		}
		return lqp.TextValue(b.String())
	case lqp.Date:
		return lqp.DateValue(rng.Int64N(3_600_000) - 719_000)
	case lqp.DateTime:
		return lqp.DateTimeValue(rng.Int64N(315_000_000_000_000) - 62_000_000_000_000)
	case lqp.JSON:
		return lqp.JSONValue(string(randomValue(rng, lqp.Type{Kind: lqp.Text}).AppendJSON([]byte(`{"k" : `))) + ` }`)
	case lqp.Bytes:
		b := make([]byte, rng.IntN(30))
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		return lqp.BytesValue(b)
	}
	items := make([]lqp.Value, rng.IntN(5))
	for i := range items {
		items[i] = randomValue(rng, lqp.Type{Kind: t.Elem})
	}
	return lqp.ListValue(items)
}

func randomDigits(rng *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = '0' + byte(rng.IntN(10))
	}
	return string(b)
}

// TestRandomValuesComeBack writes random values of every type in every way: one row and many, as parameters of statements
// and as what a row is expected to hold. Each must come back as it was, and be found again.
func TestRandomValuesComeBack(t *testing.T) {
	seed := testseed.Of(t)
	rng := rand.New(rand.NewPCG(seed, 3))
	s := openTestStore(t, nil)
	types := []lqp.Type{{Kind: lqp.Number, Precision: 19}, {Kind: lqp.Bool}, {Kind: lqp.Number}, {Kind: lqp.Number, Precision: 12, Scale: 2},
		{Kind: lqp.Number, Precision: 30, Scale: 10}, {Kind: lqp.Float}, {Kind: lqp.Text}, {Kind: lqp.Text, MaxLen: 40}, {Kind: lqp.Date}, {Kind: lqp.DateTime},
		{Kind: lqp.JSON}, {Kind: lqp.Bytes}}
	for k := lqp.Bool; k <= lqp.DateTime; k++ {
		types = append(types, lqp.Type{Kind: lqp.List, Elem: k})
	}
	ids, columns := []string{"id"}, []string{"id bigint NOT NULL PRIMARY KEY"}
	for i, typ := range types {
		ids = append(ids, "c"+strconv.Itoa(i))
		columns = append(columns, ids[i+1]+" "+s.DeclareType(typ))
	}
	mustExec(t, s, "CREATE TABLE r ("+strings.Join(columns, ", ")+")")
	table := s.mustTable(t, "r")
	rows := make([][]lqp.Value, 90)
	for n := range rows {
		rows[n] = []lqp.Value{lqp.IntValue(int64(n))}
		for _, typ := range types {
			rows[n] = append(rows[n], randomValue(rng, typ))
		}
	}
	ctx := t.Context()
	require.NoError(t, s.Write(ctx, func(tx adapter.Tx) error {
		if err := tx.Insert(ctx, table, ids, rows[:60]); err != nil {
			return err
		}
		for n, row := range rows[60:] {
			if n%2 == 0 {
				if err := tx.Insert(ctx, table, ids, [][]lqp.Value{row}); err != nil {
					return err
				}
				continue
			}
			if _, err := tx.Exec(ctx, "INSERT INTO r VALUES (?"+strings.Repeat(", ?", len(types))+")", row...); err != nil {
				return err
			}
		}
		return nil
	}))
	check := func(r adapter.Rows, err error) error {
		if err != nil {
			return err
		}
		defer r.Close()
		for n := 0; r.Next(); n++ {
			for i, want := range rows[n] {
				if got := r.Value(i); got.Kind() != want.Kind() || string(got.AppendJSON(nil)) != string(want.AppendJSON(nil)) {
					return fmt.Errorf("row %d, column %s: %s came back as %s", n, ids[i], want, got)
				}
			}
		}
		return r.Err()
	}
	require.NoError(t, s.Read(ctx, func(tx adapter.Tx) error {
		if err := check(tx.Query(ctx, "SELECT * FROM r ORDER BY id")); err != nil {
			return err
		}
		return nil
	}))
	require.NoError(t, s.Write(ctx, func(tx adapter.Tx) error {
		for _, row := range rows {
			var expect []lqp.Assignment
			for i, v := range row[1:] {
				expect = append(expect, lqp.Assignment{Column: ids[i+1], Value: v})
			}
			n, err := tx.Update(ctx, table, row[:1], expect, expect)
			if err != nil || n != 1 {
				return fmt.Errorf("row %s is not what was expected: %d, %w", row[0], n, err)
			}
		}
		return nil
	}))
	require.NoError(t, s.Read(ctx, func(tx adapter.Tx) error { return check(tx.Query(ctx, "SELECT * FROM r ORDER BY id")) }))
}

// TestUnfitParameters: a value that a parameter's type cannot hold is a data error, before anything is sent.
func TestUnfitParameters(t *testing.T) {
	s := openTestStore(t, nil)
	mustExec(t, s, "CREATE TABLE u (b boolean, n smallint, i integer, l bigint, d date, f real, r bytea, a bigint[])")
	for _, c := range []struct {
		column string
		value  lqp.Value
		ok     bool
	}{
		{"b", lqp.IntValue(1), true}, {"n", lqp.IntValue(32_767), true}, {"n", lqp.IntValue(32_768), false}, {"i", lqp.IntValue(1 << 31), false},
		{"l", lqp.TextValue("1"), false}, {"l", lqp.NumberValue(lqp.DecimalFromScaled(15, 1)), false}, {"l", lqp.BoolValue(true), true},
		{"d", lqp.TextValue("2024-02-29"), true}, {"f", lqp.IntValue(3), true}, {"r", lqp.TextValue("text"), true},
		{"a", lqp.ListValue([]lqp.Value{lqp.IntValue(1), lqp.NullValue}), true}, {"a", lqp.ListValue([]lqp.Value{lqp.TextValue("x")}), false},
	} {
		err := s.Write(context.Background(), func(tx adapter.Tx) error {
			_, err := tx.Exec(context.Background(), "INSERT INTO u ("+c.column+") VALUES (?)", c.value)
			return err
		})
		if c.ok {
			require.NoError(t, err, "%s %s", c.column, c.value)
		} else {
			require.ErrorIs(t, err, adapter.ErrData, "%s %s", c.column, c.value)
		}
	}
}
