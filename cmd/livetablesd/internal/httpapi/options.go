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
)

// Options say what a [Server] serves. Engine and Auth are required; every other zero field has the default named with it.
type Options struct {
	Engine *livetables.Engine
	Auth   *auth.Service
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
	// default 1 GiB. All in bytes.
	MaxBody, MaxBulk, MaxUpload int64
	RateLimit                   RateLimit
	Clock                       func() time.Time // default time.Now
}

// RateLimit bounds requests by token buckets, in requests per second with a burst of ten seconds' worth. A zero field has
// its default, a negative one does not limit. A bulk write counts as one request for every hundred rows.
type RateLimit struct {
	PerAddress float64 // of one client address (IPv6: one /64), default 200
	PerAccount float64 // of one account, default 200
	Public     float64 // for published views, of one client address and again of one key, default 50
	Entries    int     // addresses and accounts remembered, each; the longest unused are forgotten, default 65,536
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
	orDefault(&o.RateLimit.PerAddress, 200)
	orDefault(&o.RateLimit.PerAccount, 200)
	orDefault(&o.RateLimit.Public, 50)
	orDefault(&o.RateLimit.Entries, 1<<16)
	var problems []error
	if o.Engine == nil {
		problems = append(problems, errors.New("Options.Engine is missing"))
	}
	if o.Auth == nil {
		problems = append(problems, errors.New("Options.Auth is missing"))
	}
	if o.MaxBody < 0 || o.MaxBulk < 0 || o.MaxUpload < 0 || o.RateLimit.Entries < 0 {
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
