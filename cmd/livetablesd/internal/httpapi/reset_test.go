package httpapi

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter/sqlite"
	"github.com/livetables/livetables/cmd/livetablesd/internal/auth"
)

// TestAttack39ResetOverHTTP resets a password by mail and tries everything that was good before.
func TestAttack39ResetOverHTTP(t *testing.T) {
	p, box := mailInstance(t, "viewer")
	old := p.tokens["viewer"]
	p.must(t, 202, "", "POST", "/api/v1/auth/reset", body("email", mail("viewer")))
	l := box.next(t, mail("viewer"))
	token := mailedToken.FindStringSubmatch(l.Text)[1]
	require.NotContains(t, l.Text, "http", "no public URL, no link")
	p.must(t, 400, "", "POST", "/api/v1/auth/reset/confirm", body("token", token, "password", "short"))
	p.must(t, 204, "", "POST", "/api/v1/auth/reset/confirm", body("token", token, "password", "quite another one"))
	p.must(t, 400, "", "POST", "/api/v1/auth/reset/confirm", body("token", token, "password", "and yet another"))
	p.must(t, 401, "viewer", "GET", "/api/v1/auth/me", nil)
	p.must(t, 401, "", "POST", "/api/v1/auth/refresh", body("refresh_token", old.Refresh.Reveal()))
	p.must(t, 401, "", "POST", "/api/v1/auth/login", body("email", mail("viewer"), "password", password("viewer")))
	p.must(t, 200, "", "POST", "/api/v1/auth/login", body("email", mail("viewer"), "password", "quite another one"))
	require.NotContains(t, p.log.String(), token)
	require.NotContains(t, p.log.String(), "another")
	require.Contains(t, p.log.String(), ".eml")
}

// TestAttack40ResetAnswers: known and unknown addresses get the same bytes.
func TestAttack40ResetAnswers(t *testing.T) {
	p, box := mailInstance(t, "viewer")
	var answers []string
	for _, email := range []string{mail("viewer"), "nobody@example.org", strings.ToUpper(mail("viewer"))} {
		a := p.must(t, 202, "", "POST", "/api/v1/auth/reset", body("email", email))
		answers = append(answers, a.body+fmt.Sprint(a.header.Get("Content-Length"), a.header.Get("Content-Type"), a.header.Get("Cache-Control")))
	}
	require.Len(t, slices.Compact(answers), 1)
	box.next(t, mail("viewer"))
	box.next(t, mail("viewer"))
	p.check(t, []request{
		{name: "no address", method: "POST", path: "/api/v1/auth/reset", body: body("email", "x"), status: 400, want: []string{"$.email"}},
		{name: "object (5)", method: "POST", path: "/api/v1/auth/reset", body: `{"email":{"raw":"1=1"}}`, status: 400, want: []string{"type_mismatch"}},
		{name: "list (5)", method: "POST", path: "/api/v1/auth/reset", body: `{"email":["a@example.org","b@example.org"]}`, status: 400},
		{name: "twice", method: "POST", path: "/api/v1/auth/reset", body: `{"email":"a@example.org","email":"b@example.org"}`, status: 400},
		{name: "GET (78)", method: "GET", path: "/api/v1/auth/reset/confirm", status: 405},
		{name: "token in the query (71)", method: "POST", path: "/api/v1/auth/reset/confirm?token=ltw_x", body: body("token", "ltw_x", "password", "long enough"), status: 400},
		{name: "next (72)", method: "POST", path: "/api/v1/auth/reset?next=//evil.test", body: body("email", "a@example.org"), status: 400},
		{name: "next in the body (72)", method: "POST", path: "/api/v1/auth/reset", body: body("email", "a@example.org", "next", `/\evil.test`), status: 400},
		{name: "the database is no token", method: "POST", path: "/api/v1/auth/reset/confirm", body: `{"token":{"$ne":null},"password":"long enough"}`, status: 400},
	})
}

// TestAttack72HostHeader asks for a mail under somebody else's host: links do not lead there.
func TestAttack72HostHeader(t *testing.T) {
	p, box := mailInstance(t, "viewer")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.server.URL+"/api/v1/auth/reset", strings.NewReader(`{"email":"`+mail("viewer")+`"}`))
	require.NoError(t, err)
	req.Host = "evil.test"
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Forwarded-Host", "evil.test")
	req.Header.Set("Origin", "http://evil.test")
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	res.Body.Close()
	if res.StatusCode == http.StatusAccepted {
		require.NotContains(t, box.next(t, mail("viewer")).Text, "evil")
	}
	p.must(t, 202, "", "POST", "/api/v1/auth/reset", body("email", mail("viewer")), "X-Forwarded-Host", "evil.test", "Forwarded", "host=evil.test")
	require.NotContains(t, box.next(t, mail("viewer")).Text, "evil")
}

// TestAttack55ResetsBehindForgedAddresses: forwarding headers that nobody trusts give no new client.
func TestAttack55ResetsBehindForgedAddresses(t *testing.T) {
	in := newInstance(t, nil, "root")
	store, err := sqlite.OpenStore(t.Context(), filepath.Join(in.dir, "accounts.db"), sqlite.StoreOptions{Relaxed: true})
	require.NoError(t, err)
	defer store.Close()
	limited, err := auth.Open(t.Context(), store, auth.Options{Keys: testKeys("tests"), Limits: auth.Limits{PerAddress: 10}})
	require.NoError(t, err)
	in.api.opt.Auth = limited
	passed := 0
	for i := range 200 {
		a := in.do(t, "", "POST", "/api/v1/auth/reset", body("email", fmt.Sprintf("n%d@example.org", i)), "X-Forwarded-For", fmt.Sprintf("198.51.100.%d", i))
		if a.status == 202 {
			passed++
			continue
		}
		require.Equal(t, 429, a.status)
		require.NotEmpty(t, a.header.Get("Retry-After"))
	}
	require.LessOrEqual(t, passed, 12)
	require.GreaterOrEqual(t, passed, 10)
}

// TestAttack40LoginAnswers: a login with a known address gets the bytes that one with an unknown address gets. That both cost
// the same is shown where the work is done.
func TestAttack40LoginAnswers(t *testing.T) {
	in := newInstance(t, nil, "root", "ann")
	var bodies [2]string
	for i, email := range []string{mail("ann"), "nobody@example.org"} {
		a := in.must(t, 401, "", "POST", "/api/v1/auth/login", body("email", email, "password", "wrong password"))
		bodies[i] = requestIDs.ReplaceAllString(a.body, "")
	}
	require.Equal(t, bodies[0], bodies[1])
}
