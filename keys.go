package livetables

import (
	"fmt"

	"github.com/livetables/livetables/internal/netguard"
	"github.com/livetables/livetables/internal/seal"
)

// Keys is the default Sealer: a master key in a file. It encrypts every secret with a key of its own that the master key
// wraps (AES-256-GCM both), and derives keys for other purposes. It never prints the key.
type Keys = seal.Keys

// LoadKeys reads the key file at path, or creates one with a random key that only its owner can read. It refuses keys that
// are short or plainly not random and files that others can read. Who loses the file loses the stored passwords.
func LoadKeys(path string) (*Keys, error) { return seal.LoadOrCreate(path) }

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
