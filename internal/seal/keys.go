package seal

import (
	"context"
	"crypto/cipher"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// KeySize is the length of a master key in bytes.
const KeySize = 32

const keyIDSize = 8

// ErrWeakKey means that a master key is missing, short, or plainly not random.
var ErrWeakKey = errors.New("weak master key")

// Keys are the master keys of a key file with what is derived from them: they wrap data keys, seal secrets, and make keys
// for other purposes. The last key is the present one; the others only open what they have wrapped. Keys never hand out a
// master key. They are safe for concurrent use and print as [Placeholder].
type Keys struct {
	sealer  *Sealer
	ring    []masterKey // the oldest first, never empty
	ownRoot bool        // the root secret is one of its own, not a master key
}

type masterKey struct {
	id      string
	created time.Time // zero when that is unknown
	secret  Secret    // the key's bytes; behind a Secret so that no print shows them
	wrap    cipher.AEAD
}

// KeyInfo is what may be shown of a master key.
type KeyInfo struct {
	ID      string
	Created time.Time // zero when that is unknown
	Present bool      // new secrets are sealed with it
}

var _ KeyManager = (*Keys)(nil)

// NewKeys makes Keys from one master key, which is copied and also what other keys are derived from. It refuses, with
// ErrWeakKey, a key that is not KeySize bytes long or that cannot have come from a random source: one byte repeated, a
// short pattern, or readable text such as a documented sample.
func NewKeys(master []byte) (*Keys, error) {
	key, err := newMasterKey(master, time.Time{})
	if err != nil {
		return nil, err
	}
	return newRing(master, []masterKey{key})
}

func newMasterKey(master []byte, created time.Time) (masterKey, error) {
	if err := checkMaster(master); err != nil {
		return masterKey{}, err
	}
	k := masterKey{id: idOf(master), created: created, secret: NewSecret(string(master))}
	aead, err := newGCM(derive(k.secret, "wrap data keys"))
	k.wrap = aead
	return k, err
}

// idOf names a key without revealing anything of it.
func idOf(key []byte) string {
	return hex.EncodeToString(derive(NewSecret(string(key)), "key id")[:keyIDSize])
}

func newRing(root []byte, ring []masterKey) (*Keys, error) {
	k := &Keys{ring: ring, ownRoot: true}
	seen := map[string]bool{}
	for _, key := range ring {
		if seen[key.id] {
			return nil, fmt.Errorf("%w: key %s is there twice", ErrWeakKey, key.id)
		}
		seen[key.id] = true
		k.ownRoot = k.ownRoot && key.secret.Reveal() != string(root)
	}
	var err error
	k.sealer, err = NewSealer(k, root)
	return k, err
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

// randomKey makes a master key or a root secret.
func randomKey() []byte {
	for {
		key := make([]byte, KeySize)
		_, _ = rand.Read(key)
		if checkMaster(key) == nil { // one in 2^45 would be refused when it is read
			return key
		}
	}
}

func (k *Keys) present() masterKey { return k.ring[len(k.ring)-1] }

func (k *Keys) find(id string) (masterKey, bool) {
	for _, key := range k.ring {
		if key.id == id {
			return key, true
		}
	}
	return masterKey{}, false
}

// ID names the present master key without revealing anything of it.
func (k *Keys) ID() string { return k.present().id }

// List shows the keys, the oldest first.
func (k *Keys) List() []KeyInfo {
	list := make([]KeyInfo, len(k.ring))
	for i, key := range k.ring {
		list[i] = KeyInfo{ID: key.id, Created: key.created, Present: i == len(k.ring)-1}
	}
	return list
}

// KeyID implements [KeyManager].
func (k *Keys) KeyID(context.Context) (string, error) { return k.ID(), nil }

// Wrap implements [KeyManager].
func (k *Keys) Wrap(_ context.Context, dataKey, aad []byte) ([]byte, string, error) {
	key := k.present()
	return sealInto(make([]byte, 0, nonceSize+len(dataKey)+tagSize), key.wrap, dataKey, aad), key.id, nil
}

// Unwrap implements [KeyManager].
func (k *Keys) Unwrap(_ context.Context, keyID string, wrapped, aad []byte) ([]byte, error) {
	key, ok := k.find(keyID)
	if !ok {
		return nil, ErrUnknownKey
	}
	return openFrom(key.wrap, wrapped, aad)
}

// Seal is [Sealer.Seal] with k as the key manager, which never waits.
func (k *Keys) Seal(ctx context.Context, plaintext, aad []byte) ([]byte, error) {
	return k.sealer.Seal(ctx, plaintext, aad)
}

// Open is [Sealer.Open] with k as the key manager.
func (k *Keys) Open(ctx context.Context, sealed, aad []byte) ([]byte, error) {
	return k.sealer.Open(ctx, sealed, aad)
}

// Rewrap is [Sealer.Rewrap] with k as the key manager.
func (k *Keys) Rewrap(ctx context.Context, sealed, aad []byte) ([]byte, error) {
	return k.sealer.Rewrap(ctx, sealed, aad)
}

// Derive is [Sealer.Derive].
func (k *Keys) Derive(purpose string) []byte { return k.sealer.Derive(purpose) }

// String is [Placeholder].
func (k *Keys) String() string { return Placeholder }

// GoString is [Placeholder].
func (k *Keys) GoString() string { return Placeholder }
