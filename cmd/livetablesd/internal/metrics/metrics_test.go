package metrics

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMetrics(t *testing.T) {
	m := New()
	value := 2.0
	m.Watch(Gauge{Name: "test_by", Help: "h", Label: "of", Read: func() map[string]float64 { return map[string]float64{"a": value, "b": 1} }},
		Gauge{Name: "test_one", Help: "h", Read: func() map[string]float64 { return map[string]float64{"": value} }})
	m.Request("/a/{b}", "GET", 200, 3*time.Millisecond, 10)
	m.Request("", "INVENTED", 404, time.Millisecond, 5)
	m.Request("/ws", "GET", 101, time.Hour, 0)
	m.Limited("address")
	m.Replayed()
	value = 3
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	text := w.Body.String()
	for _, want := range []string{
		`livetables_http_requests_total{method="GET",route="/a/{b}",status="200"} 1`, `livetables_http_requests_total{method="other",route="none",status="404"} 1`,
		`livetables_http_request_duration_seconds_bucket{route="/a/{b}",le="0.005"} 1`, `livetables_http_response_bytes_total{route="/a/{b}"} 10`,
		`livetables_limited_total{limit="address"} 1`, `livetables_idempotent_replays_total 1`, `test_by{of="a"} 3`, `test_by{of="b"} 1`, "test_one 3",
	} {
		require.Contains(t, text, want)
	}
	require.NotContains(t, text, `seconds_bucket{route="/ws"`)
	require.NotContains(t, text, "INVENTED")

	var none *Metrics
	none.Request("/", "GET", 200, 0, 0)
	none.Limited("x")
	none.Replayed()
}
