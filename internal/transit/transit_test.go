package transit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/seal"
	"github.com/livetables/livetables/internal/testenv/transitserver"
)

func open(t *testing.T, s *transitserver.Server, key string, change func(*Options)) *Client {
	t.Helper()
	opt := Options{Address: s.Address, Key: key, TokenFile: s.TokenFile, Timeout: 500 * time.Millisecond, Cooldown: 200 * time.Millisecond}
	if change != nil {
		change(&opt)
	}
	c, err := New(opt)
	require.NoError(t, err)
	return c
}

// servers are those to test with: our own, and the one that the environment names.
func servers(t *testing.T) map[string]*transitserver.Server {
	list := map[string]*transitserver.Server{"own": transitserver.Start(t)}
	if s := transitserver.Named(t); s != nil {
		list["named"] = s
	}
	return list
}

var here = seal.Binding{Workspace: "wsp_1", ID: "con_1", Field: "password", Version: 1}.AAD()

// TestProtocol goes through wrapping, unwrapping, rotation and the refusals, at every server there is.
func TestProtocol(t *testing.T) {
	for name, s := range servers(t) {
		t.Run(name, func(t *testing.T) {
			key := fmt.Sprintf("k%d", time.Now().UnixNano())
			s.MakeKey(t, key, true)
			c := open(t, s, key, nil)
			id, err := c.KeyID(t.Context())
			require.NoError(t, err)
			require.Equal(t, "transit:transit/"+key+":v1", id)
			dataKey := bytes.Repeat([]byte{7, 9}, 16)
			wrapped, by, err := c.Wrap(t.Context(), dataKey, here)
			require.NoError(t, err)
			require.Equal(t, id, by)
			require.NotContains(t, string(wrapped), string(dataKey))
			plain, err := c.Unwrap(t.Context(), by, wrapped, here)
			require.NoError(t, err)
			require.Equal(t, dataKey, plain)

			elsewhere := seal.Binding{Workspace: "wsp_2", ID: "con_1", Field: "password", Version: 1}.AAD()
			_, err = c.Unwrap(t.Context(), by, wrapped, elsewhere)
			require.ErrorIs(t, err, seal.ErrOpen, "the service itself refuses another place")
			_, _, err = c.Rewrap(t.Context(), by, wrapped, elsewhere)
			require.ErrorIs(t, err, seal.ErrOpen)
			_, err = c.Unwrap(t.Context(), "0011223344556677", wrapped, here)
			require.ErrorIs(t, err, seal.ErrUnknownKey)
			_, err = c.Unwrap(t.Context(), c.id(2), wrapped, here)
			require.ErrorIs(t, err, seal.ErrOpen, "an id that is not the ciphertext's own")
			for i := range wrapped {
				bad := bytes.Clone(wrapped)
				bad[i] ^= 4
				_, err := c.Unwrap(t.Context(), by, bad, here)
				require.Truef(t, errors.Is(err, seal.ErrOpen) || errors.Is(err, seal.ErrUnknownKey), "byte %d: %v", i, err)
			}

			s.Rotate(t, key)
			id, err = c.KeyID(t.Context())
			require.NoError(t, err)
			require.Equal(t, "transit:transit/"+key+":v2", id)
			again, by2, err := c.Rewrap(t.Context(), by, wrapped, here)
			require.NoError(t, err)
			require.Equal(t, id, by2)
			s.Least(t, key, 2)
			plain, err = c.Unwrap(t.Context(), by2, again, here)
			require.NoError(t, err)
			require.Equal(t, dataKey, plain)
			_, err = c.Unwrap(t.Context(), by, wrapped, here)
			require.ErrorIs(t, err, seal.ErrUnknownKey, "the old version was given up")

			s.MakeKey(t, key+"loose", false)
			_, _, err = open(t, s, key+"loose", nil).Wrap(t.Context(), dataKey, here)
			require.ErrorContains(t, err, "derived=true", "a key that ignores the place is not used")
			_, _, err = open(t, s, key+"none", nil).Wrap(t.Context(), dataKey, here)
			require.ErrorIs(t, err, seal.ErrUnavailable)
			s.Least(t, key, 1)
		})
	}
}

// TestFailures: whatever the service does, the answer is that it is unavailable, within bounds of time and memory, nothing
// of the token or a key is in the error, and it works again by itself.
func TestFailures(t *testing.T) {
	s := transitserver.Start(t)
	s.MakeKey(t, "k", true)
	token, err := os.ReadFile(s.TokenFile)
	require.NoError(t, err)
	for _, mode := range []string{"sealed", "down", "slow", "garbage", "flood", "redirect", "denied"} {
		t.Run(mode, func(t *testing.T) {
			c := open(t, s, "k", nil)
			sealer, err := seal.OpenWithRoot(t.Context(), c, filepath.Join(t.TempDir(), "root"), nil)
			require.NoError(t, err)
			box, err := sealer.Seal(t.Context(), []byte("secret"), here)
			require.NoError(t, err)
			s.Mode(t, mode)
			defer s.Mode(t, "ok")
			for range 4 {
				began := time.Now()
				_, err = sealer.Open(t.Context(), box, here)
				require.ErrorIs(t, err, seal.ErrUnavailable)
				require.NotErrorIs(t, err, seal.ErrOpen)
				require.Less(t, time.Since(began), 3*time.Second)
				require.NotContains(t, err.Error(), string(bytes.TrimSpace(token)))
				_, err = sealer.Seal(t.Context(), []byte("secret"), here)
				require.ErrorIs(t, err, seal.ErrUnavailable)
			}
			s.Mode(t, "ok")
			require.Eventually(t, func() bool {
				plain, err := sealer.Open(t.Context(), box, here)
				return err == nil && string(plain) == "secret"
			}, 3*time.Second, 20*time.Millisecond, "it comes back by itself")
		})
	}
}

// TestRetryAndBreaker counts what reaches the service.
func TestRetryAndBreaker(t *testing.T) {
	s := transitserver.Start(t)
	s.MakeKey(t, "k", true)
	c := open(t, s, "k", func(o *Options) { o.Cooldown = time.Minute })
	_, err := c.KeyID(t.Context())
	require.NoError(t, err)
	s.Mode(t, "sealed")
	before := s.Calls(t)
	_, err = c.KeyID(t.Context())
	var down *seal.UnavailableError
	require.ErrorAs(t, err, &down)
	require.Equal(t, time.Minute, down.RetryAfter)
	require.Equal(t, before+3, s.Calls(t), "three attempts")
	for range 20 {
		_, err = c.KeyID(t.Context())
		require.ErrorIs(t, err, seal.ErrUnavailable)
	}
	require.Equal(t, before+9, s.Calls(t), "after three calls that failed it is left alone")

	c = open(t, s, "k", nil)
	s.Mode(t, "denied")
	before = s.Calls(t)
	_, err = c.KeyID(t.Context())
	require.ErrorIs(t, err, seal.ErrUnavailable)
	require.Equal(t, before+1, s.Calls(t), "a refusal is not tried again")

	s.Mode(t, "slow")
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	began := time.Now()
	_, err = c.KeyID(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.Less(t, time.Since(began), 400*time.Millisecond)
}

// TestTokenFile: the token is read again for every call, and only from a file that not everybody can read.
func TestTokenFile(t *testing.T) {
	s := transitserver.Start(t)
	s.MakeKey(t, "k", true)
	good, err := os.ReadFile(s.TokenFile)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "token")
	c := open(t, s, "k", func(o *Options) { o.TokenFile = path })
	_, err = c.KeyID(t.Context())
	require.ErrorIs(t, err, os.ErrNotExist)
	for _, bad := range []string{"", "  \n", "two words", "token\x00", "tökén", string(bytes.Repeat([]byte("x"), maxToken+1))} {
		require.NoError(t, os.WriteFile(path, []byte(bad), 0o600))
		c = open(t, s, "k", func(o *Options) { o.TokenFile = path })
		_, err = c.KeyID(t.Context())
		require.ErrorContains(t, err, "no token")
	}
	require.NoError(t, os.WriteFile(path, good, 0o600))
	time.Sleep(250 * time.Millisecond)
	_, err = c.KeyID(t.Context())
	require.NoError(t, err, "a renewed token is seen")
	if runtime.GOOS == "windows" {
		return
	}
	require.NoError(t, os.Chmod(path, 0o644))
	_, err = c.KeyID(t.Context())
	require.ErrorContains(t, err, "readable by everybody")
}

func TestOptionsAreChecked(t *testing.T) {
	good := Options{Address: "https://vault.example.com:8200", Key: "k", TokenFile: "t"}
	_, err := New(good)
	require.NoError(t, err)
	for name, tc := range map[string]struct {
		change func(*Options)
		want   string
	}{
		"plain":             {func(o *Options) { o.Address = "http://vault.example.com:8200" }, "without TLS"},
		"plain by name":     {func(o *Options) { o.Address = "http://localhost:8200" }, "without TLS"},
		"other port":        {func(o *Options) { o.Address = "http://vault.internal:8300" }, "without TLS"},
		"user in address":   {func(o *Options) { o.Address = "https://u:hunter2@vault.example.com" }, "of the form"},
		"path":              {func(o *Options) { o.Address = "https://vault.example.com/v1" }, "of the form"},
		"no host":           {func(o *Options) { o.Address = "https://" }, "of the form"},
		"scheme":            {func(o *Options) { o.Address = "ftp://vault.example.com" }, "scheme"},
		"key with a path":   {func(o *Options) { o.Key = "../sys/seal" }, "key"},
		"mount that climbs": {func(o *Options) { o.Mount = "transit/../sys" }, "mount"},
		"namespace":         {func(o *Options) { o.Namespace = "a\r\nX: y" }, "namespace"},
		"no token file":     {func(o *Options) { o.TokenFile = "" }, "token file"},
		"no certificates":   {func(o *Options) { o.RootCA = []byte("none") }, "PEM"},
		"attempts":          {func(o *Options) { o.Attempts = -1 }, "attempts"},
	} {
		t.Run(name, func(t *testing.T) {
			opt := good
			opt.Plain = func(host string, port int) bool { return host == "vault.internal" && port == 8200 }
			tc.change(&opt)
			_, err := New(opt)
			require.ErrorContains(t, err, tc.want)
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
	for _, address := range []string{"http://127.0.0.1:8200", "http://[::1]:8200", "http://vault.internal:8200"} {
		opt := good
		opt.Address, opt.Plain = address, func(host string, port int) bool { return host == "vault.internal" && port == 8200 }
		_, err := New(opt)
		require.NoError(t, err, address)
	}
}
