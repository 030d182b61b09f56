package auth

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/oauth2"

	"github.com/livetables/livetables"
)

// flow is what must be remembered between the start of a login at the issuer and its end. It is kept by the browser, sealed,
// so that strangers who start logins and never finish them cost no memory.
type flow struct {
	State    string    `json:"state"`
	Nonce    string    `json:"nonce"`
	Verifier string    `json:"verifier"` // of PKCE
	Next     string    `json:"next"`
	Expires  time.Time `json:"expires"`
}

const (
	maxNext = 1024 // bytes
	maxFlow = 4096 // bytes of a sealed flow, which browsers keep as a cookie
)

func newFlow(next string, expires time.Time) flow {
	return flow{State: randomText(), Nonce: randomText(), Verifier: oauth2.GenerateVerifier(), Next: next, Expires: expires.UTC()}
}

// randomText is 256 random bits as text.
func randomText() string {
	var b [32]byte
	_, _ = rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// flowID is what is kept of a state.
func flowID(state string) string {
	sum := sha256.Sum256([]byte("oidc state " + state))
	return hex.EncodeToString(sum[:])
}

// seal encrypts a flow with AES-256-GCM.
func (f flow) seal(key []byte) (livetables.Secret, error) {
	plain, err := json.Marshal(f)
	if err != nil {
		return livetables.Secret{}, err
	}
	aead, err := flowCipher(key)
	if err != nil {
		return livetables.Secret{}, err
	}
	return livetables.NewSecret(base64.RawURLEncoding.EncodeToString(aead.Seal(nil, nil, plain, []byte("oidc flow")))), nil
}

// openFlow is the inverse of seal.
func openFlow(key []byte, sealed livetables.Secret) (f flow, err error) {
	if sealed.IsZero() {
		return f, errors.New("the browser brings no flow")
	}
	if len(sealed.Reveal()) > maxFlow {
		return f, errors.New("the flow is too long")
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(sealed.Reveal())
	if err != nil {
		return f, errors.New("the flow is damaged")
	}
	aead, err := flowCipher(key)
	if err != nil {
		return f, err
	}
	plain, err := aead.Open(nil, nil, raw, []byte("oidc flow"))
	if err != nil {
		return f, errors.New("the flow is not ours")
	}
	if err := json.Unmarshal(plain, &f); err != nil {
		return f, fmt.Errorf("read flow: %w", err)
	}
	return f, nil
}

// flowCipher draws a nonce for every message.
func flowCipher(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// ownPath reports whether next leads to our own host in every reading of it: browsers take "//host", "/\host" and what has a
// tab or line feed in between for addresses of other hosts.
func ownPath(next string) bool {
	if len(next) > maxNext || !utf8.ValidString(next) || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") {
		return false
	}
	if strings.ContainsFunc(next, func(r rune) bool { return r == '\\' || unicode.IsControl(r) || unicode.IsSpace(r) }) {
		return false
	}
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" {
		return false
	}
	// What is escaped must not become a host when somebody on the way unescapes it.
	return !strings.HasPrefix(u.Path, "//") && !strings.Contains(u.Path, `\`) && !strings.ContainsFunc(u.Path, unicode.IsControl)
}
