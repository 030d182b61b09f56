package seal

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
)

// The errors of opening. Neither says why in more detail: a wrong place, a flipped bit and a forged box look alike.
var (
	// ErrOpen means that the box was not sealed with this aad under this key, or was damaged.
	ErrOpen = errors.New("sealed value cannot be opened")
	// ErrUnknownKey means that the data key was wrapped by a master key that is not there.
	ErrUnknownKey = errors.New("sealed value belongs to another master key")
)

// MaxPlaintext is the longest secret that can be sealed, in bytes.
const MaxPlaintext = 1 << 20

// Sealer seals secrets in envelopes: AES-256-GCM under a fresh data key per secret, the data key wrapped by a key
// manager. It also derives keys for other purposes from a root secret. It is safe for concurrent use, never hands out the
// root secret and prints as [Placeholder].
type Sealer struct {
	keys KeyManager
	root Secret
}

// NewSealer returns a sealer whose data keys are wrapped by keys and whose derived keys come from root, which is copied:
// KeySize random bytes that stay the same for the life of an installation. Weak roots are refused with ErrWeakKey.
func NewSealer(keys KeyManager, root []byte) (*Sealer, error) {
	if keys == nil {
		return nil, errors.New("seal: no key manager")
	}
	if err := checkMaster(root); err != nil {
		return nil, fmt.Errorf("root secret: %w", err)
	}
	return &Sealer{keys: keys, root: NewSecret(string(root))}, nil
}

// The forms of an envelope:
//
//	1 | u16 length | wrapped data key, which begins with the 8 bytes of its master key's id | nonce | ciphertext
//	2 | u8 length | id of the master key | u16 length | wrapped data key | nonce | ciphertext
//
// Form 1 is only read: it was written before secrets were bound to their version, see [Unversioned].
const (
	formUnversioned = 1
	formPresent     = 2

	dataKeySize = 32
	nonceSize   = 12
	tagSize     = 16
)

// envelope is a sealed value in its parts, which share the memory of the box.
type envelope struct {
	form    byte
	keyID   string
	wrapped []byte
	payload []byte // nonce and ciphertext
}

// parse takes a box apart. Whatever it accepts, encode gives back byte for byte, but for form 1.
func parse(box []byte) (envelope, error) {
	if len(box) == 0 {
		return envelope{}, ErrOpen
	}
	e := envelope{form: box[0]}
	rest := box[1:]
	switch e.form {
	case formUnversioned:
	case formPresent:
		if len(rest) < 1 || len(rest) < 1+int(rest[0]) || rest[0] == 0 {
			return envelope{}, ErrOpen
		}
		n := 1 + int(rest[0])
		e.keyID, rest = string(rest[1:n]), rest[n:]
	default:
		return envelope{}, ErrOpen
	}
	if len(rest) < 2 {
		return envelope{}, ErrOpen
	}
	n := int(binary.BigEndian.Uint16(rest))
	if rest = rest[2:]; len(rest) < n+nonceSize+tagSize {
		return envelope{}, ErrOpen
	}
	e.wrapped, e.payload = rest[:n], rest[n:]
	if e.form == formUnversioned {
		if len(e.wrapped) < keyIDSize {
			return envelope{}, ErrOpen
		}
		e.keyID, e.wrapped = hex.EncodeToString(e.wrapped[:keyIDSize]), e.wrapped[keyIDSize:]
	}
	return e, nil
}

func (e envelope) encode() ([]byte, error) {
	if len(e.wrapped) > 1<<16-1 {
		return nil, fmt.Errorf("seal: wrapped data key of %d bytes is too long", len(e.wrapped))
	}
	if len(e.keyID) == 0 || len(e.keyID) > 255 {
		return nil, fmt.Errorf("seal: a key's id of %d bytes is not between 1 and 255 bytes long", len(e.keyID))
	}
	box := make([]byte, 0, 4+len(e.keyID)+len(e.wrapped)+len(e.payload))
	box = append(box, formPresent, byte(len(e.keyID)))
	box = append(box, e.keyID...)
	box = binary.BigEndian.AppendUint16(box, uint16(len(e.wrapped)))
	box = append(box, e.wrapped...)
	return append(box, e.payload...), nil
}

// Unversioned reports whether a box has the form that was written before the version of a secret was part of its aad. It
// is opened with the aad of that time; a new box never has this form, so that an old one cannot pass for a new one.
func Unversioned(box []byte) bool { return len(box) > 0 && box[0] == formUnversioned }

// KeyOf is the id of the master key that a box needs, without opening it; a box that is none gives ErrOpen.
func KeyOf(box []byte) (string, error) {
	e, err := parse(box)
	return e.keyID, err
}

// Seal encrypts plaintext, which may be up to MaxPlaintext bytes long, for the place that aad names. Sealing the same
// plaintext twice gives different boxes.
func (s *Sealer) Seal(ctx context.Context, plaintext, aad []byte) ([]byte, error) {
	if len(plaintext) > MaxPlaintext {
		return nil, fmt.Errorf("seal: secret of %d bytes is longer than %d", len(plaintext), MaxPlaintext)
	}
	dataKey := make([]byte, dataKeySize)
	_, _ = rand.Read(dataKey) // never fails, see crypto/rand
	defer clear(dataKey)
	wrapped, id, err := s.keys.Wrap(ctx, dataKey, aadOfKey(aad))
	if err != nil {
		if errors.Is(err, ErrOpen) || errors.Is(err, ErrUnknownKey) {
			err = &UnavailableError{Err: errors.New(err.Error())} // there is nothing yet that could not be opened
		}
		return nil, fmt.Errorf("seal: wrap data key: %w", managerError(ctx, err))
	}
	aead, err := newGCM(dataKey)
	if err != nil {
		return nil, err
	}
	return envelope{keyID: id, wrapped: wrapped, payload: sealInto(nil, aead, plaintext, aadOfSecret(aad))}.encode()
}

// Open decrypts a box that Seal made with the same aad. The result is the caller's. The error is ErrOpen, ErrUnknownKey or
// ErrUnavailable, which may be wrapped, or that of ctx.
func (s *Sealer) Open(ctx context.Context, box, aad []byte) ([]byte, error) {
	e, err := parse(box)
	if err != nil {
		return nil, err
	}
	dataKey, err := s.keys.Unwrap(ctx, e.keyID, e.wrapped, aadOfKey(aad))
	if err != nil {
		return nil, fmt.Errorf("open sealed value: unwrap data key: %w", managerError(ctx, err))
	}
	defer clear(dataKey)
	if len(dataKey) != dataKeySize {
		return nil, ErrOpen
	}
	aead, err := newGCM(dataKey)
	if err != nil {
		return nil, err
	}
	return openFrom(aead, e.payload, aadOfSecret(aad))
}

// Rewrap wraps the data key of a box under the present master key and leaves what is encrypted by it untouched. A box that
// has the present key already comes back as it is, not even opened.
func (s *Sealer) Rewrap(ctx context.Context, box, aad []byte) ([]byte, error) {
	e, err := parse(box)
	if err != nil {
		return nil, err
	}
	if e.form != formPresent {
		return nil, fmt.Errorf("rewrap: a box of form %d has to be sealed anew: %w", e.form, ErrOpen)
	}
	now, err := s.KeyID(ctx)
	if err != nil || e.keyID == now {
		return box, err
	}
	e.wrapped, e.keyID, err = s.rewrapKey(ctx, e, aadOfKey(aad))
	if err != nil {
		return nil, fmt.Errorf("rewrap data key: %w", managerError(ctx, err))
	}
	return e.encode()
}

func (s *Sealer) rewrapKey(ctx context.Context, e envelope, aad []byte) ([]byte, string, error) {
	if m, ok := s.keys.(Rewrapper); ok {
		return m.Rewrap(ctx, e.keyID, e.wrapped, aad)
	}
	dataKey, err := s.keys.Unwrap(ctx, e.keyID, e.wrapped, aad)
	if err != nil {
		return nil, "", err
	}
	defer clear(dataKey)
	return s.keys.Wrap(ctx, dataKey, aad)
}

// KeyID is the id of the master key that Seal uses now.
func (s *Sealer) KeyID(ctx context.Context) (string, error) {
	id, err := s.keys.KeyID(ctx)
	if err != nil {
		return "", fmt.Errorf("id of the present key: %w", managerError(ctx, err))
	}
	return id, nil
}

// Derive makes a 32-byte key for one purpose (HKDF-SHA-256, RFC 5869). The same purpose always gives the same key, whatever
// master keys come and go; keys of different purposes are unrelated. The result is the caller's.
func (s *Sealer) Derive(purpose string) []byte { return derive(s.root, purpose) }

// String is [Placeholder].
func (s *Sealer) String() string { return Placeholder }

// GoString is [Placeholder].
func (s *Sealer) GoString() string { return Placeholder }

func derive(from Secret, purpose string) []byte {
	key, err := hkdf.Key(sha256.New, []byte(from.Reveal()), nil, "livetables/v1/"+purpose, 32)
	if err != nil {
		// hkdf fails only for an output longer than 255 hashes or, in FIPS mode, for a short secret; ours are fixed.
		panic("seal: derive key: " + err.Error())
	}
	return key
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
