package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strings"

	"github.com/livetables/livetables"
)

// refreshPrefix marks refresh tokens, so that one found where it does not belong is recognised.
const refreshPrefix = "ltr_"

const (
	refreshSecret = 32 // random bytes
	refreshBody   = 8 + refreshSecret + sha256.Size
)

// refreshToken is the parsed form of "ltr_<session>.<body>", whose body is the generation, a random secret and a
// signature over all. The store keeps only the hash of the newest secret of a session; the signature proves that an older
// generation was once ours, so that any earlier token of a session is known as a reuse for as long as the session
// lives, while a made-up one is not and cannot end a session.
type refreshToken struct {
	sessionID  string
	generation int64
	secret     [refreshSecret]byte
}

// newRefreshToken draws a secret; a generation is issued once.
func newRefreshToken(sessionID string, generation int64) refreshToken {
	t := refreshToken{sessionID: sessionID, generation: generation}
	_, _ = rand.Read(t.secret[:])
	return t
}

// hash is what the store keeps. The secret has 256 random bits: a plain hash cannot be searched.
func (t refreshToken) hash() string {
	sum := sha256.Sum256(t.secret[:])
	return hex.EncodeToString(sum[:])
}

func (t refreshToken) matches(hash string) bool {
	return subtle.ConstantTimeCompare([]byte(t.hash()), []byte(hash)) == 1
}

func (t refreshToken) sign(key []byte) []byte {
	mac := hmac.New(sha256.New, key)
	_ = binary.Write(mac, binary.BigEndian, t.generation)
	_, _ = mac.Write(t.secret[:])
	_, _ = mac.Write([]byte(t.sessionID)) // last: the parts before it have fixed lengths
	return mac.Sum(nil)
}

// text is the form that the client keeps.
func (t refreshToken) text(key []byte) livetables.Secret {
	body := make([]byte, 0, refreshBody)
	body = binary.BigEndian.AppendUint64(body, uint64(t.generation))
	body = append(body, t.secret[:]...)
	body = append(body, t.sign(key)...)
	return livetables.NewSecret(refreshPrefix + t.sessionID + "." + base64.RawURLEncoding.EncodeToString(body))
}

// parseRefreshToken is the inverse of text; ok is false for anything that text did not make under the key.
func parseRefreshToken(text string, key []byte) (t refreshToken, ok bool) {
	if len(text) > 256 {
		return t, false
	}
	rest, ok := strings.CutPrefix(text, refreshPrefix)
	if !ok {
		return t, false
	}
	id, encoded, ok := strings.Cut(rest, ".")
	if !ok || id == "" {
		return t, false
	}
	body, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil || len(body) != refreshBody || strings.ContainsAny(encoded, "\r\n") {
		return t, false
	}
	t.sessionID = id
	t.generation = int64(binary.BigEndian.Uint64(body))
	copy(t.secret[:], body[8:])
	return t, hmac.Equal(body[8+refreshSecret:], t.sign(key))
}
