package ws

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// The close codes of the server, besides 1009 for a message beyond Limits.FrameIn and 1008 for a flood of messages.
const (
	CloseBadFrame    = websocket.StatusCode(4400) // not the protocol; do not come back
	CloseToken       = websocket.StatusCode(4401) // no good token in time; come back with one
	CloseForbidden   = websocket.StatusCode(4403) // not allowed, or another user's token
	CloseSlow        = websocket.StatusCode(4408) // the client reads too slowly; come back with the last positions
	CloseConnections = websocket.StatusCode(4409) // too many connections of this user
	CloseRate        = websocket.StatusCode(4429) // commands keep coming too fast; come back later
	CloseDraining    = websocket.StatusCode(4503) // the server goes away; come back after a random while
)

// Options configure a [Handler]. Authenticate and Source are required.
type Options struct {
	// Authenticate tells whom a token stands for and, from the request, in which workspace: ErrUnauthorized and
	// ErrForbidden are refusals, any other error a failure.
	Authenticate func(ctx context.Context, token string, r *http.Request) (Subject, error)
	// Recheck is asked every Limits.Recheck whether a subject still counts, apart from the token's expiry; its errors
	// are those of Authenticate and end the connection. nil is never asked.
	Recheck func(ctx context.Context, subject Subject) error
	Source  Source
	// Origins are the origins ("https://app.example.com") whose pages may connect, compared exactly. With none, only
	// pages of the host that the request names may. Clients that are not browsers send no origin and may always.
	Origins []string
	Limits  Limits
	Logger  *slog.Logger // default: discards
}

// Limits bound what a connection may cost. The zero value of each is its default.
type Limits struct {
	FrameIn     int           // bytes of one message from the client, 64 KiB
	FrameOut    int           // bytes of one message to it, 1 MiB
	Queue       int           // bytes that wait to be sent, 1 MiB; from a quarter of it rooms wait
	Rooms       int           // per connection, 128
	Rate, Burst int           // commands per second, 30, and at once, 60
	PerUser     int           // connections of one user in one workspace, 20
	Connections int           // in all, 10,000
	Pending     int           // connections that have not authenticated yet, 1,000
	Auth        time.Duration // for the first message, 10 s
	Subscribe   time.Duration // for Source.Subscribe and Options.Authenticate, 5 s
	Ping        time.Duration // between pings, 25 s
	Pong        time.Duration // for the answer, 10 s
	Write       time.Duration // for one message to be taken by the network, 10 s
	Slow        time.Duration // without any message being taken while others wait, 5 s
	Close       time.Duration // for the closing handshake, 5 s
	Recheck     time.Duration // between calls of Options.Recheck, 2 s
	Expiring    time.Duration // from auth:expiring to the token's expiry, 30 s
	Grace       time.Duration // from the expiry to the close, 25 s
}

func (l Limits) withDefaults() Limits {
	orInt := func(v *int, def int) {
		if *v <= 0 {
			*v = def
		}
	}
	orTime := func(v *time.Duration, def time.Duration) {
		if *v <= 0 {
			*v = def
		}
	}
	orInt(&l.FrameIn, 64<<10)
	orInt(&l.FrameOut, 1<<20)
	orInt(&l.Queue, 1<<20)
	orInt(&l.Rooms, 128)
	orInt(&l.Rate, 30)
	orInt(&l.Burst, 60)
	orInt(&l.PerUser, 20)
	orInt(&l.Connections, 10_000)
	orInt(&l.Pending, 1_000)
	orTime(&l.Auth, 10*time.Second)
	orTime(&l.Subscribe, 5*time.Second)
	orTime(&l.Ping, 25*time.Second)
	orTime(&l.Pong, 10*time.Second)
	orTime(&l.Write, 10*time.Second)
	orTime(&l.Slow, 5*time.Second)
	orTime(&l.Close, 5*time.Second)
	orTime(&l.Recheck, 2*time.Second)
	orTime(&l.Expiring, 30*time.Second)
	orTime(&l.Grace, 25*time.Second)
	return l
}

// withDefaults fills in o and reports every problem in it at once.
func (o Options) withDefaults() (Options, error) {
	var problems []error
	if o.Authenticate == nil {
		problems = append(problems, errors.New("no way to authenticate given"))
	}
	if o.Source == nil {
		problems = append(problems, errors.New("no source given"))
	}
	for _, origin := range o.Origins {
		if u, err := url.Parse(origin); err != nil || u.Host == "" || u.Scheme+"://"+u.Host != origin || origin != strings.ToLower(origin) {
			problems = append(problems, fmt.Errorf("origin %q is not of the form https://host[:port] in lower case", origin))
		}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.Limits = o.Limits.withDefaults()
	return o, errors.Join(problems...)
}
