package auth

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/internal/storetest"
)

// testKeys derives keys from a text.
type testKeys string

func (k testKeys) Derive(purpose string) []byte {
	mac := hmac.New(sha256.New, []byte(k))
	mac.Write([]byte(purpose))
	return mac.Sum(nil)
}

// testClock stands still until moved.
type testClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *testClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *testClock) Step(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// fixture is a service on a database of its own.
type fixture struct {
	*Service
	t     testing.TB
	place storetest.Place
	store adapter.Store
	clock *testClock

	mu      sync.Mutex
	log     bytes.Buffer
	entries []audit.Entry
}

// tables are those that a dump shows.
var tables = []string{"auth_account", "auth_session", "auth_key", "auth_service", "auth_invite", "auth_mail", "auth_mail_token", "auth_oidc_link", "auth_outbox"}

// emptyTables makes a database as good as new.
var emptyTables = func() []string {
	list := []string{`DELETE FROM auth_oidc_flow`, `UPDATE auth_outbox_last SET position = 0`}
	for _, table := range tables {
		list = append(list, `DELETE FROM `+table)
	}
	return list
}()

// weakHash is for tests that are not about the hash.
var weakHash = HashParams{Memory: 64, Time: 1, Threads: 1}

func newFixture(t testing.TB, change func(*Options)) *fixture {
	t.Helper()
	f := &fixture{
		t: t, place: storetest.Emptied(t, emptyTables...),
		clock: &testClock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)},
	}
	f.open(change)
	return f
}

// open opens the fixture's database, as a process that starts does.
func (f *fixture) open(change func(*Options)) {
	f.t.Helper()
	store, err := f.place.OpenStore(f.t.Context())
	require.NoError(f.t, err)
	f.t.Cleanup(func() { _ = store.Close() })
	o, err := Options{
		Keys:   testKeys("fixture"),
		Clock:  f.clock.Now,
		Limits: Limits{PerAddress: 1e6, PerAccount: 1e6, Refresh: 1e6},
		Logger: slog.New(slog.NewTextHandler(&lockedWriter{f}, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Record: func(_ context.Context, e audit.Entry) error {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.entries = append(f.entries, e)
			return nil
		},
	}.withDefaults()
	require.NoError(f.t, err)
	o.Hash = weakHash
	if change != nil {
		change(&o)
	}
	f.store = store
	f.Service, err = open(f.t.Context(), store, o)
	require.NoError(f.t, err)
}

// another opens the same database a second time, as another node would.
func (f *fixture) another() *fixture {
	g := &fixture{t: f.t, place: f.place, clock: f.clock}
	g.open(nil)
	return g
}

type lockedWriter struct{ f *fixture }

func (w *lockedWriter) Write(p []byte) (int, error) {
	w.f.mu.Lock()
	defer w.f.mu.Unlock()
	return w.f.log.Write(p)
}

// actions are the recorded entries' actions in order.
func (f *fixture) actions() []string {
	f.t.Helper()
	var out []string
	for _, e := range f.recorded() {
		out = append(out, e.Action)
	}
	return out
}

// recorded hands over what waits, and is everything that was ever taken.
func (f *fixture) recorded() []audit.Entry {
	f.t.Helper()
	require.NoError(f.t, f.HandOver(f.t.Context()))
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.entries)
}

const rootPassword = "root password"

var home = Client{Address: netip.MustParseAddr("192.0.2.7"), UserAgent: "test/1"}

// root makes the first account, an instance admin, and logs it in.
func (f *fixture) root() Identity {
	f.t.Helper()
	token, ok, err := f.SetupToken(f.t.Context())
	require.NoError(f.t, err)
	require.True(f.t, ok)
	tokens, err := f.Register(f.t.Context(), Registration{
		Email: "root@example.com", Name: "Root", Password: livetables.NewSecret(rootPassword), SetupToken: livetables.NewSecret(token),
	}, home)
	require.NoError(f.t, err)
	return f.verify(tokens)
}

// user makes an account with the password "password of <email>".
func (f *fixture) user(admin Identity, email string) User {
	f.t.Helper()
	u, err := f.CreateUser(f.t.Context(), admin, NewUser{Email: email, Password: passwordOf(email)})
	require.NoError(f.t, err)
	return u
}

func passwordOf(email string) livetables.Secret { return livetables.NewSecret("password of " + email) }

func (f *fixture) login(email string) Tokens {
	f.t.Helper()
	tokens, err := f.Login(f.t.Context(), Credentials{Email: email, Password: passwordOf(email)}, home)
	require.NoError(f.t, err)
	return tokens
}

func (f *fixture) verify(tokens Tokens) Identity {
	f.t.Helper()
	who, err := f.Verify(f.t.Context(), tokens.Access.Reveal())
	require.NoError(f.t, err)
	return who
}

// dead demands that neither token of a pair is good any more.
func (f *fixture) dead(tokens Tokens) {
	f.t.Helper()
	_, err := f.Verify(f.t.Context(), tokens.Access.Reveal())
	require.ErrorIs(f.t, err, ErrUnauthenticated)
	_, err = f.Refresh(f.t.Context(), tokens.Refresh, home)
	require.ErrorIs(f.t, err, ErrUnauthenticated)
}

// stored is all that the store has, as bytes or text: the files of an SQLite database, the rows of any other.
func (f *fixture) stored() string {
	f.t.Helper()
	if f.place.File == "" {
		return f.dump()
	}
	var all strings.Builder
	for _, suffix := range []string{"", "-wal", "-journal"} {
		raw, err := os.ReadFile(f.place.File + suffix)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		require.NoError(f.t, err)
		all.Write(raw)
	}
	return all.String()
}

// noRoom makes every INSERT or DELETE of entries that wait fail, until the function that it answers is called.
func (f *fixture) noRoom(event string) (room func()) {
	f.t.Helper()
	if f.place.File != "" {
		f.exec(`CREATE TRIGGER no_room BEFORE ` + event + ` ON auth_outbox BEGIN SELECT RAISE(ABORT, 'no room'); END`)
		return func() { f.exec(`DROP TRIGGER no_room`) }
	}
	f.exec(`CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION USING ERRCODE = ''53100'', MESSAGE = ''no room''; END'`)
	f.exec(`CREATE TRIGGER no_room BEFORE ` + event + ` ON auth_outbox FOR EACH ROW EXECUTE FUNCTION no_room()`)
	return func() {
		f.exec(`DROP TRIGGER no_room ON auth_outbox`)
		f.exec(`DROP FUNCTION no_room()`)
	}
}

// lacksRoom demands that an error is that of noRoom.
func (f *fixture) lacksRoom(err error) {
	f.t.Helper()
	if f.place.File != "" {
		require.ErrorContains(f.t, err, "no room")
		return
	}
	var answer interface {
		error
		SQLState() string
	}
	require.ErrorAs(f.t, err, &answer)
	require.ErrorContains(f.t, answer, "no room")
}
