package seal

import (
	"context"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
)

// KeySize is the length of a master key in bytes.
const KeySize = 32

// ErrWeakKey means that a master key is missing, short, or plainly not random.
var ErrWeakKey = errors.New("weak master key")

// Keys is a master key with what is derived from it: it wraps data keys, and makes keys for other purposes. It never
// hands out the master key. Keys are safe for concurrent use and print as [Placeholder].
type Keys struct {
	secret Secret // the master key's bytes; behind a Secret so that no print of a Keys shows them
	id     [8]byte
	wrap   cipher.AEAD
	sealer *Sealer
}

var _ KeyManager = (*Keys)(nil)

// NewKeys makes Keys from a master key, which is copied. It refuses, with ErrWeakKey, a key that is not KeySize bytes
// long or that cannot have come from a random source: one byte repeated, a short pattern, or readable text such as a
// documented sample.
func NewKeys(master []byte) (*Keys, error) {
	if err := checkMaster(master); err != nil {
		return nil, err
	}
	k := &Keys{secret: NewSecret(string(master))}
	copy(k.id[:], k.Derive("key id"))
	aead, err := newGCM(k.Derive("wrap data keys"))
	if err != nil {
		return nil, err
	}
	k.wrap = aead
	k.sealer = NewSealer(k)
	return k, nil
}

// checkMaster refuses keys that a random source gives with a probability below 2^-45.
func checkMaster(master []byte) error {
	if len(master) != KeySize {
		return fmt.Errorf("%w: it has %d bytes and must have %d", ErrWeakKey, len(master), KeySize)
	}
	var seen [256]bool
	distinct, printable := 0, 0
	for _, b := range master {
		if !seen[b] {
			seen[b] = true
			distinct++
		}
		if b >= 0x20 && b < 0x7f || b == '\n' || b == '\r' || b == '\t' {
			printable++
		}
	}
	if distinct < KeySize/2 {
		return fmt.Errorf("%w: its bytes repeat; it must be random", ErrWeakKey)
	}
	if printable == KeySize {
		return fmt.Errorf("%w: it is readable text; it must be %d random bytes", ErrWeakKey, KeySize)
	}
	return nil
}

// ID names the master key without revealing anything of it, for telling one key from another in messages.
func (k *Keys) ID() string { return hex.EncodeToString(k.id[:]) }

// Derive makes a 32-byte key for one purpose (HKDF-SHA-256). The same purpose always gives the same key; keys of
// different purposes are unrelated. The result is the caller's.
func (k *Keys) Derive(purpose string) []byte {
	key, err := hkdf.Key(sha256.New, []byte(k.secret.Reveal()), nil, "livetables/v1/"+purpose, 32)
	if err != nil {
		// hkdf fails only for an output longer than 255 hashes or, in FIPS mode, for a short secret; ours are fixed.
		panic("seal: derive key: " + err.Error())
	}
	return key
}

// Wrap implements [KeyManager].
func (k *Keys) Wrap(_ context.Context, dataKey, aad []byte) ([]byte, error) {
	out := append(make([]byte, 0, len(k.id)+nonceSize+len(dataKey)+tagSize), k.id[:]...)
	return sealInto(out, k.wrap, dataKey, aad), nil
}

// Unwrap implements [KeyManager].
func (k *Keys) Unwrap(_ context.Context, wrapped, aad []byte) ([]byte, error) {
	if len(wrapped) < len(k.id) {
		return nil, ErrOpen
	}
	if subtle.ConstantTimeCompare(wrapped[:len(k.id)], k.id[:]) != 1 {
		return nil, ErrUnknownKey
	}
	return openFrom(k.wrap, wrapped[len(k.id):], aad)
}

// Seal is [Sealer.Seal] with k as the key manager, which never waits.
func (k *Keys) Seal(plaintext, aad []byte) ([]byte, error) {
	return k.sealer.Seal(context.Background(), plaintext, aad)
}

// Open is [Sealer.Open] with k as the key manager.
func (k *Keys) Open(sealed, aad []byte) ([]byte, error) {
	return k.sealer.Open(context.Background(), sealed, aad)
}

// String is [Placeholder].
func (k *Keys) String() string { return Placeholder }

// GoString is [Placeholder].
func (k *Keys) GoString() string { return Placeholder }
