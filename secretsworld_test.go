package livetables_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/postgres"
	"github.com/livetables/livetables/adapter/sqlite"
	"github.com/livetables/livetables/internal/testenv"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// secretWorld is an engine whose connections lead to a PostgreSQL server, with a note of the passwords that are used there.
type secretWorld struct {
	t         *testing.T
	dir       string
	store     *sqlite.Store
	db        *minidb.DB
	engine    *livetables.Engine
	owner     *livetables.Access
	workspace string
	log       bytes.Buffer
	spec      livetables.ConnectionSpec // without name and password

	mu   sync.Mutex
	used []string // passwords that adapters were opened with
}

func newSecretWorld(t *testing.T) *secretWorld {
	t.Helper()
	w := &secretWorld{t: t, dir: t.TempDir()}
	var err error
	w.store, err = sqlite.OpenStore(t.Context(), filepath.Join(w.dir, "data.db"), sqlite.StoreOptions{Relaxed: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.store.Close()) })
	w.db, err = minidb.Open(t.Context(), w.store, minidb.Options{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.db.Close()) })
	u, err := url.Parse(testenv.Postgres(t))
	require.NoError(t, err)
	port, err := strconv.Atoi(u.Port())
	require.NoError(t, err)
	w.spec = livetables.ConnectionSpec{Driver: "postgres", Host: u.Hostname(), Port: port, User: u.User.Username(), Database: strings.TrimPrefix(u.Path, "/"), TLS: "off"}
	return w
}

// open makes an engine with a sealer; the last one is closed.
func (w *secretWorld) open(sealer livetables.Sealer) {
	w.t.Helper()
	w.close()
	var err error
	w.engine, err = livetables.New(livetables.Options{
		Store: w.db, Sealer: sealer, Logger: slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Dial: (&net.Dialer{}).DialContext, Plain: func(string, int) bool { return true },
		Openers: map[string]adapter.Opener{"postgres": func(ctx context.Context, s adapter.Settings) (adapter.Adapter, error) {
			w.mu.Lock()
			w.used = append(w.used, s.Password)
			w.mu.Unlock()
			return postgres.Open(ctx, s)
		}},
	})
	require.NoError(w.t, err)
	w.owner = w.engine.As(rbac.Principal{ID: "owner"})
	if w.workspace == "" {
		ws, err := w.owner.CreateWorkspace(w.t.Context(), "W")
		require.NoError(w.t, err)
		w.workspace = ws.ID
		w.t.Cleanup(w.close)
	}
}

func (w *secretWorld) close() {
	if w.engine != nil {
		require.NoError(w.t, w.engine.Close())
		w.engine = nil
	}
}

func (w *secretWorld) connect(workspace, name, password string) *livetables.Connection {
	w.t.Helper()
	spec := w.spec
	secret := livetables.NewSecret(password)
	spec.Name, spec.Password = name, &secret
	c, err := w.owner.CreateConnection(w.t.Context(), workspace, spec)
	require.NoError(w.t, err)
	return c
}

// test tries a connection and gives the code of the result, empty when it works, and the password that was used for it.
func (w *secretWorld) test(id string) (code, password string) {
	w.t.Helper()
	w.mu.Lock()
	w.used = nil
	w.mu.Unlock()
	r, err := w.owner.TestConnection(w.t.Context(), id)
	require.NoError(w.t, err)
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.used) > 0 {
		password = w.used[0]
	}
	return r.Code, password
}

// secret reads the stored form of a connection's password.
func (w *secretWorld) secret(id string) []byte {
	w.t.Helper()
	list, err := w.db.SealedConnections(w.t.Context(), "", 10_000)
	require.NoError(w.t, err)
	for _, c := range list {
		if c.ID == id {
			return c.Secret
		}
	}
	return nil
}

// overwrite changes the metadata store behind the program's back, as who can write there does.
func (w *secretWorld) overwrite(sql string, args ...lqp.Value) {
	w.t.Helper()
	w.close()
	n := int64(0)
	err := w.store.Write(w.t.Context(), func(tx adapter.Tx) (err error) {
		n, err = tx.Exec(w.t.Context(), sql, args...)
		return err
	})
	require.NoError(w.t, err)
	require.Positive(w.t, n, sql)
	w.reread()
}

// reread forgets what the mini-DB remembers.
func (w *secretWorld) reread() {
	w.t.Helper()
	require.NoError(w.t, w.db.Close())
	var err error
	w.db, err = minidb.Open(w.t.Context(), w.store, minidb.Options{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(w.t, err)
}

// everything is what the metadata store and the log hold, as text.
func (w *secretWorld) everything() string {
	w.t.Helper()
	var b strings.Builder
	b.WriteString(w.log.String())
	err := w.store.Read(w.t.Context(), func(tx adapter.Tx) error {
		for _, table := range []struct {
			name    string
			columns int
		}{{"lt_connection", 10}, {"lt_change", 17}} {
			rows, err := tx.Query(w.t.Context(), "SELECT * FROM "+table.name)
			if err != nil {
				return err
			}
			for rows.Next() {
				for i := range table.columns {
					fmt.Fprintln(&b, string(rows.AppendJSON(nil, i)))
				}
			}
			if err := errors.Join(rows.Err(), rows.Close()); err != nil {
				return err
			}
		}
		return nil
	})
	require.NoError(w.t, err)
	return b.String()
}
