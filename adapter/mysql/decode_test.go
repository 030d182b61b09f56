package mysql

import (
	"database/sql/driver"
	"encoding/json"
	"math"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/livetables/livetables/adapter/internal/decodetest"
	"github.com/livetables/livetables/lqp"
	"github.com/stretchr/testify/require"
)

var kinds = []lqp.Kind{lqp.Bool, lqp.Number, lqp.Float, lqp.Text, lqp.Date, lqp.DateTime, lqp.JSON, lqp.Bytes, lqp.List, lqp.Null}

// FuzzDecode gives any cell to the decoder of any kind: what is no value is NULL, and both ways of reading agree.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{"-", "+1", "1e999999999", "00000-00-00", "-001-01-01", "2024-02-29 10:00:00.1234567890123", "838:59:59", "[[[[[[", `"\ud800"`, "", "0", "-0.00", "12.50", "99999999999999999999.99999999995", "1e5", "2024-02-29", "2024-02-30", "0000-00-00",
		"2024-02-29 10:00:00", "2024-02-29 10:00:00.123456", "9999-12-31 23:59:59.999999", "2024-02-29 25:00:00", `{"a":1}`, "é\x00", "\xff"} {
		f.Add([]byte(s), int64(7), 1.5)
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, b []byte, n int64, x float64) {
		took := decodetest.Allocated(func() {
			for _, k := range kinds {
				c := column{kind: k}
				_, _ = c.value(b), c.appendJSON(nil, b)
			}
		})
		require.Less(t, took, decodetest.Decoding(len(kinds)*len(b)))
		for _, k := range kinds {
			for _, c := range []column{{kind: k}, {kind: k, bits: true}, {kind: k, zone: berlin}} {
				for _, cell := range []driver.Value{nil, b, n, uint64(n), x, float32(x), true, string(b), time.UnixMilli(n)} {
					v := c.value(cell)
					got := c.appendJSON([]byte("x"), cell)
					require.True(t, v.IsNull() || v.Kind() == k, "%s from %v", v, cell)
					require.Equal(t, "x"+string(v.AppendJSON(nil)), string(got), "%s from %q", k, cell)
					require.True(t, json.Valid(got[1:]) && utf8.Valid(got), "%s: %q", k, got)
				}
			}
		}
	})
}

func TestDecimalText(t *testing.T) {
	for text, want := range map[string]string{"0": "0", "-0.00": "0", "12.50": "12.5", "0000012.50": "12.5", "-999999999999999999": "-999999999999999999",
		"0.123456789012345678": "0.123456789", "99999999999999999999.9999999999": "99999999999999999999.9999999999", "0.00000000005": "0.0000000001"} {
		d, ok := decimalText([]byte(text))
		require.True(t, ok, text)
		require.Equal(t, want, d.String(), text)
	}
	for _, text := range []string{"", "-", ".", "1.2.3", "1e5", "x", "100000000000000000000", " 1"} {
		_, ok := decimalText([]byte(text))
		require.False(t, ok, text)
	}
	f, _ := float(float32(0.1))
	require.Equal(t, 0.10000000149011612, f)
	require.True(t, (&column{kind: lqp.Float}).value(math.Inf(1)).IsNull())
}
