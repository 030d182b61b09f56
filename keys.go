package livetables

import (
	"context"
	"fmt"
	"time"

	"github.com/livetables/livetables/internal/netguard"
	"github.com/livetables/livetables/internal/seal"
	"github.com/livetables/livetables/internal/transit"
)

// Keys is the default Sealer: master keys in a file. It encrypts every secret with a key of its own that the present master
// key wraps (AES-256-GCM both), and derives keys for other purposes. It never prints a key.
type Keys = seal.Keys

// KeyInfo is what may be shown of a master key.
type KeyInfo = seal.KeyInfo

// LoadKeys reads the key file at path, or creates one with a random key that only its owner can read. It refuses keys that
// are short or plainly not random and files that others can read. A file of 32 random bytes is taken too. Who loses the
// file loses the stored passwords.
func LoadKeys(path string) (*Keys, error) { return seal.LoadOrCreate(path) }

// AddMasterKey adds a random master key to the key file at path and makes it the one that new secrets are sealed with; the
// file changes whole or not at all. Stop everything that uses the file first, and have Engine.RotateSecrets bring what is
// stored to the new key afterwards. With newRoot the keys that Derive makes change as well, which ends every session and
// cursor; for a file of 32 raw bytes they always do.
func AddMasterKey(path string, newRoot bool) (*Keys, error) {
	return seal.AddKey(path, time.Now(), newRoot)
}

// DropOldMasterKeys removes all master keys but the present one from the key file at path and returns the ids of those that
// are gone. What is still sealed with them never opens again: Engine.SecretKeys tells whether anything is.
func DropOldMasterKeys(path string) (keys *Keys, dropped []string, err error) {
	return seal.DropOld(path)
}

// KeyManager wraps the keys that secrets are encrypted with, under master keys that it does not hand out. An embedder plugs
// in a key management service by implementing it.
type KeyManager = seal.KeyManager

// Rewrapper is implemented by key managers that can bring a wrapped key to their present key without showing it.
type Rewrapper = seal.Rewrapper

// KeyManagerError is an ErrKeyManager that knows when to try again.
type KeyManagerError = seal.UnavailableError

// The errors that a KeyManager answers with.
var (
	// ErrKeyManager says that the key manager cannot be asked just now. Nothing falls back to clear text.
	ErrKeyManager = seal.ErrUnavailable
	// ErrSealed says that a wrapped key was damaged or belongs to another place.
	ErrSealed = seal.ErrOpen
	// ErrUnknownKey says that the master key of a wrapped key is not there.
	ErrUnknownKey = seal.ErrUnknownKey
)

// NewSealer makes a Sealer whose secrets are encrypted with keys that manager wraps. The root of derived keys is kept in
// the file rootFile, sealed with manager as well; it is created when there is none, from root (32 random bytes) or, when
// that is nil, at random. The manager must be reachable. Secrets that were sealed with one of older open too, until
// Engine.RotateSecrets has brought them to manager.
func NewSealer(ctx context.Context, manager KeyManager, rootFile string, root []byte, older ...KeyManager) (Sealer, error) {
	return seal.OpenWithRoot(ctx, seal.Chain(manager, older...), rootFile, root)
}

// RewrapRoot brings the root of derived keys in rootFile to the present key of manager. It reports whether that was needed.
func RewrapRoot(ctx context.Context, manager KeyManager, rootFile string, older ...KeyManager) (bool, error) {
	return seal.RewrapRoot(ctx, seal.Chain(manager, older...), rootFile)
}

// KeyOfRoot is the id of the key that the root of derived keys in rootFile is sealed with; a missing file is fs.ErrNotExist.
func KeyOfRoot(rootFile string) (string, error) { return seal.KeyOfRoot(rootFile) }

// TransitOptions say where a key management service is that speaks the protocol of HashiCorp Vault's transit engine.
type TransitOptions = transit.Options

// NewTransitKeys makes a KeyManager of a key in the transit engine of HashiCorp Vault, OpenBao or a service that speaks
// like them. Nothing is asked of the service yet.
func NewTransitKeys(opt TransitOptions) (KeyManager, error) {
	client, err := transit.New(opt)
	if err != nil {
		return nil, fmt.Errorf("key manager: %w", err)
	}
	return client, nil
}

// Box seals short-lived data under one key, best one that a Sealer derives: unlike a Sealer it asks no key manager and has
// nothing that is rotated.
type Box = seal.Box

// NewBox makes a box of a key of 32 bytes.
func NewBox(key []byte) (*Box, error) { return seal.NewBox(key) }

// Secret is a text that prints as a placeholder wherever it is printed, logged or encoded.
type Secret = seal.Secret

// NewSecret hides a text.
func NewSecret(text string) Secret { return seal.NewSecret(text) }

// AddressGuard opens network connections to public addresses and to what it allows by name: its DialContext is meant for
// Options.Dial. The check is made on the numeric address that is really connected to, for every attempt.
type AddressGuard = netguard.Guard

// NewAddressGuard makes a guard that, beside every public address, allows the listed ones: addresses, CIDR ranges and host
// names, each perhaps with a port ("127.0.0.1", "10.0.0.0/8", "db.internal:5432").
func NewAddressGuard(allow []string) (*AddressGuard, error) {
	rules, err := netguard.ParseRules(allow)
	if err != nil {
		return nil, fmt.Errorf("allowed hosts: %w", err)
	}
	return &AddressGuard{Allow: rules}, nil
}
