package oidctest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"math/big"
	"net/http"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// signingKey is a key with its name and algorithm.
type signingKey struct {
	id     string
	method jwt.SigningMethod
	key    crypto.Signer
}

// Rotate makes a new key and signs with it from now on; the old ones are no longer published. algorithm is RS256 or ES256.
func (i *Issuer) Rotate(algorithm string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = []signingKey{newSigningKey(algorithm)}
}

func newSigningKey(algorithm string) signingKey {
	var key crypto.Signer
	var err error
	switch algorithm {
	case "RS256":
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	case "ES256":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	default:
		panic("oidctest: algorithm " + algorithm)
	}
	if err != nil {
		panic("oidctest: " + err.Error())
	}
	return signingKey{random(), jwt.GetSigningMethod(algorithm), key}
}

func (i *Issuer) jwks(w http.ResponseWriter, _ *http.Request) {
	i.mu.Lock()
	keys := append([]signingKey(nil), i.keys...)
	i.mu.Unlock()
	list := make([]map[string]string, len(keys))
	for n, k := range keys {
		list[n] = k.public()
	}
	answer(w, http.StatusOK, map[string]any{"keys": list})
}

// public is the key as a JSON Web Key (RFC 7517 and 7518).
func (k signingKey) public() map[string]string {
	doc := map[string]string{"kid": k.id, "alg": k.method.Alg(), "use": "sig"}
	switch pub := k.key.Public().(type) {
	case *rsa.PublicKey:
		doc["kty"], doc["n"], doc["e"] = "RSA", number(pub.N.Bytes()), number(big.NewInt(int64(pub.E)).Bytes())
	case *ecdsa.PublicKey:
		point, err := pub.Bytes() // 4, then both coordinates
		if err != nil {
			panic("oidctest: " + err.Error())
		}
		doc["kty"], doc["crv"], doc["x"], doc["y"] = "EC", "P-256", number(point[1:33]), number(point[33:])
	}
	return doc
}

func number(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// idToken makes the ID token of a login (OpenID Connect Core 1.0, section 2).
func (i *Issuer) idToken(g grant) string {
	client, _, fault := i.state()
	now := i.now()
	claims := map[string]any{
		"iss": i.URL(), "aud": client.ID, "sub": g.person.Subject, "nonce": g.nonce,
		"iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
	}
	if g.person.Email != "" {
		claims["email"] = g.person.Email
	}
	if g.person.EmailVerified != nil {
		claims["email_verified"] = g.person.EmailVerified
	}
	if g.person.Name != "" {
		claims["name"] = g.person.Name
	}
	if fault.Claims != nil {
		fault.Claims(claims)
	}
	if fault.Forge != nil {
		return fault.Forge(i, claims)
	}
	return i.Sign(claims)
}

// Sign signs claims with the present key.
func (i *Issuer) Sign(claims map[string]any) string {
	i.mu.Lock()
	k := i.keys[len(i.keys)-1]
	i.mu.Unlock()
	return SignWith(k.method, k.key, k.id, claims)
}

// SignUnpublished signs claims with a key that no one is told of, under the name of the present one.
func (i *Issuer) SignUnpublished(claims map[string]any) string {
	stranger := newSigningKey("RS256")
	return SignWith(stranger.method, stranger.key, i.KeyID(), claims)
}

// KeyID names the present key.
func (i *Issuer) KeyID() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.keys[len(i.keys)-1].id
}

// PublicModulus is what anybody can know of the present RSA key: a secret to those who check an HMAC with a public key. It
// is nil for other keys.
func (i *Issuer) PublicModulus() []byte {
	i.mu.Lock()
	defer i.mu.Unlock()
	if pub, ok := i.keys[len(i.keys)-1].key.Public().(*rsa.PublicKey); ok {
		return pub.N.Bytes()
	}
	return nil
}

// SignWith signs claims with any key and method, for forgeries. It panics when they do not fit.
func SignWith(method jwt.SigningMethod, key any, kid string, claims map[string]any) string {
	t := jwt.NewWithClaims(method, jwt.MapClaims(claims))
	t.Header["kid"] = kid
	text, err := t.SignedString(key)
	if err != nil {
		panic("oidctest: " + err.Error())
	}
	return text
}
