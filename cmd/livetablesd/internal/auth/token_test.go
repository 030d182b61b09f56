package auth

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
)

// forge signs claims with a header of the attacker's choice. A nil value removes an entry.
func forge(t *testing.T, method jwt.SigningMethod, key any, header, claims map[string]any) string {
	t.Helper()
	token := jwt.NewWithClaims(method, jwt.MapClaims{})
	merge := func(into, from map[string]any) {
		for k, v := range from {
			if into[k] = v; v == nil {
				delete(into, k)
			}
		}
	}
	token.Header["typ"], token.Header["kid"] = accessType, accessKey
	merge(token.Header, header)
	merge(token.Claims.(jwt.MapClaims), claims)
	signed, err := token.SignedString(key)
	require.NoError(t, err)
	return signed
}

// TestAttack37AccessTokens forges access tokens in every way.
func TestAttack37AccessTokens(t *testing.T) {
	f := newFixture(t, nil)
	u := f.user(f.root(), "ann@example.com")
	tokens := f.login("ann@example.com")
	now := f.clock.Now().Unix()
	good := map[string]any{
		"iss": "livetables", "aud": []string{"livetables"}, "sub": u.ID, "sid": tokens.SessionID, "epc": 1,
		"iat": now, "exp": now + 600,
	}
	with := func(change map[string]any) map[string]any {
		out := map[string]any{}
		for k, v := range good {
			out[k] = v
		}
		for k, v := range change {
			out[k] = v
		}
		return out
	}
	key := f.access.key
	_, ed, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	hs256 := jwt.SigningMethodHS256

	_, err = f.Verify(t.Context(), forge(t, hs256, key, nil, good))
	require.NoError(t, err, "the base of all forgeries must be good")

	real := tokens.Access.Reveal()
	parts := strings.Split(real, ".")
	b64 := func(v any) string {
		data, err := json.Marshal(v)
		require.NoError(t, err)
		return base64.RawURLEncoding.EncodeToString(data)
	}
	for name, token := range map[string]string{
		"empty":              "",
		"dots":               "..",
		"alg none":           forge(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil, good),
		"alg None":           b64(map[string]any{"alg": "None", "typ": accessType, "kid": accessKey}) + "." + parts[1] + ".",
		"no signature":       parts[0] + "." + parts[1] + ".",
		"HS384":              forge(t, jwt.SigningMethodHS384, key, nil, good),
		"HS512":              forge(t, jwt.SigningMethodHS512, key, nil, good),
		"EdDSA":              forge(t, jwt.SigningMethodEdDSA, ed, nil, good),
		"RS256":              forge(t, jwt.SigningMethodRS256, rs, nil, good),
		"PS256":              forge(t, jwt.SigningMethodPS256, rs, nil, good),
		"ES256":              forge(t, jwt.SigningMethodES256, ec, nil, good),
		"alg in lower case":  b64(map[string]any{"alg": "hs256", "typ": accessType, "kid": accessKey}) + "." + parts[1] + "." + parts[2],
		"two algs":           base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","alg":"none","typ":"at+jwt","kid":"access-1"}`)) + "." + parts[1] + ".",
		"b64 false":          forge(t, hs256, key, map[string]any{"b64": false}, good),
		"key by address":     forge(t, hs256, key, map[string]any{"jku": "https://evil.test/jwks"}, good),
		"JSON serialisation": `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
		"four parts":         real + "." + parts[2],
		"ID token":           forge(t, hs256, key, map[string]any{"typ": "JWT"}, with(map[string]any{"nonce": "n", "email": "ann@example.com"})),
		"exp too large":      forge(t, hs256, key, nil, with(map[string]any{"exp": 1e300})),
		"exp negative":       forge(t, hs256, key, nil, with(map[string]any{"exp": -1})),
		"aud as object":      forge(t, hs256, key, nil, with(map[string]any{"aud": map[string]any{"$ne": ""}})),
		"sub as list":        forge(t, hs256, key, nil, with(map[string]any{"sub": []string{u.ID}})),
		"epoch as text":      forge(t, hs256, key, nil, with(map[string]any{"epc": "1"})),
		"other key":          forge(t, hs256, []byte("other key other key other key 12"), nil, good),
		"empty key":          forge(t, hs256, []byte{}, nil, good),
		"refresh key":        forge(t, hs256, f.refresh, nil, good),
		"other kid":          forge(t, hs256, key, map[string]any{"kid": "../../dev/null"}, good),
		"no kid":             forge(t, hs256, key, map[string]any{"kid": nil}, good),
		"typ JWT":            forge(t, hs256, key, map[string]any{"typ": "JWT"}, good),
		"no typ":             forge(t, hs256, key, map[string]any{"typ": nil}, good),
		"key in header":      forge(t, hs256, key, map[string]any{"jwk": map[string]any{"kty": "oct", "k": "AA"}}, good),
		"crit":               forge(t, hs256, key, map[string]any{"crit": []string{"exp"}}, good),
		"no exp":             forge(t, hs256, key, nil, with(map[string]any{"exp": nil})),
		"exp as text":        forge(t, hs256, key, nil, with(map[string]any{"exp": "9999999999"})),
		"expired":            forge(t, hs256, key, nil, with(map[string]any{"iat": now - 700, "exp": now - 100})),
		"long life":          forge(t, hs256, key, nil, with(map[string]any{"exp": now + 601})),
		"no iat":             forge(t, hs256, key, nil, with(map[string]any{"iat": nil})),
		"from the future":    forge(t, hs256, key, nil, with(map[string]any{"iat": now + 60})),
		"not yet":            forge(t, hs256, key, nil, with(map[string]any{"nbf": now + 60})),
		"no aud":             forge(t, hs256, key, nil, with(map[string]any{"aud": nil})),
		"wrong aud":          forge(t, hs256, key, nil, with(map[string]any{"aud": "other"})),
		"no iss":             forge(t, hs256, key, nil, with(map[string]any{"iss": nil})),
		"wrong iss":          forge(t, hs256, key, nil, with(map[string]any{"iss": "other"})),
		"no sub":             forge(t, hs256, key, nil, with(map[string]any{"sub": nil})),
		"other sub":          forge(t, hs256, key, nil, with(map[string]any{"sub": "usr_other"})),
		"no session":         forge(t, hs256, key, nil, with(map[string]any{"sid": nil})),
		"unknown session":    forge(t, hs256, key, nil, with(map[string]any{"sid": "ses_other"})),
		"earlier epoch":      forge(t, hs256, key, nil, with(map[string]any{"epc": 0})),
		"later epoch":        forge(t, hs256, key, nil, with(map[string]any{"epc": 2})),
		"refresh token":      tokens.Refresh.Reveal(),
		"too long":           forge(t, hs256, key, nil, with(map[string]any{"pad": strings.Repeat("x", 4096)})),
		"claims of another":  parts[0] + "." + b64(with(map[string]any{"sub": "usr_other"})) + "." + parts[2],
		"padding":            real + "=",
		"white space around": " " + real,
		"line feed inside":   parts[0] + ".\n" + parts[1] + "." + parts[2],
	} {
		t.Run(name, func(t *testing.T) {
			who, err := f.Verify(t.Context(), token)
			require.ErrorIs(t, err, ErrUnauthenticated)
			require.Zero(t, who)
			if token != "" {
				require.NotContains(t, err.Error(), token)
			}
		})
	}
	_, err = f.Refresh(t.Context(), tokens.Access, home)
	require.ErrorIs(t, err, ErrUnauthenticated, "an access token as refresh token")
	f.verify(tokens)
}

// TestFlippedTokens changes every character of a good token.
func TestFlippedTokens(t *testing.T) {
	f := newFixture(t, nil)
	f.user(f.root(), "ann@example.com")
	good := f.login("ann@example.com").Access.Reveal()
	for i := range len(good) {
		for _, bit := range []byte{1, 2, 0x20} {
			bad := []byte(good)
			bad[i] ^= bit
			_, err := f.Verify(t.Context(), string(bad))
			require.ErrorIs(t, err, ErrUnauthenticated, "character %d", i)
		}
	}
}

// TestSignatureHasOneSpelling: the last character of a signature has bits that mean nothing, which must be zero.
func TestSignatureHasOneSpelling(t *testing.T) {
	f := newFixture(t, nil)
	f.user(f.root(), "ann@example.com")
	good := f.login("ann@example.com").Access.Reveal()
	accepted := 0
	for _, last := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" {
		if _, err := f.Verify(t.Context(), good[:len(good)-1]+string(last)); err == nil {
			accepted++
		}
	}
	require.Equal(t, 1, accepted)
}

// TestClockSteps moves the clock by an hour both ways: no token is accepted more than 30 seconds early or late.
func TestClockSteps(t *testing.T) {
	f := newFixture(t, nil)
	f.user(f.root(), "ann@example.com")
	tokens := f.login("ann@example.com")
	check := func(step time.Duration, good bool) {
		t.Helper()
		f.clock.Step(step)
		defer f.clock.Step(-step)
		_, err := f.Verify(t.Context(), tokens.Access.Reveal())
		if good {
			require.NoError(t, err, step)
		} else {
			require.ErrorIs(t, err, ErrUnauthenticated, step)
		}
	}
	check(0, true)
	check(9*time.Minute+59*time.Second, true)
	check(10*time.Minute, false)
	check(time.Hour, false)
	check(-29*time.Second, true) // another node's clock
	check(-31*time.Second, false)
	check(-time.Hour, false)
	// After a step back a refresh helps, and the token it gives is good for ten minutes of the new time.
	f.clock.Step(-time.Hour)
	tokens, err := f.Refresh(t.Context(), tokens.Refresh, home)
	require.NoError(t, err)
	check(0, true)
	check(10*time.Minute, false)
	check(time.Hour, false)
}

// TestVerifyFailsClosed: without the store nobody is anybody.
func TestVerifyFailsClosed(t *testing.T) {
	f := newFixture(t, nil)
	f.user(f.root(), "ann@example.com")
	tokens := f.login("ann@example.com")
	require.NoError(t, f.store.Close())
	who, err := f.Verify(t.Context(), tokens.Access.Reveal())
	require.Error(t, err)
	require.NotErrorIs(t, err, ErrUnauthenticated)
	require.Zero(t, who)
	_, err = f.Login(t.Context(), Credentials{"ann@example.com", passwordOf("ann@example.com")}, home)
	require.Error(t, err)
	require.NotErrorIs(t, err, ErrCredentials)
}

func TestTokensSurviveARestart(t *testing.T) {
	f := newFixture(t, nil)
	f.user(f.root(), "ann@example.com")
	tokens := f.login("ann@example.com")
	require.NoError(t, f.store.Close())
	f.open(nil)
	f.verify(tokens)
	next, err := f.Refresh(t.Context(), tokens.Refresh, home)
	require.NoError(t, err)
	// Other keys: everything issued before is worthless.
	f.open(func(o *Options) { o.Keys = testKeys("other") })
	f.dead(next)
	f.login("ann@example.com")
}

func BenchmarkVerify(b *testing.B) {
	f := newFixture(b, nil)
	f.user(f.root(), "ann@example.com")
	token := f.login("ann@example.com").Access.Reveal()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Verify(b.Context(), token); err != nil {
			b.Fatal(err)
		}
	}
}
