package httpapi

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/cmd/livetablesd/internal/auth"
	"github.com/livetables/livetables/cmd/livetablesd/internal/limit"
	"github.com/livetables/livetables/rbac"
)

// audience says who may call a route at all.
type audience uint8

const (
	accounts  audience = iota // bearers of an access token
	everybody                 // the way to a token
	readers                   // of published views: the handler looks at the key
	sockets                   // the WebSocket handler looks at the token
	probes                    // health and the front page: nothing is counted or read
)

// route is one way into the API.
type route struct {
	method, path string
	handler      func(*call) error
	audience     audience
	params       []string // query parameters that the route knows
	filters      bool     // short filters too
	body         bodyKind
	anyFile      bool // with bodyFile: the file may be of any type, up to MaxAttachment
	archive      bool // with anyFile: up to MaxUpload
	people       bool // keys may not call it, though it is among the routes of data (takesKeys)
	foreign      bool // somebody else writes its query string, which the handler reads
	reveals      bool // the answer holds a credential, which is not kept to be shown again
	// allow asks whether the caller may do this before a large body is read; nil leaves it to the handler.
	allow func(*call) error
}

func (r *route) pattern() string { return r.method + " " + r.path }

// routes are all the routes of a server, by subject.
func routes() []route {
	return slices.Concat(probeRoutes(), accountRoutes(), inviteRoutes(), resetRoutes(), addressRoutes(), userRoutes(), workspaceRoutes(), workspaceArchiveRoutes(), memberRoutes(), ruleRoutes(), canRoutes(), roleRoutes(), capRoutes(), networkRoutes(), retentionRoutes(), baseRoutes(),
		tableRoutes(), columnRoutes(), rowRoutes(), transferRoutes(), queryRoutes(), connectionRoutes(), viewRoutes(), shareRoutes(),
		historyRoutes(), socketRoutes(), publicRoutes(), baseCopyRoutes(), archiveRoutes(), retypeRoutes(), formulaRoutes(), lockRoutes(), indexRoutes(), attachmentRoutes(), projectRoutes(),
		tokenRoutes(), jobRoutes(), trashRoutes(), impactRoutes(), schemaRoutes(), revertRoutes(), serviceAccountRoutes(), oidcRoutes())
}

// handle is the way of every request of a route: count it, see who asks, read what is asked, do it once.
func (s *Server) handle(r route) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		w := rw.(*response) // ServeHTTP made it
		w.matched, w.route = true, r.path
		t := s.newTally(r.audience == sockets)
		defer t.end()
		ctx, end := context.WithCancelCause(t.in(req.Context()))
		defer end(nil)
		c := &call{s: s, w: w, r: req.WithContext(ctx), end: end, route: &r, tally: t}
		if err := c.serve(); err != nil {
			c.fail(err)
		}
	})
}

func (c *call) serve() (err error) {
	if err := c.admit(); err != nil {
		return err
	}
	if c.route.audience == accounts {
		defer c.whileAllowed()()
	}
	if err := c.viewAs(); err != nil {
		return err
	}
	if c.route.audience == sockets {
		return c.route.handler(c)
	}
	c.w.extend()
	if !c.route.foreign {
		if c.params, err = parseParams(c.r.URL.RawQuery, c.route.params, c.route.filters); err != nil {
			return err
		}
	}
	if c.r.Method == http.MethodGet || c.r.Method == http.MethodHead {
		return c.route.handler(c)
	}
	if c.route.allow != nil {
		if err := c.route.allow(c); err != nil {
			return err
		}
	}
	if c.route.body == bodyFile {
		o := &c.s.opt.Concurrency
		if err := c.tally.acquire(c.ctx(), o.Wait, shareOf("account_imports", c.who.UserID, o.ImportsPerAccount),
			shareOf("workspace_imports", c.tally.workspace(), o.ImportsPerWorkspace)); err != nil {
			return err
		}
		defer c.dropUpload()
	}
	if err := c.read(); err != nil {
		return err
	}
	if c.route.audience == accounts {
		return c.once()
	}
	return c.route.handler(c)
}

// admit draws on the limits and finds out who asks.
func (c *call) admit() error {
	rate, size := &c.s.opt.RateLimit, &c.s.opt.Concurrency
	address := addressKey(c.w.client)
	from := shareOf("address_requests", address, size.PerAddress)
	switch c.route.audience {
	case probes:
		return nil
	case readers:
		if err := c.tally.take(c.ctx(), bucketOf("public", address, rate.Public)); err != nil {
			return err
		}
		return c.tally.acquire(c.ctx(), size.Wait, from)
	case sockets:
		if err := c.tally.take(c.ctx(), bucketOf("address", address, rate.PerAddress)); err != nil {
			return err
		}
		return c.tally.acquire(c.ctx(), 0, shareOf("address_sockets", address, size.SocketsPerAddress))
	case everybody:
		if err := c.tally.take(c.ctx(), bucketOf("address", address, rate.PerAddress)); err != nil {
			return err
		}
		return c.tally.acquire(c.ctx(), size.Wait, from)
	}
	// To see who asks costs less than to ask Redis twice. Whoever is over the limit is told so in either case, so that
	// nobody finds out more about tokens that way.
	known := c.authenticate()
	buckets := []limit.Bucket{bucketOf("address", address, rate.PerAddress)}
	if known == nil {
		buckets = append(buckets, bucketOf("account", c.who.UserID, rate.PerAccount))
		if c.who.Key != "" {
			buckets = append(buckets, bucketOf("key", c.who.Key, rate.PerKey))
		}
	}
	if err := c.tally.take(c.ctx(), buckets...); err != nil {
		return err
	}
	if known != nil {
		return known
	}
	return c.tally.acquire(c.ctx(), size.Wait, from, shareOf("account_requests", c.who.UserID, size.PerAccount))
}

// maxToken bounds the Authorization header before anything is made of it.
const maxToken = 4 << 10

// authenticate finds the account of the bearer token and gives the call its access to the engine.
func (c *call) authenticate() error {
	token, ok := bearer(c.r)
	if !ok {
		return unauthenticated()
	}
	who, err := c.s.opt.Auth.Verify(c.ctx(), token)
	if err != nil {
		if errors.Is(err, auth.ErrUnauthenticated) {
			c.s.log.DebugContext(c.ctx(), "token refused", "request_id", c.w.request, "error", err)
		}
		return err
	}
	if err := c.s.sponsored(c.ctx(), who); err != nil {
		return err
	}
	c.who, c.w.principal = who, who.UserID
	if who.Key != "" {
		c.w.principal += " " + who.Key
		if !c.route.takesKeys() {
			return personNeeded()
		}
	}
	c.access = c.s.accessOf(who, c.w)
	return nil
}

// bearer is the token of the one Authorization header.
func bearer(r *http.Request) (string, bool) {
	values := r.Header.Values("Authorization")
	if len(values) != 1 || len(values[0]) > maxToken {
		return "", false
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	return token, strings.EqualFold(scheme, "Bearer") && token != ""
}

// accessOf is the engine in the hands of an account.
func (s *Server) accessOf(who auth.Identity, w *response) *livetables.Access {
	p := s.standing(who)
	p.Request, p.Address = w.request, addressText(w.client)
	return s.opt.Engine.As(p)
}

// standing is the principal of an identity, with what tells later whether it still counts.
func (s *Server) standing(who auth.Identity) rbac.Principal {
	p := principalOf(who)
	p.Proof = who.Ticket()
	p.Valid = func(ctx context.Context) error { return s.stillCounts(ctx, who) }
	return p
}
