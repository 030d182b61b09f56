package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"github.com/livetables/livetables/audit"
)

// Deriver makes a 32-byte key for a purpose, always the same for the same purpose and unrelated to those of others.
type Deriver interface {
	Derive(purpose string) []byte
}

// RegistrationPolicy says who may make an account without being asked.
type RegistrationPolicy string

// The registration policies. The first account of an instance always needs its setup token.
const (
	RegistrationClosed RegistrationPolicy = "closed" // only instance admins make accounts; the zero value means this too
	RegistrationOpen   RegistrationPolicy = "open"   // anybody may
)

// Options configure a [Service]. Only Keys is required.
type Options struct {
	// Keys signs tokens. Replacing them ends every session.
	Keys         Deriver
	Registration RegistrationPolicy
	// Issuer and Audience are written into access tokens and required there. Default "livetables".
	Issuer, Audience string
	// AccessTTL is how long an access token is good, default and at most 10 minutes.
	AccessTTL time.Duration
	// RefreshTTL is how long a session lives without a refresh, default 30 days; SessionTTL is how long it lives at all,
	// default 90 days.
	RefreshTTL, SessionTTL time.Duration
	// Hash is how new passwords are hashed; older hashes are renewed at the next login. The zero value is the default,
	// anything weaker is refused.
	Hash HashParams
	// HashConcurrency is how many passwords are hashed at once, default the number of processors up to 4, each with
	// Hash.Memory; HashQueue is how many more may wait, default 64. Beyond it calls fail with ErrBusy.
	HashConcurrency, HashQueue int
	Limits                     Limits
	// InviteLife is how long an invite may be accepted, default 7 days, at most 30.
	InviteLife time.Duration
	// PublicURL is where people reach the instance ("https://tables.example.com"), for the links in mails. Empty, mails have
	// no links, only what to send where. It is never taken from a request.
	PublicURL string
	// OIDC lets people log in at an OpenID Connect issuer; nil does not.
	OIDC *OIDC
	// Record takes an entry of every login, failed login and change into the audit log; minidb's DB.TakeOver is meant for it.
	// An entry is written in the transaction of what it is about and given to Record after that, by RunAudit, in order and until
	// it is taken: after a crash perhaps a second time, with the same ID, which must then have no effect. Entries hold no
	// secrets. nil records nothing.
	Record func(ctx context.Context, entry audit.Entry) error
	// Shared says that other processes may run RunMail on the store: mails that are being sent are not taken from them.
	Shared bool
	Logger *slog.Logger     // default: discards
	Clock  func() time.Time // default time.Now
}

// Limits bound attempts, per minute with a burst of the same size. The zero value of each is its default; a negative one
// is refused.
type Limits struct {
	PerAddress int // logins and registrations from one address (IPv6: one /64), default 30
	PerAccount int // logins and password changes on one account, whether or not it exists, default 10
	Refresh    int // refreshes from one address, default 300
	Entries    int // addresses and accounts remembered, each, default 65,536; the longest unused are forgotten
}

func (l Limits) withDefaults() Limits {
	l.PerAddress = defaultTo(l.PerAddress, 30)
	l.PerAccount = defaultTo(l.PerAccount, 10)
	l.Refresh = defaultTo(l.Refresh, 300)
	l.Entries = defaultTo(l.Entries, 1<<16)
	return l
}

// MaxAccessTTL is the longest life an access token may be given.
const MaxAccessTTL = 10 * time.Minute

// withDefaults fills in o and reports every problem in it at once.
func (o Options) withDefaults() (Options, error) {
	o.Registration = defaultTo(o.Registration, RegistrationClosed)
	o.Issuer = defaultTo(o.Issuer, "livetables")
	o.Audience = defaultTo(o.Audience, "livetables")
	o.AccessTTL = defaultTo(o.AccessTTL, MaxAccessTTL)
	o.RefreshTTL = defaultTo(o.RefreshTTL, 30*24*time.Hour)
	o.InviteLife = defaultTo(o.InviteLife, 7*24*time.Hour)
	o.SessionTTL = defaultTo(o.SessionTTL, 90*24*time.Hour)
	o.Hash = defaultTo(o.Hash, DefaultHash)
	o.HashConcurrency = defaultTo(o.HashConcurrency, min(runtime.GOMAXPROCS(0), 4))
	o.HashQueue = defaultTo(o.HashQueue, 64)
	o.Limits = o.Limits.withDefaults()
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	var problems []error
	if o.Keys == nil {
		problems = append(problems, errors.New("no keys given"))
	}
	if o.Registration != RegistrationClosed && o.Registration != RegistrationOpen {
		problems = append(problems, fmt.Errorf("registration %q is neither %q nor %q", o.Registration, RegistrationClosed, RegistrationOpen))
	}
	if o.AccessTTL < time.Second || o.AccessTTL > MaxAccessTTL {
		problems = append(problems, fmt.Errorf("access token life %v is not between 1s and %v", o.AccessTTL, MaxAccessTTL))
	}
	if o.RefreshTTL < o.AccessTTL || o.SessionTTL < o.RefreshTTL {
		problems = append(problems, fmt.Errorf("lives of access token %v, refresh token %v and session %v must not decrease", o.AccessTTL, o.RefreshTTL, o.SessionTTL))
	}
	if o.InviteLife < time.Minute || o.InviteLife > 30*24*time.Hour {
		problems = append(problems, fmt.Errorf("invite life %v is not between 1m and 30 days", o.InviteLife))
	}
	if err := checkPublicURL(o.PublicURL); err != nil {
		problems = append(problems, err)
	}
	if err := o.Hash.check(); err != nil {
		problems = append(problems, err)
	}
	if o.OIDC != nil {
		if err := o.OIDC.check(); err != nil {
			problems = append(problems, err)
		}
	}
	if min(o.HashConcurrency, o.HashQueue, o.Limits.PerAddress, o.Limits.PerAccount, o.Limits.Refresh, o.Limits.Entries) < 0 {
		problems = append(problems, errors.New("a limit is negative"))
	}
	return o, errors.Join(problems...)
}

func defaultTo[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}
