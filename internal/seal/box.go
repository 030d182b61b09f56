package seal

import (
	"crypto/cipher"
	"fmt"
)

// Box seals what lives for a short time and often changes, such as stored answers, directly under one key: no key manager
// is asked, and a rotation of master keys leaves it alone. The key is best a derived one. It is safe for concurrent use.
type Box struct{ aead cipher.AEAD }

// NewBox makes a box of a key of KeySize bytes.
func NewBox(key []byte) (*Box, error) {
	if len(key) != KeySize {
		return nil, fmt.Errorf("%w: the key of a box has %d bytes and must have %d", ErrWeakKey, len(key), KeySize)
	}
	aead, err := newGCM(key)
	if err != nil {
		return nil, err
	}
	return &Box{aead}, nil
}

// Seal encrypts plaintext (AES-256-GCM with a random nonce) and binds it to aad. A key is good for 2^32 calls.
func (b *Box) Seal(plaintext, aad []byte) ([]byte, error) {
	return sealInto(make([]byte, 0, nonceSize+len(plaintext)+tagSize), b.aead, plaintext, aad), nil
}

// Open is the inverse of Seal with the same aad; anything else is ErrOpen.
func (b *Box) Open(sealed, aad []byte) ([]byte, error) { return openFrom(b.aead, sealed, aad) }

// String is [Placeholder].
func (b *Box) String() string { return Placeholder }

// GoString is [Placeholder].
func (b *Box) GoString() string { return Placeholder }
