package daemon

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/minidb"
)

// KeysConfig are the settings of the commands for keys.
type KeysConfig struct {
	DataDir  string   `default:"data" type:"path" help:"Directory of the embedded database and the key file. No daemon may work in it."`
	Database Database `embed:""`
	KeysDir  string   `type:"path" placeholder:"DIR" help:"Directory of the keys. Default: the data directory."`
	KMS      KMS      `embed:""`
}

// open opens the keys of an installation, which have to be there.
func (c *KeysConfig) open(ctx context.Context) (*keyring, error) {
	return openKeys(ctx, cmp.Or(c.KeysDir, c.DataDir), c.KMS, false)
}

// RotateConfig are the settings of a rotation.
type RotateConfig struct {
	KeysConfig
	DropOld   bool `help:"Afterwards remove the old keys. What was sealed with them and lies in a backup can then be opened with a backup of the keys only."`
	NoNewKey  bool `help:"Make no new key: only bring to the present one what is not there yet, as after a rotation that was ended before its time."`
	Reencrypt bool `help:"Encrypt every secret anew, instead of wrapping its key anew."`
	SignOut   bool `help:"Also replace what sessions, cursors and access tokens are made from: everybody has to log in again. Not with a key manager."`
}

// offline is a data directory that is worked on while no daemon is running.
type offline struct {
	dir    string
	db     *minidb.DB
	keys   *keyring
	shared *installation // nil without a database that daemons may share
	engine *livetables.Engine
	close  []func() error
}

func (o *offline) Close() error {
	var errs []error
	for _, c := range slices.Backward(o.close) {
		errs = append(errs, c())
	}
	o.close = nil
	return errors.Join(errs...)
}

// openOffline claims the data directory and opens its mini-DB, or that of the database. alone refuses while a daemon works
// on the database.
func openOffline(ctx context.Context, c *KeysConfig, alone bool) (_ *offline, err error) {
	dir := c.DataDir
	o := &offline{dir: dir}
	defer func() {
		if err != nil {
			err = errors.Join(err, o.Close())
		}
	}()
	if err := c.Database.check(); err != nil {
		return nil, err
	}
	if !c.Database.used() {
		if there, err := exists(filepath.Join(dir, partTenants)); err != nil || !there {
			return nil, errors.Join(fmt.Errorf("%s is no data directory: it has no %s", dir, partTenants), err)
		}
		unlock, err := lockDir(dir)
		if err != nil {
			return nil, err
		}
		o.close = append(o.close, unlock)
	} else if err := o.openShared(ctx, c, alone); err != nil {
		return nil, err
	}
	store, err := openStore(ctx, dir, &c.Database, partTenants, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	o.close = append(o.close, store.Close)
	if o.db, err = minidb.Open(ctx, store, minidb.Options{Logger: slog.New(slog.DiscardHandler)}); err != nil {
		return nil, err
	}
	o.close = append(o.close, o.db.Close)
	return o, o.use(nil)
}

// openShared opens what the daemons of a database know of each other.
func (o *offline) openShared(ctx context.Context, c *KeysConfig, alone bool) error {
	store, err := openStore(ctx, o.dir, &c.Database, partAccounts, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	o.close = append(o.close, store.Close)
	if o.shared, err = prepareInstallation(ctx, store); err != nil || !alone {
		return err
	}
	return o.shared.alone(ctx)
}

// fits demands that the keys are those of a database that daemons may share.
func (o *offline) fits(ctx context.Context, keys *keyring, replaced bool) error {
	if o.shared == nil {
		return nil
	}
	return o.shared.fits(ctx, keys.sealer, replaced)
}

// use makes an engine with these keys, nil for one that can only count.
func (o *offline) use(keys *keyring) (err error) {
	opt := livetables.Options{Store: o.db}
	if keys != nil {
		opt.Sealer = keys.sealer
	}
	if o.engine, err = livetables.New(opt); err != nil {
		return err
	}
	o.keys = keys
	o.close = append(o.close, o.engine.Close)
	return nil
}

// say writes a line for the operator. What cannot be shown is no failure of the rotation.
func say(out io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(out, format+"\n", args...) }

// actor is how the commands appear in the audit log.
func (o *offline) actor() minidb.Actor {
	return minidb.Actor{ID: "operator", Reason: "livetablesd keys"}
}

// RotateKeys brings the secrets of a data directory to a new key and says on out how far it is. A rotation that was killed
// goes on when it is run again, with the key that it had made.
func RotateKeys(ctx context.Context, c RotateConfig, out io.Writer) (err error) {
	if c.SignOut && c.KMS.used() {
		return errors.New("--sign-out is not possible with a key manager")
	}
	if c.SignOut && c.NoNewKey {
		return errors.New("--sign-out needs a new key")
	}
	o, err := openOffline(ctx, &c.KeysConfig, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.Close()) }()
	keys, err := c.open(ctx)
	if err != nil {
		return err
	}
	counts, err := o.engine.SecretKeys(ctx)
	if err != nil {
		return err
	}
	total := 0
	for _, n := range counts {
		total += n
	}
	if keys.manager == nil && !c.NoNewKey {
		if keys, err = newKey(keys, counts, c.SignOut, out); err != nil {
			return err
		}
	}
	if err := keys.openSealer(ctx); err != nil {
		return err
	}
	if err := o.fits(ctx, keys, c.SignOut); err != nil {
		return err
	}
	present, err := keys.present(ctx)
	if err != nil {
		return err
	}
	say(out, "rotating %d secrets to key %s", total, present)
	if err := o.use(keys); err != nil {
		return err
	}
	done, err := o.engine.RotateSecrets(ctx, livetables.RotateOptions{Reencrypt: c.Reencrypt, Actor: o.actor(),
		Progress: func(r livetables.Rotation) {
			say(out, "%d of %d looked at, %d changed", r.Looked, max(total, r.Looked), r.Changed)
		}})
	if err != nil {
		return fmt.Errorf("%w (run the command again to go on)", err)
	}
	if keys.manager != nil {
		if _, err := livetables.RewrapRoot(ctx, keys.manager, keys.rootFile, keys.older()...); err != nil {
			return err
		}
	}
	say(out, "done: %d secrets, %d changed, %d that do not open", done.Looked, done.Changed, done.Unreadable)
	if c.DropOld {
		return o.dropOld(ctx, present, out)
	}
	return nil
}

// newKey adds a key to the key file, unless secrets are still on their way to the present one.
func newKey(keys *keyring, counts map[string]int, signOut bool, out io.Writer) (*keyring, error) {
	present := keys.file.ID()
	for _, key := range keys.file.List() {
		if !key.Present && counts[key.ID] > 0 && !signOut {
			say(out, "a rotation to key %s was not finished; it goes on", present)
			return keys, nil
		}
	}
	file, err := livetables.AddMasterKey(keys.keyFile, signOut)
	if err != nil {
		return nil, err
	}
	say(out, "key %s was added to %s; keep a copy of it", file.ID(), keys.keyFile)
	again := *keys
	again.file = file
	return &again, nil
}

// dropOld removes the keys that no secret needs any more, and refuses while one does.
func (o *offline) dropOld(ctx context.Context, present string, out io.Writer) error {
	counts, err := o.engine.SecretKeys(ctx)
	if err != nil {
		return err
	}
	delete(counts, present)
	for id, n := range counts {
		return fmt.Errorf("no key was dropped: %d secrets still need key %q; enter their passwords again or delete their connections", n, id)
	}
	if o.keys.file == nil {
		say(out, "the old versions of the key are not needed any more; the key manager can be told to drop them")
		return nil
	}
	var old []string
	for _, key := range o.keys.file.List() {
		if o.keys.manager != nil || !key.Present {
			old = append(old, key.ID)
		}
	}
	doc, err := json.Marshal(map[string][]string{"keys": old})
	if err != nil {
		return err
	}
	// Told before it is done: what cannot be recorded does not happen.
	if err := o.db.Record(ctx, o.actor(), audit.Entry{Action: "keys.drop", ResourceType: "installation", After: doc}); err != nil {
		return fmt.Errorf("record dropped keys: %w", err)
	}
	if o.keys.manager != nil {
		err = os.Remove(o.keys.keyFile)
	} else {
		_, _, err = livetables.DropOldMasterKeys(o.keys.keyFile)
	}
	if err != nil {
		return fmt.Errorf("drop old keys: %w", err)
	}
	say(out, "dropped %d old keys", len(old))
	return nil
}
