package httpapi

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/cmd/livetablesd/internal/limit"
	"github.com/livetables/livetables/internal/faultproxy"
	"github.com/livetables/livetables/internal/testenv"
	"github.com/livetables/livetables/rbac"
)

// still is a clock that stands still, for limits that must not fill up during a test.
func still(o *Options) { o.Clock = sync.OnceValue(time.Now) }

// loopbackProxy makes a test's own connections those of a trusted proxy, so that it can come from many addresses.
func loopbackProxy(o *Options) {
	o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
}

// TestWorkspaceLimit: the members of a workspace share its limit, and nobody else draws on it, whatever he asks for (R6).
func TestWorkspaceLimit(t *testing.T) {
	in := newInstance(t, func(o *Options) { still(o); o.RateLimit.PerWorkspace = 3 }, "root", "owner", "viewer", "stranger")
	p, other := newPlace(t, in), newPlace(t, in)
	left := func(p *place, who string) (passed int) {
		for {
			a := p.do(t, who, "GET", p.rows(""), nil)
			if a.status == 429 {
				require.Equal(t, "workspace", a.text(t, "limit"))
				require.NotEmpty(t, a.header.Get("Retry-After"))
				return passed
			}
			require.Equal(t, 200, a.status)
			passed++
		}
	}
	for range 60 {
		p.must(t, 404, "stranger", "GET", p.rows(""), nil)
		p.must(t, 404, "stranger", "GET", p.at(""), nil)
	}
	before := left(p, "owner")
	require.Greater(t, before, 20, "what strangers ask for costs the workspace nothing")
	require.Zero(t, left(p, "viewer"), "they share it")
	require.Greater(t, left(other, "viewer"), 20, "another workspace has its own")
}

// TestBatchCountsAsItsItems (R25): ten rows in one request cost what ten requests cost.
func TestBatchCountsAsItsItems(t *testing.T) {
	in := newInstance(t, func(o *Options) { still(o); o.RateLimit.PerAccount = 10 }, "root", "owner")
	p := newPlace(t, in) // three requests of a hundred
	rows := strings.TrimSuffix(strings.Repeat(`{"fields":{"Name":"x"}},`, 40), ",")
	bulk := func(status int) *answer {
		return p.must(t, status, "owner", "POST", p.rows("/bulk"), `{"op":"insert","rows":[`+rows+`]}`, "Prefer", "return=minimal")
	}
	bulk(200)
	bulk(200)
	a := bulk(429)
	require.Equal(t, "account", a.text(t, "limit"))
	require.Contains(t, p.must(t, 200, "owner", "GET", p.rows("?count=exact&limit=1"), nil).body, `"exact":80`, "the refused batch has written nothing")
}

// TestAttack55RotatingForwardedFor sends 1,000 logins, each with another X-Forwarded-For: without a trusted proxy they come
// from one client, and the account has a limit of its own.
func TestAttack55RotatingForwardedFor(t *testing.T) {
	in := newInstance(t, func(o *Options) { still(o); o.RateLimit.PerAddress = 5 }, "root")
	var refused atomic.Int64
	var work sync.WaitGroup
	for worker := range 10 {
		work.Go(func() {
			for i := range 100 {
				req, err := http.NewRequest(http.MethodPost, in.server.URL+"/api/v1/auth/login", strings.NewReader(`{"email":"root@example.com","password":"wrong"}`))
				if err != nil {
					return
				}
				req.Header.Set("Content-Type", "application/json")
				req.Header.Set("X-Forwarded-For", fmt.Sprintf("198.51.%d.%d", worker, i))
				req.Header.Set("X-Real-IP", fmt.Sprintf("198.51.%d.%d", worker, i))
				req.Header.Set("Forwarded", fmt.Sprintf("for=198.51.%d.%d", worker, i))
				res, err := http.DefaultClient.Do(req)
				if err != nil {
					return
				}
				if res.StatusCode == http.StatusTooManyRequests {
					refused.Add(1)
				}
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
			}
		})
	}
	work.Wait()
	require.Equal(t, int64(950), refused.Load())
}

// TestInstancesShareLimits runs two servers with one Redis: a client has one allowance with both. When Redis is lost each
// has its own, and when it is back they share again.
func TestInstancesShareLimits(t *testing.T) {
	url := testenv.Redis(t)
	address := strings.Split(strings.TrimPrefix(url, "redis://"), "/")[0]
	proxy, err := faultproxy.New(address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = proxy.Close() })
	prefix := testenv.Name(t)
	start := func() *instance {
		limiter, err := limit.OpenRedis(limit.RedisOptions{URL: strings.Replace(url, address, proxy.Addr(), 1), Prefix: prefix, Timeout: 2 * time.Second, Retry: 20 * time.Millisecond})
		require.NoError(t, err)
		t.Cleanup(func() { _ = limiter.Close() })
		return newInstance(t, func(o *Options) {
			loopbackProxy(o)
			o.Limiter = limiter
			o.RateLimit.PerAddress = 4
		}, "root")
	}
	first, second := start(), start()
	burst := func(client string) (passed int) {
		for i := range 100 {
			in := []*instance{first, second}[i%2]
			switch a := in.do(t, "", "GET", "/api/v1/workspaces", nil, "X-Forwarded-For", client); a.status {
			case 401:
				passed++
			case 429:
			default:
				t.Fatalf("%d: %s", a.status, a.body)
			}
		}
		return passed
	}
	shared := func(client string) {
		began := time.Now()
		passed := burst(client)
		require.GreaterOrEqual(t, passed, 40)
		require.Less(t, float64(passed), 42+4*time.Since(began).Seconds(), "both together have one allowance")
	}
	shared("198.51.100.1")
	require.NoError(t, proxy.Set(faultproxy.Refuse))
	began := time.Now()
	passed := burst("198.51.100.2")
	require.GreaterOrEqual(t, passed, 80)
	require.Less(t, float64(passed), 82+8*time.Since(began).Seconds(), "each by itself, but not without limit")
	require.NoError(t, proxy.Set(faultproxy.Pass))
	require.Eventually(t, func() bool {
		for _, in := range []*instance{first, second} {
			in.do(t, "root", "GET", "/api/v1/auth/me", nil, "X-Forwarded-For", "198.51.100.99")
			if r, ok := in.api.limiter.(*limit.Redis); !ok || !r.Shared() {
				return false
			}
		}
		return true
	}, 10*time.Second, 30*time.Millisecond)
	shared("198.51.100.3")
}

// TestShares: what is beyond the share of an account or a workspace waits and is refused with 503, and others do not
// notice.
func TestShares(t *testing.T) {
	in := newInstance(t, func(o *Options) {
		o.Concurrency = Concurrency{PerAccount: 4, PerWorkspace: 2, Wait: 50 * time.Millisecond}
	}, "root", "owner", "viewer")
	p, other := newPlace(t, in), newPlace(t, in)
	hold := make(chan struct{})
	in.api.mux.Handle("GET /held/{workspace}", in.api.handle(route{method: "GET", path: "/held/{workspace}", audience: accounts, handler: func(c *call) error {
		if err := c.may(c.id("workspace"), rbac.ReadData); err != nil {
			return err
		}
		<-hold
		return c.noContent()
	}}))
	var work sync.WaitGroup
	for range 2 {
		work.Go(func() { p.do(t, "owner", "GET", "/held/"+p.workspace, nil) })
	}
	require.Eventually(t, func() bool { return in.api.Loads()["workspace_requests"].Running == 2 }, 5*time.Second, time.Millisecond)
	for _, who := range []string{"owner", "viewer"} {
		a := p.must(t, 503, who, "GET", p.rows(""), nil)
		require.Equal(t, "workspace_requests", a.text(t, "limit"))
		require.Equal(t, "busy", a.text(t, "code"))
		require.Equal(t, "1", a.header.Get("Retry-After"))
		p.must(t, 200, who, "GET", other.rows(""), nil)
	}
	for range 2 {
		work.Go(func() { p.do(t, "owner", "GET", "/held/"+other.workspace, nil) })
	}
	require.Eventually(t, func() bool { return in.api.Loads()["account_requests"].Running == 4 }, 5*time.Second, time.Millisecond)
	require.Equal(t, "account_requests", p.must(t, 503, "owner", "GET", "/api/v1/auth/me", nil).text(t, "limit"))
	p.must(t, 200, "viewer", "GET", "/api/v1/auth/me", nil)
	close(hold)
	work.Wait()
	p.must(t, 200, "owner", "GET", p.rows(""), nil)
	require.Eventually(t, func() bool { return len(in.api.Loads()) == 0 }, 5*time.Second, time.Millisecond, "everything is given back")
}

// TestLargePagesWithoutRoom: when neither memory nor a stream is left for a workspace's pages, small ones are answered and
// large ones are refused before their first byte.
func TestLargePagesWithoutRoom(t *testing.T) {
	in := newInstance(t, func(o *Options) { o.Concurrency = Concurrency{HeldPerWorkspace: 1, StreamsPerWorkspace: 1} }, "root", "owner")
	p := newPlace(t, in)
	p.fillWide(t, 1000)
	for _, share := range []limit.Share{shareOf("workspace_held", p.workspace, 1), shareOf("workspace_streams", p.workspace, 1)} {
		_, full, err := in.api.shares.Acquire(t.Context(), 0, share)
		require.NoError(t, err)
		require.Empty(t, full)
	}
	a := p.must(t, 503, "owner", "GET", p.rows("?limit=1000"), nil)
	require.Equal(t, "workspace_streams", a.text(t, "limit"))
	p.must(t, 200, "owner", "GET", p.rows("?limit=10"), nil)
}

// fillWide adds rows of about a kilobyte.
func (p *place) fillWide(t testing.TB, n int) {
	t.Helper()
	p.must(t, 201, "owner", "POST", "/api/v1/tables/"+p.table+"/columns", `{"name":"Notes","type":"long_text"}`)
	wide := strings.Repeat("w", 1000)
	for n > 0 {
		var body bytes.Buffer
		body.WriteString(`{"op":"insert","rows":[`)
		part := min(n, 1000)
		for i := range part {
			if i > 0 {
				body.WriteByte(',')
			}
			fmt.Fprintf(&body, `{"fields":{"Name":"n","Notes":"%s"}}`, wide)
		}
		body.WriteString(`]}`)
		p.must(t, 200, "owner", "POST", p.rows("/bulk"), body.String(), "Prefer", "return=minimal")
		n -= part
	}
}
