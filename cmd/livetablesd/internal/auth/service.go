package auth

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter"
)

// stateLife is how long a session's state is trusted without asking the store.
const stateLife = 3 * time.Second

// Service is the accounts and sessions of one instance. Its methods may be called from many goroutines; it has no
// goroutines of its own and nothing to close. What it has to say by mail waits in the store until RunMail hands it over, and the
// audit entries of what it does until RunAudit does.
type Service struct {
	store    adapter.Store
	options  Options
	hasher   *hasher
	access   *accessTokens
	refresh  []byte // key of refresh tokens
	cache    *sessionCache
	keys     *keyCache
	issuer   *issuer // nil when nobody logs in at one
	flowKey  []byte  // seals logins there that are under way
	byClient *throttle
	byMail   *throttle
	byFresh  *throttle
	mailKey  []byte        // of the tokens in mails
	mailWake chan struct{} // has room for one: there is a mail to look at
	outbox   outbox
	log      *slog.Logger

	setupMu sync.Mutex
	setup   livetables.Secret // set while there is no account
}

// Open brings the account tables in store up to date and returns their service. The store stays the caller's to close,
// after the last call on the service.
func Open(ctx context.Context, store adapter.Store, options Options) (*Service, error) {
	o, err := options.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("account options: %w", err)
	}
	return open(ctx, store, o)
}

// open takes options whose defaults are filled in.
func open(ctx context.Context, store adapter.Store, o Options) (*Service, error) {
	if err := migrate(ctx, store); err != nil {
		return nil, err
	}
	s := &Service{
		store: store, options: o,
		hasher:   newHasher(o.Hash, o.HashConcurrency, o.HashQueue),
		access:   newAccessTokens(o),
		refresh:  o.Keys.Derive("refresh token"),
		cache:    newSessionCache(stateLife, 1<<16),
		keys:     newKeyCache(stateLife, 1<<12),
		byClient: newThrottle(o.Limits.PerAddress, o.Limits.Entries, o.Clock),
		byMail:   newThrottle(o.Limits.PerAccount, o.Limits.Entries, o.Clock),
		byFresh:  newThrottle(o.Limits.Refresh, o.Limits.Entries, o.Clock),
		mailKey:  o.Keys.Derive("mail token"),
		mailWake: make(chan struct{}, 1),
		outbox:   outbox{wake: make(chan struct{}, 1), turn: make(chan struct{}, 1), most: maxOutbox},
		log:      o.Logger,
	}
	s.cache.also = s.keys.forget
	if o.OIDC != nil {
		s.issuer, s.flowKey = newIssuer(*o.OIDC, o.Clock), o.Keys.Derive("oidc flow")
	}
	return s, nil
}

func (s *Service) clock() time.Time { return s.options.Clock() }

// Client is where a call comes from, as the server sees it: the address of the socket, or what a trusted proxy forwards.
type Client struct {
	Address   netip.Addr
	UserAgent string
}

func (c Client) address() string {
	if !c.Address.IsValid() {
		return ""
	}
	return c.Address.Unmap().String()
}
