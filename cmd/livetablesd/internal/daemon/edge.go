package daemon

import (
	"context"
	"fmt"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/cmd/livetablesd/internal/httpapi"
	"github.com/livetables/livetables/cmd/livetablesd/internal/idempotency"
	"github.com/livetables/livetables/cmd/livetablesd/internal/limit"
	"github.com/livetables/livetables/cmd/livetablesd/internal/metrics"
)

// Edge are the settings of limits that several daemons may share, and of the listener for operators.
type Edge struct {
	RedisURL           string  `name:"redis-url" placeholder:"URL" help:"Redis (redis://user:password@host:port/0, rediss:// for TLS) through which several daemons share their rate limits. Without it, and while it does not answer, each counts by itself. A password belongs into LIVETABLES_REDIS_URL."`
	RateLimitWorkspace float64 `default:"5000" help:"Requests per second for one workspace, of everybody together; 0 for no limit."`

	AdminListen   string `placeholder:"ADDRESS" help:"Address (127.0.0.1:9090) to serve metrics, profiles and variables on, without any login. Default: they are not served."`
	AdminExternal bool   `help:"Allow --admin-listen on an address that other machines reach."`
}

// rates are the rate limits of the API.
func (c *Config) rates() httpapi.RateLimit {
	orNone := func(perSecond float64) float64 {
		if perSecond == 0 || c.RateLimit == 0 {
			return -1 // 0 is the API's default
		}
		return perSecond
	}
	one := orNone(c.RateLimit)
	return httpapi.RateLimit{PerAddress: one, PerAccount: one, PerKey: one, Public: one, PerWorkspace: orNone(c.Edge.RateLimitWorkspace)}
}

// openLimiter opens the limiter that Redis keeps, nil without one.
func (d *Daemon) openLimiter() (limit.Limiter, error) {
	if d.config.Edge.RedisURL == "" {
		return nil, nil
	}
	shared, err := limit.OpenRedis(limit.RedisOptions{URL: d.config.Edge.RedisURL, Logger: d.log})
	if err != nil {
		return nil, fmt.Errorf("--redis-url: %w", err)
	}
	d.closers = append(d.closers, shared.Close)
	d.metrics.Watch(metrics.Gauge{Name: "livetables_limits_shared", Help: "1 while Redis answers, 0 while this daemon counts by itself.",
		Read: func() map[string]float64 {
			if shared.Shared() {
				return map[string]float64{"": 1}
			}
			return map[string]float64{"": 0}
		}})
	return shared, nil
}

// openIdempotency opens the memory of repeated writes, beside the accounts that they belong to. What an earlier process left
// under way has ended: the data directory is locked, and with it the name of this daemon among those of a database.
func (d *Daemon) openIdempotency(ctx context.Context, keys livetables.Sealer) error {
	// A key of their own: answers are forgotten before master keys are, and no write waits for a key manager.
	box, err := livetables.NewBox(keys.Derive("http idempotency"))
	if err != nil {
		return err
	}
	opt := idempotency.Options{Sealer: box, Sole: d.shared == nil, Logger: d.log}
	if d.shared != nil {
		opt.Owner = d.shared.instance
	}
	d.once, err = idempotency.Open(ctx, d.ownStore, opt)
	return err
}

// watch adds the figures of what is running.
func (d *Daemon) watch() {
	loads := func(of func(limit.Load) int) func() map[string]float64 {
		return func() map[string]float64 {
			out := map[string]float64{}
			for name, l := range d.api.Loads() {
				out[name] = float64(of(l))
			}
			return out
		}
	}
	reads := func(of func(livetables.SourceStates) int) func() map[string]float64 {
		return func() map[string]float64 { return map[string]float64{"": float64(of(d.engine.SourceStates()))} }
	}
	d.metrics.Watch(
		metrics.Gauge{Name: "livetables_running", Help: "What runs at once now, by the share that bounds it.", Label: "share",
			Read: loads(func(l limit.Load) int { return l.Running })},
		metrics.Gauge{Name: "livetables_waiting", Help: "What waits for its turn now, by the share that bounds it.", Label: "share",
			Read: loads(func(l limit.Load) int { return l.Waiting })},
		metrics.Gauge{Name: "livetables_connections", Help: "Connections to external databases, by state.", Label: "state",
			Read: func() map[string]float64 {
				out := map[string]float64{}
				for state, n := range d.engine.SourceStates().Connections {
					out[state] = float64(n)
				}
				return out
			}},
		metrics.Gauge{Name: "livetables_source_reads", Help: "Reads that run at external databases now.",
			Read: reads(func(s livetables.SourceStates) int { return s.Reading })},
		metrics.Gauge{Name: "livetables_source_reads_waiting", Help: "Reads that wait for their turn at an external database now.",
			Read: reads(func(s livetables.SourceStates) int { return s.Waiting })},
	)
}
