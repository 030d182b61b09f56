package metrics

import "github.com/prometheus/client_golang/prometheus"

// Gauge is a figure that is asked for when it is read. Values are by the value of the gauge's one label, or under "" when it
// has no label.
type Gauge struct {
	Name, Help string
	Label      string // empty for none
	Read       func() map[string]float64
}

// Watch adds gauges. A name that is taken is a mistake in the program, which panics.
func (m *Metrics) Watch(gauges ...Gauge) {
	for _, g := range gauges {
		var labels []string
		if g.Label != "" {
			labels = []string{g.Label}
		}
		m.registry.MustRegister(&gauge{g, prometheus.NewDesc(g.Name, g.Help, labels, nil)})
	}
}

type gauge struct {
	Gauge
	desc *prometheus.Desc
}

var _ prometheus.Collector = (*gauge)(nil)

// Describe implements prometheus.Collector.
func (g *gauge) Describe(out chan<- *prometheus.Desc) { out <- g.desc }

// Collect implements prometheus.Collector.
func (g *gauge) Collect(out chan<- prometheus.Metric) {
	for value, n := range g.Read() {
		if g.Label == "" {
			out <- prometheus.MustNewConstMetric(g.desc, prometheus.GaugeValue, n)
			return
		}
		out <- prometheus.MustNewConstMetric(g.desc, prometheus.GaugeValue, n, value)
	}
}
