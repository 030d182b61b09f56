package lqp

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"
)

// ErrCursor is the one error of a token that does not continue the query at hand, whatever the reason: altered, made with
// another key, for another query, principal, workspace or policy, or too old. Clients learn no more than that; the
// wrapping error says more and is for the log.
var ErrCursor = errors.New("the cursor is not valid for this query")

const (
	cursorVersion = 1
	maxCursor     = 64 << 10 // bytes of a token
	cursorTag     = 8        // bytes of the hash of the policy version that a token holds
)

// Cursor is a place in the result of a query.
type Cursor struct {
	After  []Value // sort-key values of the last row seen, nil when pages go by offset
	Offset int     // rows to skip after that
}

// CursorScope is what a cursor is bound to: it opens only where all of this is the same.
type CursorScope struct {
	Query     [sha256.Size]byte // see QueryHash
	Principal string
	Workspace string
	Policy    string // version of the rules under which the page was read
}

// CursorKey seals and opens cursors. It is immutable and may be shared between goroutines.
type CursorKey struct{ aead cipher.AEAD }

// NewCursorKey derives a key from a master secret of at least 32 bytes, which may serve other purposes too.
func NewCursorKey(master []byte) (*CursorKey, error) {
	if len(master) < 32 {
		return nil, fmt.Errorf("cursor key: the master secret has %d bytes, at least 32 are needed", len(master))
	}
	key, err := hkdf.Key(sha256.New, master, nil, "livetables cursor v1", 32)
	if err != nil {
		return nil, fmt.Errorf("cursor key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("cursor key: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block) // each token has its own nonce in front
	if err != nil {
		return nil, fmt.Errorf("cursor key: %w", err)
	}
	return &CursorKey{aead}, nil
}

// Seal makes an opaque, URL-safe token of a place. It is encrypted: the sort-key values stay with us. It fails only when
// a value is of a kind that cannot be sorted by or the values together are too long for a token.
func (k *CursorKey) Seal(c Cursor, scope CursorScope, expires time.Time) (string, error) {
	plain := binary.AppendVarint(nil, expires.Unix())
	plain = append(plain, scope.Query[:]...)
	plain = append(plain, policyTag(scope.Policy)...)
	plain = binary.AppendUvarint(plain, uint64(max(c.Offset, 0)))
	plain = binary.AppendUvarint(plain, uint64(len(c.After)))
	var err error
	for i, v := range c.After {
		if plain, err = appendCursorValue(plain, v); err != nil {
			return "", fmt.Errorf("seal cursor: sort key %d: %w", i+1, err)
		}
	}
	sealed := k.aead.Seal([]byte{cursorVersion}, nil, plain, scope.identity())
	if token := base64.RawURLEncoding.EncodeToString(sealed); len(token) <= maxCursor {
		return token, nil
	}
	return "", errors.New("seal cursor: the values of the sort keys are too long")
}

// Open reads a token that Seal made in the same scope and that has not expired. Every error wraps ErrCursor.
func (k *CursorKey) Open(token string, scope CursorScope, now time.Time) (Cursor, error) {
	if len(token) > maxCursor {
		return Cursor{}, cursorError("the token is too long")
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(sealed) == 0 {
		return Cursor{}, cursorError("the token is not base64")
	}
	if sealed[0] != cursorVersion {
		return Cursor{}, cursorError("unknown version")
	}
	plain, err := k.aead.Open(nil, nil, sealed[1:], scope.identity())
	if err != nil {
		return Cursor{}, cursorError("altered, or another key, principal or workspace")
	}
	return readCursor(plain, scope, now)
}

func cursorError(reason string) error { return fmt.Errorf("%w: %s", ErrCursor, reason) }

// readCursor reads the content of a token.
func readCursor(plain []byte, scope CursorScope, now time.Time) (Cursor, error) {
	r := cursorReader{rest: plain}
	expires := r.varint()
	query, policy := r.bytes(sha256.Size), r.bytes(cursorTag)
	c := Cursor{Offset: int(r.uvarint(math.MaxInt32))}
	if n := r.uvarint(MaxClauses); n > 0 {
		c.After = make([]Value, 0, n)
		for range n {
			c.After = append(c.After, r.value())
		}
	}
	switch {
	case r.bad || len(r.rest) > 0:
		return Cursor{}, cursorError("the content is damaged")
	case string(query) != string(scope.Query[:]):
		return Cursor{}, cursorError("another query")
	case string(policy) != string(policyTag(scope.Policy)):
		return Cursor{}, cursorError("the rules have changed")
	case now.Unix() >= expires:
		return Cursor{}, cursorError("expired")
	}
	return c, nil
}

// identity is authenticated with the content. Lengths keep the parts apart.
func (s CursorScope) identity() []byte {
	aad := []byte{cursorVersion}
	for _, part := range [...]string{s.Workspace, s.Principal} {
		aad = binary.AppendUvarint(aad, uint64(len(part)))
		aad = append(aad, part...)
	}
	return aad
}

// policyTag stands for a policy version in a token: versions are not secrets to forge but texts to keep short.
func policyTag(policy string) []byte {
	sum := sha256.Sum256([]byte(policy))
	return sum[:cursorTag]
}
