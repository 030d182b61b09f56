package testenv

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"
)

// Postgres returns the URL of an empty PostgreSQL database made for this test
// and dropped after it, sessions and replication slots included.
func Postgres(t testing.TB) string { t.Helper(); return fresh(t, KindPostgres) }

// MySQL returns the data source name, as go-sql-driver/mysql takes it, of an
// empty MySQL database made for this test and dropped after it.
func MySQL(t testing.TB) string { t.Helper(); return fresh(t, KindMySQL) }

// MariaDB is MySQL for MariaDB.
func MariaDB(t testing.TB) string { t.Helper(); return fresh(t, KindMariaDB) }

// Mongo returns the URI of a server that speaks MongoDB's protocol, with a
// database made for this test and dropped after it as its path, and the name
// of that database again.
//
// The server may be FerretDB: a test that needs transactions or change streams
// asks the server ("hello" has a setName) and skips otherwise.
func Mongo(t testing.TB) (uri, database string) {
	t.Helper()
	uri = fresh(t, KindMongo)
	return uri, mongoDatabase(uri)
}

// Redis returns the URL of a Redis server. Its keys and channels are shared by
// all tests; Name makes a prefix that is not.
func Redis(t testing.TB) string { t.Helper(); return fresh(t, KindRedis) }

// Name returns a name no other call returns, made of lower-case letters, digits
// and underscores, short enough for a database and telling which test made it.
func Name(t testing.TB) string { return uniqueName(t.Name()) }

// Fresh is what Postgres and the others do, for programs that have no
// [testing.TB]: it finds or starts the server, makes an empty database on it,
// and returns its URL and the function that drops it.
func Fresh(ctx context.Context, kind Kind) (url string, drop func(context.Context) error, err error) {
	server, err := shared(kind)
	if err != nil {
		return "", nil, err
	}
	return providerOf(kind).fresh(ctx, server.URL, uniqueName("bench"))
}

func fresh(t testing.TB, kind Kind) string {
	t.Helper()
	server, err := shared(kind)
	if missing := (*MissingError)(nil); errors.As(err, &missing) && !kind.Required() {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	// A database takes 0.1 s to make; a loaded machine may need far longer.
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	url, drop, err := providerOf(kind).fresh(ctx, server.URL, Name(t))
	if err != nil {
		t.Fatalf("make a database on the %s server from %s: %v", kind, server.Via, err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := drop(ctx); err != nil {
			t.Errorf("drop the test's database on the %s server from %s: %v", kind, server.Via, err)
		}
	})
	return url
}

var (
	sharedMu      sync.Mutex
	sharedServers = map[Kind]func() (*Server, error){}
)

// shared is the one server of a kind that this process uses.
func shared(kind Kind) (*Server, error) {
	sharedMu.Lock()
	once := sharedServers[kind]
	if once == nil {
		// Never closed: the server goes when the process goes.
		once = sync.OnceValues(func() (*Server, error) { return Start(kind) })
		sharedServers[kind] = once
	}
	sharedMu.Unlock()
	return once()
}

func uniqueName(of string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '_'
	}, strings.TrimPrefix(of, "Test"))
	name = name[:min(len(name), 24)]
	var random [6]byte
	rand.Read(random[:]) // never fails
	return "lt_" + name + "_" + hex.EncodeToString(random[:])
}
