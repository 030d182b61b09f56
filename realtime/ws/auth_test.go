package ws

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
)

// TestAttack57ForeignOrigin: 403 before the upgrade and before the credentials are even looked at.
func TestAttack57ForeignOrigin(t *testing.T) {
	f := newFixture(t, Limits{}, nil)
	listed := newFixture(t, Limits{}, func(o *Options) { o.Origins = []string{"https://app.example.com"} })
	own := f.server.URL
	for _, test := range []struct {
		f       *fixture
		origins []string
		allowed bool
	}{
		{f, nil, true}, {f, []string{own}, true}, {f, []string{strings.Replace(own, "http:", "https:", 1)}, true},
		{f, []string{"https://evil.example"}, false}, {f, []string{"null"}, false}, {f, []string{""}, false},
		{f, []string{own + ".evil.example"}, false}, {f, []string{own + "/"}, false}, {f, []string{own + "@evil.example"}, false},
		{f, []string{own, "https://evil.example"}, false}, {f, []string{"file://"}, false}, {f, []string{"http://127.0.0.1"}, false},
		{f, []string{"http://user@" + strings.TrimPrefix(own, "http://")}, false}, {f, []string{"ftp://" + strings.TrimPrefix(own, "http://")}, false},
		{listed, nil, true}, {listed, []string{"https://app.example.com"}, true}, {listed, []string{listed.server.URL}, false},
		{listed, []string{"http://app.example.com"}, false}, {listed, []string{"https://APP.example.com"}, false},
		{listed, []string{"https://app.example.com:443"}, false}, {listed, []string{"https://app.example.com.evil.example"}, false},
		{listed, []string{"https://xapp.example.com"}, false}, {listed, []string{"https://app.example.com/"}, false},
	} {
		header := http.Header{"Authorization": {"Bearer ann"}, "Cookie": {"session=good"}}
		if test.origins != nil {
			header["Origin"] = test.origins
		}
		before := test.f.auths
		socket, response, err := test.f.try(header)
		if test.allowed {
			require.NoError(t, err, test.origins)
			_ = socket.CloseNow()
			continue
		}
		require.Error(t, err, test.origins)
		require.Equal(t, http.StatusForbidden, response.StatusCode, test.origins)
		require.Equal(t, before, test.f.auths, "credentials were looked at")
	}
	_, err := New(Options{Origins: []string{"https://*.example.com/", "example.com", "https://App.example.com"}})
	require.Error(t, err)
	require.Len(t, errors.Unwrap(err).(interface{ Unwrap() []error }).Unwrap(), 5)
}

func TestHeaderCredentials(t *testing.T) {
	f := newFixture(t, Limits{}, nil)
	refused := func(status int, header http.Header) {
		t.Helper()
		_, response, err := f.try(header)
		require.Error(t, err)
		require.Equal(t, status, response.StatusCode)
		require.Equal(t, "no-store", response.Header.Get("Cache-Control"))
	}
	for _, values := range [][]string{{"Bearer nobody"}, {"Bearer"}, {"Bearer "}, {"Basic ann"}, {"ann"}, {""}, {"Bearer ann", "Bearer ann"}} {
		refused(http.StatusUnauthorized, http.Header{"Authorization": values})
	}
	f.set(func() { f.authErr = ErrForbidden })
	refused(http.StatusForbidden, http.Header{"Authorization": {"Bearer ann"}})
	f.set(func() { f.authErr = errors.New("store is down") })
	refused(http.StatusServiceUnavailable, http.Header{"Authorization": {"Bearer ann"}})
	f.set(func() { f.authErr = nil })
	c := f.dialWith(http.Header{"Authorization": {"bearer ann"}})
	c.ask(subscribe1, `{"id":2,"ok":{"mode":"snapshot","epoch":"k1","offset":0}}`)
	require.NotContains(t, f.log.String(), "Bearer")
}

func TestAttack71TokensDoNotBelongIntoURLs(t *testing.T) {
	f := newFixture(t, Limits{}, nil)
	for _, query := range []string{"?token=ann", "?access_token=ann", "?x=1&Token=ann", "?auth="} {
		_, response, err := websocket.Dial(t.Context(), f.server.URL+"/"+query, nil)
		require.Error(t, err)
		require.Equal(t, http.StatusBadRequest, response.StatusCode, query)
	}
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodHead} { // not a WebSocket
		request, err := http.NewRequestWithContext(t.Context(), method, f.server.URL, nil)
		require.NoError(t, err)
		response, err := f.server.Client().Do(request)
		require.NoError(t, err)
		_ = response.Body.Close()
		require.GreaterOrEqual(t, response.StatusCode, 400)
	}
}

// TestAttack58NothingWithoutCredentials: any operation of an unknown client ends its connection with nothing done.
func TestAttack58NothingWithoutCredentials(t *testing.T) {
	f := newFixture(t, Limits{Auth: 100 * time.Millisecond}, nil)
	for _, command := range []string{
		subscribe1, `{"op":"ping"}`, `{"op":"unsubscribe","room":"/data/tbl_1"}`, `{"op":"ack","room":"/data/tbl_1","offset":0}`,
		`{"op":"nonsense"}`, `{"op":""}`, `{}`, `{"id":1,"op":"auth"}`, `{"id":1,"op":"auth","token":""}`,
		`{"id":1,"op":"auth","token":"nobody"}`,
	} {
		c := f.dial()
		began := time.Now()
		c.send(command)
		closed := c.ends(CloseToken)
		require.Less(t, time.Since(began), 5*time.Second)
		require.NotContains(t, closed.Reason, "secret")
	}
	require.Zero(t, f.rooms.calls)
	f.dial().ends(CloseToken) // says nothing at all
	f.set(func() { f.authErr = errors.New("store is down") })
	c := f.dial()
	c.send(`{"op":"auth","token":"ann"}`)
	c.ends(CloseDraining)
	f.set(func() { f.authErr = ErrForbidden })
	c = f.dial()
	c.send(`{"op":"auth","token":"ann"}`)
	c.ends(CloseForbidden)
	f.gone()
}

func TestTokenExpires(t *testing.T) {
	f := newFixture(t, Limits{Expiring: 200 * time.Millisecond, Grace: 200 * time.Millisecond}, nil)
	expiresIn := func(token string, d time.Duration) {
		f.set(func() {
			s := f.subjects[token]
			s.ExpiresAt = time.Now().Add(d)
			f.subjects[token] = s
		})
	}
	expiresIn("ann", 400*time.Millisecond)
	c := f.login("ann")
	began := time.Now()
	got, err := c.read()
	require.NoError(t, err)
	require.Contains(t, got, `{"event":"auth:expiring","data":{"expires_at":"20`)
	require.GreaterOrEqual(t, time.Since(began), 150*time.Millisecond)
	// A new token in time continues the connection.
	expiresIn("ann", 500*time.Millisecond)
	c.send(`{"id":1,"op":"auth","token":"ann"}`)
	got, err = c.read()
	require.NoError(t, err)
	require.Contains(t, got, `{"id":1,"ok":{"user":"usr_ann"`)
	c.ask(subscribe1, `{"id":2,"ok":{"mode":"snapshot","epoch":"k1","offset":0}}`)
	got, err = c.read()
	require.NoError(t, err)
	require.Contains(t, got, "auth:expiring")
	c.ends(CloseToken)
	require.GreaterOrEqual(t, time.Since(began), 800*time.Millisecond, "the second token and its grace")
	// A token that is near its end when it comes is announced at once.
	expiresIn("ann", time.Millisecond)
	c = f.login("ann")
	got, err = c.read()
	require.NoError(t, err)
	require.Contains(t, got, "auth:expiring")
}

func TestAnotherUsersToken(t *testing.T) {
	f := newFixture(t, Limits{}, nil)
	f.set(func() { f.subjects["ann2"] = Subject{User: "usr_ann", Workspace: "wsp_2"} })
	for _, token := range []string{"bob", "ann2"} {
		c := f.login("ann")
		c.send(`{"id":1,"op":"auth","token":"` + token + `"}`)
		c.ends(CloseForbidden)
	}
	c := f.login("ann")
	c.ask(`{"id":1,"op":"auth","token":"ann"}`, `{"id":1,"ok":{"user":"usr_ann","workspace":"wsp_1"}}`)
	c.send(`{"id":1,"op":"auth","token":"stolen"}`)
	c.ends(CloseToken)
}

// TestEndedSessions: logout, suspension and removal end open connections.
func TestEndedSessions(t *testing.T) {
	f := newFixture(t, Limits{Recheck: 20 * time.Millisecond}, nil)
	for _, test := range []struct {
		err  error
		code websocket.StatusCode
	}{{ErrUnauthorized, CloseToken}, {ErrForbidden, CloseForbidden}, {errors.New("store is down"), CloseDraining}} {
		f.set(func() { delete(f.sessions, "ses_ann") })
		c, other := f.login("ann"), f.login("bob")
		c.ask(subscribe1, `{"id":2,"ok":{"mode":"snapshot","epoch":"k1","offset":0}}`)
		time.Sleep(60 * time.Millisecond)
		f.set(func() { f.sessions["ses_ann"] = test.err })
		c.ends(test.code)
		other.ask(`{"id":2,"op":"unsubscribe","room":"x"}`, `{"id":2,"err":{"code":"not_found","message":"not subscribed to this room"}}`)
		require.NoError(t, other.socket.Close(1000, ""))
	}
}
