package httpapi

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/lqp"
)

// sink is a response that goes nowhere.
type sink struct {
	header http.Header
	status int
	bytes  int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(status int)      { s.status = status }
func (s *sink) Write(b []byte) (int, error) { s.bytes += len(b); return len(b), nil }

// BenchmarkListRows reads pages of 100 rows, filtered and sorted, through everything but the network: token, policy,
// plan, SQLite, JSON.
func BenchmarkListRows(b *testing.B) {
	p := newPlace(b, shared)
	for from := range 10 {
		var rows []map[string]any
		for i := range 500 {
			n := from*500 + i
			rows = append(rows, map[string]any{"fields": map[string]any{"Name": fmt.Sprintf("part %d", n), "Price": n % 100, "Left": n, "Status": "open", "Day": "2026-01-05", "Live": n%2 == 0}})
		}
		p.must(b, 200, "owner", "POST", p.rows("/bulk"), map[string]any{"op": "insert", "rows": rows}, "Prefer", "return=minimal")
	}
	for _, page := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("rows=%d", page), func(b *testing.B) {
			req := httptest.NewRequest(http.MethodGet, p.rows(fmt.Sprintf("?Price.gte=10&sort=-Left&limit=%d", page)), nil)
			req.Header.Set("Authorization", "Bearer "+p.tokens["viewer"].Access.Reveal())
			b.ReportAllocs()
			for b.Loop() {
				w := &sink{header: http.Header{}}
				p.api.ServeHTTP(w, req)
				if w.status != http.StatusOK {
					b.Fatal(w.status)
				}
				b.SetBytes(int64(w.bytes))
			}
		})
	}
}

// TestRowsAllocateNothing appends rows to a buffer that is large enough.
func TestRowsAllocateNothing(t *testing.T) {
	columns := []lqp.Column{{Name: "_id"}, {Name: "Name"}, {Name: "Price"}, {Name: "Day"}, {Name: "_version"}, {Name: "_created_at"}}
	price, err := lqp.ParseDecimal("14.50")
	require.NoError(t, err)
	var row cells = valuesOf{lqp.TextValue("row_1"), lqp.TextValue(`with "quotes"`), lqp.NumberValue(price), lqp.DateValue(20000), lqp.IntValue(3), lqp.DateTimeValue(123)}
	s := shapeOf(columns, shapeOptions{})
	buf := make([]byte, 0, 1<<10)
	require.Zero(t, testing.AllocsPerRun(100, func() { buf = appendRow(buf[:0], s, row) }))
	require.Equal(t, `{"id":"row_1","version":3,"fields":{"Name":"with \"quotes\"","Price":14.5,"Day":"2024-10-04"},"created_at":"1970-01-01T00:00:00.123Z"}`, string(buf))
}

// TestLongListsAreSentInParts lets a page be larger than what may be held in memory.
func TestLongListsAreSentInParts(t *testing.T) {
	p := newPlace(t, newInstance(t, func(o *Options) { o.Concurrency.HeldPerWorkspace = 1 }, "root", "owner", "viewer"))
	var rows []map[string]any
	for i := range 1000 {
		rows = append(rows, map[string]any{"fields": map[string]any{"Name": fmt.Sprintf("%0100d", i)}})
	}
	p.must(t, 200, "owner", "POST", p.rows("/bulk"), map[string]any{"op": "insert", "rows": rows}, "Prefer", "return=minimal")
	a := p.must(t, 200, "viewer", "GET", p.rows("?limit=1000&sort=Name"), nil)
	require.Empty(t, a.header.Get("Content-Length"))
	require.Len(t, names(t, a), 1000)
	require.NotEmpty(t, p.must(t, 200, "viewer", "GET", p.rows("?limit=1"), nil).header.Get("Content-Length"))
}
