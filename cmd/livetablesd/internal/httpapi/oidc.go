package httpapi

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/cmd/livetablesd/internal/auth"
)

// OIDCCallback is the path to which the issuer sends browsers back.
const OIDCCallback = api + "/auth/oidc/callback"

func oidcRoutes() []route {
	return []route{
		{method: "GET", path: api + "/auth/oidc", handler: oidcInfo, audience: everybody},
		{method: "GET", path: api + "/auth/oidc/start", handler: startOIDC, audience: everybody, params: []string{"next"}},
		{method: "GET", path: OIDCCallback, handler: finishOIDC, audience: everybody, foreign: true},
		{method: "POST", path: api + "/auth/oidc/token", handler: redeemOIDC, audience: everybody},
	}
}

// The two cookies of a login at the issuer. They are the only ones that the API sets, live for minutes, and open nothing but
// this login: the first ties the issuer's answer to the browser that asked, the second hands over the tokens.
const (
	flowCookie   = "lt_oidc_flow"
	ticketCookie = "lt_oidc_ticket"
)

// oidcInfo tells a login page whether to offer it.
func oidcInfo(c *call) error {
	return c.json(http.StatusOK, struct {
		Enabled bool `json:"enabled"`
	}{c.s.opt.Auth.OIDCEnabled()})
}

// startOIDC sends a browser to the issuer.
func startOIDC(c *call) error {
	next := c.params.text("next")
	if next == "" {
		next = "/"
	}
	start, err := c.s.opt.Auth.StartOIDC(c.ctx(), next, c.client())
	if err != nil {
		return oidcProblem(err)
	}
	// Lax, since the issuer's page leads to the callback.
	c.setCookie(flowCookie, start.Flow, start.ExpiresAt, http.SameSiteLaxMode)
	return c.redirect(start.URL)
}

// finishOIDC takes the issuer's answer from the browser. What comes of it is fetched by the page at next, with POST: no
// token is ever part of an address. Parameters that the route does not know are the issuer's own (RFC 6749, section 4.1.2).
func finishOIDC(c *call) error {
	if len(c.r.URL.RawQuery) > maxQuery {
		return oidcProblem(auth.ErrOIDC)
	}
	q, err := url.ParseQuery(c.r.URL.RawQuery)
	if err != nil {
		return oidcProblem(auth.ErrOIDC)
	}
	for _, name := range []string{"state", "code", "iss", "error"} {
		if len(q[name]) > 1 {
			return oidcProblem(auth.ErrOIDC)
		}
	}
	flow := c.cookie(flowCookie)
	c.dropCookie(flowCookie, http.SameSiteLaxMode)
	ticket, err := c.s.opt.Auth.FinishOIDC(c.ctx(), auth.OIDCAnswer{
		Flow: flow, State: q.Get("state"), Code: q.Get("code"), Error: q.Get("error"), Issuer: q.Get("iss"),
	}, c.client())
	if errors.Is(err, auth.ErrNoOIDC) { // anybody may ask, as often as they like
		return oidcProblem(err)
	}
	if err != nil {
		c.s.log.WarnContext(c.ctx(), "login at the issuer failed", "request_id", c.w.request, "error", err)
		return oidcProblem(err)
	}
	c.setCookie(ticketCookie, ticket.Ticket, ticket.ExpiresAt, http.SameSiteStrictMode)
	return c.redirect(ticket.Next)
}

// redeemOIDC gives the page that the browser came back to its tokens, once.
func redeemOIDC(c *call) error {
	ticket := c.cookie(ticketCookie)
	c.dropCookie(ticketCookie, http.SameSiteStrictMode)
	t, err := c.s.opt.Auth.RedeemOIDC(c.ctx(), ticket, c.client())
	if err != nil {
		return oidcProblem(err)
	}
	return c.tokens(http.StatusOK, t)
}

func oidcProblem(err error) error {
	for _, known := range []struct {
		err    error
		status int
		code   string
	}{
		{auth.ErrNoOIDC, http.StatusNotFound, "not_found"},
		{auth.ErrOIDC, http.StatusUnauthorized, "oidc_failed"},
		{auth.ErrOIDCDown, http.StatusBadGateway, "oidc_unavailable"},
		{auth.ErrOIDCEmail, http.StatusForbidden, "oidc_email_unverified"},
		{auth.ErrOIDCNotLinked, http.StatusForbidden, "oidc_not_linked"},
	} {
		if errors.Is(err, known.err) {
			return problemOf(known.status, known.code, known.err.Error())
		}
	}
	return err
}

// redirect sends a browser elsewhere with GET.
func (c *call) redirect(to string) error {
	c.w.Header().Set("Location", to)
	c.w.WriteHeader(http.StatusSeeOther)
	return nil
}

// cookieName is a cookie's name with the prefix that keeps others from setting it, where the browser comes by https.
func (c *call) cookieName(name string) string {
	if c.s.opt.Secure {
		return "__Host-" + name
	}
	return name
}

func (c *call) setCookie(name string, value livetables.Secret, expires time.Time, same http.SameSite) {
	http.SetCookie(c.w, &http.Cookie{
		Name: c.cookieName(name), Value: value.Reveal(), Path: "/", MaxAge: max(1, int(expires.Sub(c.s.opt.Clock()).Seconds())),
		Secure: c.s.opt.Secure, HttpOnly: true, SameSite: same,
	})
}

func (c *call) dropCookie(name string, same http.SameSite) {
	http.SetCookie(c.w, &http.Cookie{Name: c.cookieName(name), Path: "/", MaxAge: -1, Secure: c.s.opt.Secure, HttpOnly: true, SameSite: same})
}

// cookie is the value of a cookie that the request carries once.
func (c *call) cookie(name string) livetables.Secret {
	if found := c.r.CookiesNamed(c.cookieName(name)); len(found) == 1 {
		return livetables.NewSecret(found[0].Value)
	}
	return livetables.Secret{}
}
