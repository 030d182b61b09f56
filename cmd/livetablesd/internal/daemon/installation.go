package daemon

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// installation is what the daemons that share a database know of each other: whose keys fit, and who is running.
type installation struct {
	store    adapter.Store // of what belongs to the installation
	instance string        // the name of this daemon among them, the same after a restart
}

// installationTables are made when they are missing. Times are milliseconds since 1970.
var installationTables = []string{
	`CREATE TABLE IF NOT EXISTS daemon_meta (name TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL)`,
	`CREATE TABLE IF NOT EXISTS daemon_instance (id TEXT PRIMARY KEY NOT NULL, host TEXT NOT NULL, started_at BIGINT NOT NULL, seen_at BIGINT NOT NULL)`,
}

// openInstallation makes the tables. dir is the data directory, which is locked.
func openInstallation(ctx context.Context, store adapter.Store, dir string) (*installation, error) {
	i, err := prepareInstallation(ctx, store)
	if err == nil {
		i.instance, err = instanceOf(dir)
	}
	return i, err
}

// prepareInstallation is openInstallation for a program that is no daemon.
func prepareInstallation(ctx context.Context, store adapter.Store) (*installation, error) {
	err := store.Write(ctx, func(tx adapter.Tx) error {
		for _, sql := range installationTables {
			if _, err := tx.Exec(ctx, sql); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("prepare the tables of the installation: %w", err)
	}
	return &installation{store: store}, nil
}

var instanceForm = regexp.MustCompile(`^ins_[0-9a-z]{26}$`)

// instanceOf is the name that a data directory gives to its daemon. What a process that was killed has left under it, the
// next one takes up at once, since nobody else can have it.
func instanceOf(dir string) (string, error) {
	file := filepath.Join(dir, "instance")
	text, err := os.ReadFile(file)
	if err == nil && instanceForm.MatchString(strings.TrimSpace(string(text))) {
		return strings.TrimSpace(string(text)), nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("name of this daemon: %w", err)
	}
	name := minidb.NewID("ins")
	if err := os.WriteFile(file, []byte(name+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("name of this daemon: %w", err)
	}
	return name, nil
}

const rootPrint = "root fingerprint"

// fingerprint tells one root of derived keys from another and nothing else about it.
func fingerprint(keys livetables.Sealer) string {
	mac := hmac.New(sha256.New, keys.Derive("installation"))
	mac.Write([]byte(rootPrint))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// knownPrint is the fingerprint that the database knows, empty in a new one.
func (i *installation) knownPrint(ctx context.Context) (known string, err error) {
	err = i.store.Read(ctx, func(tx adapter.Tx) error {
		known = ""
		rows, err := tx.Query(ctx, `SELECT value FROM daemon_meta WHERE name = ?`, lqp.TextValue(rootPrint))
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			known = rows.Value(0).Text()
		}
		return rows.Err()
	})
	if err != nil {
		return "", fmt.Errorf("read whose keys fit the database: %w", err)
	}
	return known, nil
}

// errOtherKeys says that the keys are not those of the database.
var errOtherKeys = errors.New("the keys here are not those that the database was made with: sessions, passwords of connections and kept answers would not open. Copy master.key (with a key manager: root.sealed) from the data directory of a daemon that works on this database, or name it with --keys-dir")

// fits demands that the keys are those of the database, whose first daemon says which they are. replaced takes them for new
// ones in place of those that were known.
func (i *installation) fits(ctx context.Context, keys livetables.Sealer, replaced bool) error {
	own, known := fingerprint(keys), ""
	err := i.store.Write(ctx, func(tx adapter.Tx) error {
		sql := `INSERT INTO daemon_meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING`
		if replaced {
			sql = `INSERT INTO daemon_meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`
		}
		_, err := tx.Exec(ctx, sql, lqp.TextValue(rootPrint), lqp.TextValue(own))
		return err
	})
	if err == nil {
		known, err = i.knownPrint(ctx)
	}
	if err != nil {
		return fmt.Errorf("note whose keys fit the database: %w", err)
	}
	if known != own {
		return errOtherKeys
	}
	return nil
}

const (
	instanceBeat    = 3 * time.Second
	instanceSilence = 15 * time.Second // after which a daemon counts as gone
)

// beat says that this daemon is running. Instances that were silent for a day are forgotten.
func (i *installation) beat(ctx context.Context, started time.Time) error {
	host, _ := os.Hostname() // for people
	now := lqp.IntValue(time.Now().UnixMilli())
	err := i.store.Write(ctx, func(tx adapter.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM daemon_instance WHERE seen_at < ?`, lqp.IntValue(time.Now().Add(-24*time.Hour).UnixMilli())); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO daemon_instance (id, host, started_at, seen_at) VALUES (?, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET host = excluded.host, started_at = excluded.started_at, seen_at = excluded.seen_at`,
			lqp.TextValue(i.instance), lqp.TextValue(host), lqp.IntValue(started.UnixMilli()), now)
		return err
	})
	if err != nil {
		return fmt.Errorf("note that this daemon is running: %w", err)
	}
	return nil
}

// leave says that this daemon is not running any more.
func (i *installation) leave(ctx context.Context) error {
	err := i.store.Write(ctx, func(tx adapter.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM daemon_instance WHERE id = ?`, lqp.TextValue(i.instance))
		return err
	})
	if err != nil {
		return fmt.Errorf("note that this daemon has ended: %w", err)
	}
	return nil
}

// start beats until the function that it answers is called.
func (i *installation) start(ctx context.Context, failed func(error)) (stop func() error, err error) {
	started := time.Now()
	if err := i.beat(ctx, started); err != nil {
		return nil, err
	}
	beating, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var work sync.WaitGroup
	work.Go(func() {
		tick := time.NewTicker(instanceBeat)
		defer tick.Stop()
		for {
			select {
			case <-beating.Done():
				return
			case <-tick.C:
				if err := i.beat(beating, started); err != nil && beating.Err() == nil {
					failed(err)
				}
			}
		}
	})
	return func() error {
		cancel()
		work.Wait()
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), instanceBeat)
		defer cancel()
		return i.leave(end)
	}, nil
}

// alone refuses while another daemon is running on the database.
func (i *installation) alone(ctx context.Context) error {
	var hosts []string
	err := i.store.Read(ctx, func(tx adapter.Tx) error {
		hosts = nil
		rows, err := tx.Query(ctx, `SELECT host FROM daemon_instance WHERE seen_at > ? ORDER BY id`,
			lqp.IntValue(time.Now().Add(-instanceSilence).UnixMilli()))
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			hosts = append(hosts, rows.Value(0).Text())
		}
		return rows.Err()
	})
	if err != nil {
		return fmt.Errorf("look for running daemons: %w", err)
	}
	if len(hosts) > 0 {
		return fmt.Errorf("%w: on %s (one that was killed counts for %s)", errRunning, strings.Join(hosts, ", "), instanceSilence)
	}
	return nil
}

// errRunning says that daemons work on the database.
var errRunning = errors.New("a daemon is running on the database")
