package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/livetables/livetables"
)

// KMS are the settings of an external key management service. Without an address, keys are in a file of the data directory.
type KMS struct {
	Address   string   `name:"kms-address" placeholder:"URL" help:"Key manager that speaks the protocol of HashiCorp Vault's transit engine. Default: a key file in the data directory."`
	Key       string   `name:"kms-key" placeholder:"NAME" help:"Name of its key, which must derive keys from a context (derived=true)."`
	Mount     string   `name:"kms-mount" default:"transit" help:"Where the transit engine is mounted."`
	Namespace string   `name:"kms-namespace" placeholder:"NAME" help:"Namespace of the key manager, where it has such."`
	TokenFile string   `name:"kms-token-file" type:"path" placeholder:"FILE" help:"File with the token for the key manager. It is read for every call, and must not be readable by everybody."`
	RootCA    string   `name:"kms-root-ca" type:"path" placeholder:"FILE" help:"Certificates (PEM) that the key manager's own must come from. Default: those of the system."`
	PlainHost []string `name:"kms-plain-host" placeholder:"HOST" help:"Host, address or network, perhaps with a port, where the key manager may be spoken to without TLS. Repeatable. Loopback always may."`
}

// used reports whether keys are with an external service.
func (k KMS) used() bool { return k.Address != "" }

// manager makes the client of the service.
func (k KMS) manager() (livetables.KeyManager, error) {
	opt := livetables.TransitOptions{Address: k.Address, Mount: k.Mount, Key: k.Key, Namespace: k.Namespace, TokenFile: k.TokenFile}
	if k.RootCA != "" {
		var err error
		if opt.RootCA, err = os.ReadFile(k.RootCA); err != nil {
			return nil, fmt.Errorf("--kms-root-ca: %w", err)
		}
	}
	plain, err := livetables.NewAddressGuard(k.PlainHost)
	if err != nil {
		return nil, fmt.Errorf("--kms-plain-host: %w", err)
	}
	opt.Plain = plain.Lists
	return livetables.NewTransitKeys(opt)
}

// keyring is what a data directory's secrets are kept with: either keys in a file, or a key manager with, while secrets
// move to it, the keys of the file that was there before.
type keyring struct {
	sealer   livetables.Sealer // nil before openSealer
	file     *livetables.Keys  // nil when there is no key file
	keyFile  string
	manager  livetables.KeyManager // nil without a key manager
	rootFile string
}

// openKeys opens the keys of a data directory; create makes a key file when there is none and no key manager is used.
func openKeys(ctx context.Context, dir string, kms KMS, create bool) (*keyring, error) {
	k := &keyring{keyFile: filepath.Join(dir, "master.key"), rootFile: filepath.Join(dir, "root.sealed")}
	id, err := livetables.KeyOfRoot(k.rootFile)
	switch {
	case err == nil && !kms.used():
		return nil, fmt.Errorf("the secrets of this data directory are kept by a key manager (key %q): --kms-address and its token are needed", id)
	case err != nil && !errors.Is(err, fs.ErrNotExist): // never begin anew beside keys that cannot be read
		return nil, fmt.Errorf("%s: %w", k.rootFile, err)
	}
	there, err := exists(k.keyFile)
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	if !there && create && !kms.used() {
		if used, err := exists(filepath.Join(dir, "livetables.db")); err != nil || used {
			slog.WarnContext(ctx, "the database of this data directory had no key file, and a new one is made: stored passwords of connections will not open and everybody has to log in again; if you have a copy of the old file, stop now and put it back",
				"file", k.keyFile)
		}
	}
	if there || create && !kms.used() {
		if k.file, err = livetables.LoadKeys(k.keyFile); err != nil {
			return nil, err
		}
	}
	if !kms.used() {
		if k.file == nil {
			return nil, fmt.Errorf("there is no key file %s", k.keyFile)
		}
		return k, nil
	}
	k.manager, err = kms.manager()
	return k, err
}

// openSealer makes what seals and opens. With a key manager, that must be reachable for it.
func (k *keyring) openSealer(ctx context.Context) (err error) {
	if k.manager == nil {
		k.sealer = k.file
		return nil
	}
	var root []byte
	if k.file != nil {
		root = k.file.RootSecret() // sessions and cursors go on
		defer clear(root)
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if k.sealer, err = livetables.NewSealer(ctx, k.manager, k.rootFile, root, k.older()...); err != nil {
		return fmt.Errorf("key manager: %w", err)
	}
	return nil
}

// older are the key managers that secrets move away from.
func (k *keyring) older() []livetables.KeyManager {
	if k.manager == nil || k.file == nil {
		return nil
	}
	return []livetables.KeyManager{k.file}
}

// present is the id of the key that new secrets are sealed with.
func (k *keyring) present(ctx context.Context) (string, error) {
	if k.manager == nil {
		return k.file.ID(), nil
	}
	return k.manager.KeyID(ctx)
}

func exists(path string) (bool, error) {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
