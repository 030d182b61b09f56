package httpapi

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/cmd/livetablesd/internal/auth"
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
	// allow asks whether the caller may do this before a large body is read; nil leaves it to the handler.
	allow func(*call) error
}

func (r *route) pattern() string { return r.method + " " + r.path }

// routes are all the routes of a server, by subject.
func routes() []route {
	return slices.Concat(probeRoutes(), accountRoutes(), userRoutes(), workspaceRoutes(), memberRoutes(), ruleRoutes(), baseRoutes(),
		tableRoutes(), columnRoutes(), rowRoutes(), transferRoutes(), queryRoutes(), connectionRoutes(), viewRoutes(), shareRoutes(),
		historyRoutes(), socketRoutes(), publicRoutes(), baseCopyRoutes(), archiveRoutes(), retypeRoutes(), lockRoutes(), indexRoutes())
}

// handle is the way of every request of a route: count it, see who asks, read what is asked, do it once.
func (s *Server) handle(r route) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		w := rw.(*response) // ServeHTTP made it
		w.matched, w.route = true, r.path
		c := &call{s: s, w: w, r: req, route: &r}
		if err := c.serve(); err != nil {
			c.fail(err)
		}
	})
}

func (c *call) serve() (err error) {
	if err := c.admit(); err != nil {
		return err
	}
	if c.route.audience == sockets {
		return c.route.handler(c)
	}
	c.w.extend()
	if c.params, err = parseParams(c.r.URL.RawQuery, c.route.params, c.route.filters); err != nil {
		return err
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
		if !c.s.uploads.begin(c.who.UserID) {
			return tooMany(time.Second)
		}
		defer c.s.uploads.end(c.who.UserID)
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

// admit counts the request and finds out who asks.
func (c *call) admit() error {
	switch c.route.audience {
	case probes:
		return nil
	case readers:
		return c.count(c.s.byPublic, addressKey(c.w.client), 1)
	}
	if err := c.count(c.s.byAddress, addressKey(c.w.client), 1); err != nil {
		return err
	}
	if c.route.audience != accounts {
		return nil
	}
	if err := c.authenticate(); err != nil {
		return err
	}
	return c.count(c.s.byAccount, c.who.UserID, 1)
}

func (c *call) count(l *limiter, key string, n int) error {
	if wait := l.take(key, n); wait > 0 {
		return tooMany(wait)
	}
	return nil
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
	c.who, c.w.principal = who, who.UserID
	c.access = c.s.accessOf(who.UserID, c.w)
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
func (s *Server) accessOf(user string, w *response) *livetables.Access {
	return s.opt.Engine.As(rbac.Principal{ID: user, Request: w.request, Address: addressText(w.client)})
}
