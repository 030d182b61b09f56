package mysql

import (
	"database/sql/driver"
	"math"
	"testing"
	"time"

	"github.com/livetables/livetables/lqp"
	"github.com/stretchr/testify/require"
)

var kinds = []lqp.Kind{lqp.Bool, lqp.Number, lqp.Float, lqp.Text, lqp.Date, lqp.DateTime, lqp.JSON, lqp.Bytes, lqp.List, lqp.Null}

// FuzzDecode gives any cell to the decoder of any kind: what is no value is NULL, and both ways of reading agree.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{"", "0", "-0.00", "12.50", "99999999999999999999.99999999995", "1e5", "2024-02-29", "2024-02-30", "0000-00-00",
		"2024-02-29 10:00:00", "2024-02-29 10:00:00.123456", "9999-12-31 23:59:59.999999", "2024-02-29 25:00:00", `{"a":1}`, "é\x00", "\xff"} {
		f.Add([]byte(s), int64(7), 1.5)
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, b []byte, n int64, x float64) {
		for _, k := range kinds {
			for _, c := range []column{{kind: k}, {kind: k, bits: true}, {kind: k, zone: berlin}} {
				for _, cell := range []driver.Value{nil, b, n, uint64(n), x, float32(x), true} {
					v := c.value(cell)
					require.True(t, v.IsNull() || v.Kind() == k, "%s from %v", v, cell)
					require.Equal(t, "x"+string(v.AppendJSON(nil)), string(c.appendJSON([]byte("x"), cell)), "%s from %q", k, cell)
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
