package livetables_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/livetables/livetables"
)

// hsm stands for a device or service that encrypts with a key which never leaves it.
type hsm struct{ aead cipher.AEAD }

// KeyID implements livetables.KeyManager.
func (h hsm) KeyID(context.Context) (string, error) { return "hsm/1", nil }

// Wrap implements livetables.KeyManager.
func (h hsm) Wrap(_ context.Context, dataKey, aad []byte) ([]byte, string, error) {
	return h.aead.Seal(nil, nil, dataKey, aad), "hsm/1", nil
}

// Unwrap implements livetables.KeyManager.
func (h hsm) Unwrap(_ context.Context, keyID string, wrapped, aad []byte) ([]byte, error) {
	if keyID != "hsm/1" {
		return nil, livetables.ErrUnknownKey
	}
	key, err := h.aead.Open(nil, nil, wrapped, aad)
	if err != nil {
		return nil, livetables.ErrSealed
	}
	return key, nil
}

func newHSM() (hsm, error) {
	block, err := aes.NewCipher([]byte(rand.Text() + rand.Text())[:32])
	if err != nil {
		return hsm{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return hsm{aead}, err
}

// ExampleKeyManager plugs in a key manager of one's own. The root of derived keys is kept in a file beside the data,
// sealed with it.
func ExampleKeyManager() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	manager, err := newHSM()
	if err != nil {
		log.Fatal(err)
	}
	sealer, err := livetables.NewSealer(ctx, manager, filepath.Join(dir, "root.sealed"), nil)
	if err != nil {
		log.Fatal(err)
	}
	// livetables.Options{Sealer: sealer} is all that an engine needs. Every secret is bound to its place:
	box, err := sealer.Seal(ctx, []byte("tiger"), []byte("connection 1"))
	if err != nil {
		log.Fatal(err)
	}
	_, err = sealer.Open(ctx, box, []byte("connection 2"))
	fmt.Println(err)
	plain, err := sealer.Open(ctx, box, []byte("connection 1"))
	fmt.Println(string(plain), err)
	// Output:
	// open sealed value: unwrap data key: sealed value cannot be opened
	// tiger <nil>
}
