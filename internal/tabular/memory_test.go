package tabular

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/lqp"
)

// TestReadersHoldOneRecord reads large files in every format and looks at the heap on the way.
func TestReadersHoldOneRecord(t *testing.T) {
	const rows = 25_000 // of 8 MB: twice of what may be held
	random := rand.New(rand.NewPCG(1, 2))
	for _, format := range formats {
		t.Run(string(format), func(t *testing.T) {
			var b bytes.Buffer
			w, err := NewWriter(&b, format, []string{"Text", "N", "Day"})
			require.NoError(t, err)
			for range rows {
				text := strings.Repeat(strconv.FormatUint(random.Uint64(), 36)+" ", 24)
				require.NoError(t, w.Write(values{lqp.TextValue(text), lqp.IntValue(random.Int64()), lqp.DateValue(20_000)}))
			}
			require.NoError(t, w.Close())
			runtime.GC()
			var before, now runtime.MemStats
			runtime.ReadMemStats(&before)
			r, err := Open(bytes.NewReader(b.Bytes()), Options{Format: format})
			require.NoError(t, err)
			n := 0
			for {
				_, err := r.Next()
				if errors.Is(err, io.EOF) {
					break
				}
				require.NoError(t, err)
				if n++; n%(rows/10) == 0 {
					runtime.GC()
					runtime.ReadMemStats(&now)
					require.Less(t, int64(now.HeapAlloc)-int64(before.HeapAlloc), int64(4<<20), "at row %d", n)
				}
			}
			require.Equal(t, rows, n)
		})
	}
}
