package s3

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/livetables/livetables/internal/testenv"
	"github.com/livetables/livetables/minidb/blob"
	"github.com/livetables/livetables/minidb/blob/blobtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func bucket(t *testing.T) Options {
	u, err := url.Parse(testenv.S3(t))
	require.NoError(t, err)
	secret, _ := u.User.Password()
	return Options{Endpoint: u.Scheme + "://" + u.Host, Region: "us-east-1", Bucket: strings.Trim(u.Path, "/"), AccessKey: u.User.Username(), SecretKey: secret}
}

func open(t *testing.T, opt Options) *Store {
	s, err := Open(t.Context(), opt)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func TestStore(t *testing.T) {
	blobtest.Run(t, open(t, bucket(t)))
}

// TestPrefix: two stores of one bucket do not see each other.
func TestPrefix(t *testing.T) {
	opt := bucket(t)
	outer := open(t, opt)
	opt.Prefix = "live/tables"
	s := open(t, opt)
	blobtest.Run(t, s)
	require.NoError(t, outer.Put(t.Context(), "live/tablesx", strings.NewReader("x"), 1))
	require.NoError(t, outer.Put(t.Context(), "ws_z/att_1", strings.NewReader("x"), 1))
	keys, err := s.List(t.Context(), "ws_z", "", 10)
	require.NoError(t, err)
	require.Empty(t, keys)
	_, err = s.Open(t.Context(), "ws_z/att_1", 0, -1)
	require.ErrorIs(t, err, blob.ErrNotFound)
	keys, err = outer.List(t.Context(), "live/tables/", "", 10)
	require.NoError(t, err)
	require.NotEmpty(t, keys)
}

func TestRefused(t *testing.T) {
	opt := bucket(t)
	for name, change := range map[string]func(*Options){
		"no endpoint":    func(o *Options) { o.Endpoint = "" },
		"a path":         func(o *Options) { o.Endpoint += "/x" },
		"a user":         func(o *Options) { o.Endpoint = strings.Replace(o.Endpoint, "://", "://u:p@", 1) },
		"another scheme": func(o *Options) { o.Endpoint = "file:///etc" },
		"no bucket":      func(o *Options) { o.Bucket = "" },
		"no key":         func(o *Options) { o.AccessKey = "" },
		"no secret":      func(o *Options) { o.SecretKey = "" },
		"a bad prefix":   func(o *Options) { o.Prefix = "../x" },
		"no such bucket": func(o *Options) { o.Bucket = "there-is-none" },
		"a wrong secret": func(o *Options) { o.SecretKey = "canary-of-the-secret" },
	} {
		t.Run(name, func(t *testing.T) {
			o := opt
			change(&o)
			s, err := Open(t.Context(), o)
			require.Error(t, err)
			require.Nil(t, s)
			require.NotContains(t, err.Error(), "canary")
		})
	}
}

// TestNoAnswer: a service that fails is no missing blob.
func TestNoAnswer(t *testing.T) {
	down := false
	opt := bucket(t)
	target, err := url.Parse(opt.Endpoint)
	require.NoError(t, err)
	opt.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		if down {
			w := httptest.NewRecorder()
			w.WriteHeader(http.StatusForbidden)
			return w.Result(), nil
		}
		require.Equal(t, target.Host, r.URL.Host)
		return plain.RoundTrip(r)
	})
	defer plain.CloseIdleConnections()
	s := open(t, opt)
	require.NoError(t, s.Put(t.Context(), "ws_a/att_1", strings.NewReader("x"), 1))
	down = true
	_, err = s.Open(t.Context(), "ws_a/att_1", 0, -1)
	require.Error(t, err)
	require.NotErrorIs(t, err, blob.ErrNotFound)
	require.Error(t, s.Put(t.Context(), "ws_a/att_2", strings.NewReader("x"), 1))
	require.Error(t, s.Delete(t.Context(), "ws_a/att_1"))
	_, err = s.List(t.Context(), "", "", 10)
	require.Error(t, err)
	down = false
	keys, err := s.List(t.Context(), "", "", 10)
	require.NoError(t, err)
	require.Equal(t, []string{"ws_a/att_1"}, keys)
}

var plain = &http.Transport{}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
