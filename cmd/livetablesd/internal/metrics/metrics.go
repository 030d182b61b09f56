// Package metrics keeps the figures that an operator watches, in the form that Prometheus reads.
//
// No label holds the id or the name of a tenant, an account, a table or an address, nor anything that a client wrote: there
// are as many time series as the program has routes and limits, whoever uses it.
package metrics

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are the figures of one daemon. Its methods may be called from many goroutines; those of a nil Metrics do nothing.
// Make one with [New].
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	bytes    *prometheus.CounterVec
	limited  *prometheus.CounterVec
	replayed prometheus.Counter
}

// New makes an empty set of figures, with those of the Go runtime and the process.
func New() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "livetables_http_requests_total",
			Help: "Requests answered, by route pattern, method and status."}, []string{"route", "method", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "livetables_http_request_duration_seconds",
			Help:    "Time from a request's arrival to the end of its answer, by route pattern. WebSockets are not counted.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}}, []string{"route"}),
		bytes: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "livetables_http_response_bytes_total",
			Help: "Bytes of answers, without headers, by route pattern."}, []string{"route"}),
		limited: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "livetables_limited_total",
			Help: "Refusals because a limit was reached, by the limit's name."}, []string{"limit"}),
		replayed: prometheus.NewCounter(prometheus.CounterOpts{Name: "livetables_idempotent_replays_total",
			Help: "Writes that were answered as before because their Idempotency-Key was known."}),
	}
	m.registry.MustRegister(m.requests, m.duration, m.bytes, m.limited, m.replayed,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Request counts an answered request. route is the pattern, empty for requests that no route took; method counts as "other"
// when no route could have it.
func (m *Metrics) Request(route, method string, status int, took time.Duration, bytes int64) {
	if m == nil {
		return
	}
	if route == "" {
		route = "none"
	}
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
	default:
		method = "other"
	}
	m.requests.WithLabelValues(route, method, strconv.Itoa(status)).Inc()
	m.bytes.WithLabelValues(route).Add(float64(bytes))
	if status != http.StatusSwitchingProtocols {
		m.duration.WithLabelValues(route).Observe(took.Seconds())
	}
}

// Limited counts a refusal by a limit.
func (m *Metrics) Limited(name string) {
	if m != nil {
		m.limited.WithLabelValues(name).Inc()
	}
}

// Replayed counts a write that was not repeated.
func (m *Metrics) Replayed() {
	if m != nil {
		m.replayed.Inc()
	}
}

// Handler answers with all figures.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
