package seal

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
)

// The errors of opening. Neither says why in more detail: a wrong place, a flipped bit and a forged box look alike.
var (
	// ErrOpen means that the box was not sealed with this aad under this key, or was damaged.
	ErrOpen = errors.New("sealed value cannot be opened")
	// ErrUnknownKey means that the data key was wrapped by another master key than the present one.
	ErrUnknownKey = errors.New("sealed value belongs to another master key")
)

// MaxPlaintext is the longest secret that can be sealed, in bytes.
const MaxPlaintext = 1 << 20

// KeyManager wraps data keys under a master key that it does not hand out; an external key management service is
// another implementation. Implementations are safe for concurrent use and authenticate aad: Unwrap with another aad than
// Wrap had must fail with ErrOpen, a key they do not hold with ErrUnknownKey. An unreachable service is an error of any
// other kind; callers never fall back to clear text.
type KeyManager interface {
	Wrap(ctx context.Context, dataKey, aad []byte) ([]byte, error)
	Unwrap(ctx context.Context, wrapped, aad []byte) ([]byte, error)
}

// Binding says where a secret lives; its AAD is what to seal the secret with, so that a box copied onto another row, field
// or workspace, or put back from an older version, is refused.
type Binding struct {
	Workspace string
	ID        string // of the resource that holds the secret
	Field     string
	Version   int64 // of the secret
}

// AAD encodes b so that no two bindings have the same bytes: every text has its length in front.
func (b Binding) AAD() []byte {
	out := make([]byte, 0, len(b.Workspace)+len(b.ID)+len(b.Field)+20)
	for _, s := range []string{b.Workspace, b.ID, b.Field} {
		out = binary.BigEndian.AppendUint32(out, uint32(len(s)))
		out = append(out, s...)
	}
	return binary.BigEndian.AppendUint64(out, uint64(b.Version))
}

// The two uses of the caller's aad are kept apart by a byte in front: a wrapped key is no ciphertext and the reverse.
func aadOfKey(aad []byte) []byte    { return append([]byte{'k'}, aad...) }
func aadOfSecret(aad []byte) []byte { return append([]byte{'s'}, aad...) }

// Sealer seals secrets in envelopes: AES-256-GCM under a fresh data key per secret, the data key wrapped by a key
// manager. It is safe for concurrent use.
type Sealer struct{ keys KeyManager }

// NewSealer returns a sealer whose data keys are wrapped by keys.
func NewSealer(keys KeyManager) *Sealer { return &Sealer{keys: keys} }

const (
	envelopeVersion = 1
	dataKeySize     = 32
	nonceSize       = 12
	tagSize         = 16
)

// Seal encrypts plaintext, which may be up to MaxPlaintext bytes long, for the place that aad names. Sealing the same
// plaintext twice gives different boxes.
func (s *Sealer) Seal(ctx context.Context, plaintext, aad []byte) ([]byte, error) {
	if len(plaintext) > MaxPlaintext {
		return nil, fmt.Errorf("seal: secret of %d bytes is longer than %d", len(plaintext), MaxPlaintext)
	}
	dataKey := make([]byte, dataKeySize)
	_, _ = rand.Read(dataKey) // never fails, see crypto/rand
	defer clear(dataKey)
	wrapped, err := s.keys.Wrap(ctx, dataKey, aadOfKey(aad))
	if err != nil {
		return nil, fmt.Errorf("seal: wrap data key: %w", err)
	}
	if len(wrapped) > 1<<16-1 {
		return nil, fmt.Errorf("seal: wrapped data key of %d bytes is too long", len(wrapped))
	}
	aead, err := newGCM(dataKey)
	if err != nil {
		return nil, err
	}
	box := make([]byte, 0, 3+len(wrapped)+nonceSize+len(plaintext)+tagSize)
	box = append(box, envelopeVersion)
	box = binary.BigEndian.AppendUint16(box, uint16(len(wrapped)))
	box = append(box, wrapped...)
	return sealInto(box, aead, plaintext, aadOfSecret(aad)), nil
}

// Open decrypts a box that Seal made with the same aad. The result is the caller's. The error is ErrOpen or
// ErrUnknownKey, which may be wrapped, or the key manager's own.
func (s *Sealer) Open(ctx context.Context, box, aad []byte) ([]byte, error) {
	if len(box) < 3 || box[0] != envelopeVersion {
		return nil, ErrOpen
	}
	n := int(binary.BigEndian.Uint16(box[1:3]))
	rest := box[3:]
	if len(rest) < n+nonceSize+tagSize {
		return nil, ErrOpen
	}
	dataKey, err := s.keys.Unwrap(ctx, rest[:n], aadOfKey(aad))
	if err != nil {
		return nil, fmt.Errorf("open sealed value: unwrap data key: %w", err)
	}
	defer clear(dataKey)
	if len(dataKey) != dataKeySize {
		return nil, ErrOpen
	}
	aead, err := newGCM(dataKey)
	if err != nil {
		return nil, err
	}
	return openFrom(aead, rest[n:], aadOfSecret(aad))
}

func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	return aead, nil
}

// sealInto appends a random nonce and the ciphertext to dst.
func sealInto(dst []byte, aead cipher.AEAD, plaintext, aad []byte) []byte {
	var nonce [nonceSize]byte
	_, _ = rand.Read(nonce[:])
	dst = append(dst, nonce[:]...)
	return aead.Seal(dst, nonce[:], plaintext, aad)
}

// openFrom is the inverse of sealInto for what it appended.
func openFrom(aead cipher.AEAD, data, aad []byte) ([]byte, error) {
	if len(data) < nonceSize+tagSize {
		return nil, ErrOpen
	}
	plaintext, err := aead.Open(nil, data[:nonceSize], data[nonceSize:], aad)
	if err != nil {
		return nil, ErrOpen
	}
	return plaintext, nil
}
