package seal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
)

// rootPlace is what the sealed root secret is bound to.
var rootPlace = Binding{ID: "installation", Field: "root secret"}.AAD()

// OpenWithRoot returns a sealer whose root secret is kept in the file at path, sealed by keys. When there is no such file
// it is created with initial, or with random bytes if that is nil. The file is of no use without the key manager.
func OpenWithRoot(ctx context.Context, keys KeyManager, path string, initial []byte) (*Sealer, error) {
	box, err := readPrivate(path, maxKeyFile)
	if errors.Is(err, fs.ErrNotExist) {
		if err := createRoot(ctx, keys, path, initial); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("create root secret: %w", err)
		}
		box, err = readPrivate(path, maxKeyFile)
	}
	if err != nil {
		return nil, fmt.Errorf("root secret: %w", err)
	}
	root, err := (&Sealer{keys: keys}).Open(ctx, box, rootPlace)
	if err != nil {
		return nil, fmt.Errorf("root secret: %w", err)
	}
	defer clear(root)
	return NewSealer(keys, root)
}

func createRoot(ctx context.Context, keys KeyManager, path string, root []byte) error {
	if root == nil {
		root = randomKey()
		defer clear(root)
	}
	box, err := (&Sealer{keys: keys}).Seal(ctx, root, rootPlace)
	if err != nil {
		return err
	}
	return createFile(path, box)
}

// RewrapRoot brings the root secret in the file at path to the present key of keys. It reports whether that was needed.
func RewrapRoot(ctx context.Context, keys KeyManager, path string) (bool, error) {
	box, err := readPrivate(path, maxKeyFile)
	if err != nil {
		return false, fmt.Errorf("root secret: %w", err)
	}
	again, err := (&Sealer{keys: keys}).Rewrap(ctx, box, rootPlace)
	if err != nil {
		return false, fmt.Errorf("root secret: %w", err)
	}
	if string(again) == string(box) {
		return false, nil
	}
	if err := replaceFile(path, again); err != nil {
		return false, fmt.Errorf("write root secret: %w", err)
	}
	return true, nil
}

// KeyOfRoot is the id of the key that the root secret in the file at path is sealed with. A missing file is
// fs.ErrNotExist.
func KeyOfRoot(path string) (string, error) {
	box, err := readPrivate(path, maxKeyFile)
	if err != nil {
		return "", fmt.Errorf("root secret: %w", err)
	}
	return KeyOf(box)
}

// RootSecret is the root of the keys that k derives, for moving it to another key manager. The result is the caller's, who
// overwrites it.
func (k *Keys) RootSecret() []byte { return []byte(k.sealer.root.Reveal()) }
