package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/cmd/livetablesd/internal/auth"
	"github.com/livetables/livetables/cmd/livetablesd/internal/idempotency"
	"github.com/livetables/livetables/cmd/livetablesd/internal/limit"
	"github.com/livetables/livetables/cmd/livetablesd/internal/metrics"
)

// Options say what a [Server] serves. Engine, Auth and Idempotency are required; every other zero field has the default named
// with it.
type Options struct {
	// Engine should have [Admit] as its Options.Admit: without, nothing is limited by workspace.
	Engine *livetables.Engine
	Auth   *auth.Service
	// Idempotency remembers the writes that came with an Idempotency-Key.
	Idempotency *idempotency.Store
	// Ready says whether requests can be served: the answer of /readyz. nil is always ready.
	Ready  func(ctx context.Context) error
	Logger *slog.Logger // default slog.Default
	// TrustedProxies are the networks whose X-Forwarded-For header is believed. Default none: the client is the socket.
	TrustedProxies []netip.Prefix
	// Origins are the origins ("https://app.example.com") whose pages may use the API and the WebSocket, compared exactly.
	// Default: only pages of the server's own host, and no CORS.
	Origins []string
	// UploadDir holds uploaded files while they are imported, default os.TempDir. They are removed with their request.
	UploadDir string
	// MaxBody bounds JSON bodies, default 1 MiB; MaxBulk those of bulk writes, default 16 MiB; MaxUpload imported files,
	// default 1 GiB; MaxAttachment uploaded attachments, default 100 MiB, which the engine's Limits bound too. All in bytes.
	MaxBody, MaxBulk, MaxUpload, MaxAttachment int64
	RateLimit                                  RateLimit
	// Secure says that browsers come by https, so that cookies are set for that alone.
	Secure      bool
	Concurrency Concurrency
	// Limiter keeps the buckets of RateLimit, default in this process.
	Limiter limit.Limiter
	// Metrics are told of every request, default none.
	Metrics *metrics.Metrics
	Clock   func() time.Time // default time.Now
}

func (o Options) withDefaults() (Options, error) {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Ready == nil {
		o.Ready = func(context.Context) error { return nil }
	}
	if o.UploadDir == "" {
		o.UploadDir = os.TempDir()
	}
	orDefault(&o.MaxBody, 1<<20)
	orDefault(&o.MaxBulk, 16<<20)
	orDefault(&o.MaxUpload, 1<<30)
	orDefault(&o.MaxAttachment, 100<<20)
	o.RateLimit.setDefaults()
	o.Concurrency.setDefaults()
	if o.Limiter == nil {
		o.Limiter = limit.NewMemory(o.RateLimit.Entries, o.Clock)
	}
	var problems []error
	if o.Engine == nil {
		problems = append(problems, errors.New("Options.Engine is missing"))
	}
	if o.Auth == nil {
		problems = append(problems, errors.New("Options.Auth is missing"))
	}
	if o.Idempotency == nil {
		problems = append(problems, errors.New("Options.Idempotency is missing"))
	}
	if o.MaxBody < 0 || o.MaxBulk < 0 || o.MaxUpload < 0 || o.MaxAttachment < 0 || o.RateLimit.Entries < 0 {
		problems = append(problems, errors.New("Options: a limit is negative"))
	}
	for _, origin := range o.Origins {
		if u, err := url.Parse(origin); err != nil || u.Host == "" || u.Scheme+"://"+u.Host != origin || origin != strings.ToLower(origin) {
			problems = append(problems, fmt.Errorf("Options.Origins: %q is not of the form https://host[:port] in lower case", origin))
		}
	}
	if info, err := os.Stat(o.UploadDir); err != nil || !info.IsDir() {
		problems = append(problems, fmt.Errorf("Options.UploadDir %q is not a directory", o.UploadDir))
	}
	return o, errors.Join(problems...)
}

func orDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}
