package mongodb

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/databasetest"
	"github.com/livetables/livetables/adapter/internal/failure"
	"github.com/livetables/livetables/adapter/internal/settings"
	"github.com/livetables/livetables/lqp"
)

func TestSettings(t *testing.T) {
	good := adapter.Settings{Host: "db.example.com", Database: "d", User: "u", Password: "p"}
	databasetest.Refusals(t, Open, good, map[string]func(*adapter.Settings){
		"uri":                 func(s *adapter.Settings) { s.Host = "mongodb://h" },
		"socket":              func(s *adapter.Settings) { s.Host = "/tmp/mongodb.sock" },
		"socket as a name":    func(s *adapter.Settings) { s.Host = "mongodb-27017.sock" },
		"options in host":     func(s *adapter.Settings) { s.Host = "a/?authMechanism=MONGODB-AWS" },
		"options in database": func(s *adapter.Settings) { s.Database = "d?tlsInsecure=true" },
		"external users":      func(s *adapter.Settings) { s.Database = "$external" },
		"user without":        func(s *adapter.Settings) { s.Password = "" },
		"skip verify":         func(s *adapter.Settings) { s.TLS = "insecure" },
		"schemas":             func(s *adapter.Settings) { s.Schemas = []string{"public"} },
	})
}

func TestClientOptions(t *testing.T) {
	s := adapter.Settings{Host: "db.example.com", Database: "d", User: "u", Password: "p", TLS: "verify"}
	_, err := rules.Check(&s)
	require.NoError(t, err)
	o := clientOptions(&s, "admin")
	require.NoError(t, o.Validate())
	require.Empty(t, o.GetURI())
	require.Equal(t, []string{"db.example.com:27017"}, o.Hosts)
	require.True(t, *o.Direct)
	require.Nil(t, o.TLSConfig, "the dialer speaks TLS")
	require.Nil(t, o.Compressors)
	require.Nil(t, o.AutoEncryptionOptions)
	require.Empty(t, o.Auth.AuthMechanism, "negotiated among the kinds of SCRAM")
	require.Equal(t, "admin", o.Auth.AuthSource)
	require.Equal(t, uint64(4), *o.MaxPoolSize)
	require.False(t, settings.TLSConfig(&s).InsecureSkipVerify)
	require.Equal(t, "db.example.com", settings.TLSConfig(&s).ServerName)
}

// TestDialIsTheOnlyWayOut: names reach the guard unresolved and nothing is dialled around it.
func TestDialIsTheOnlyWayOut(t *testing.T) {
	var dialled []string
	a, err := Open(t.Context(), adapter.Settings{Host: "db.example.com", Database: "d", TLS: "off",
		Dial: func(_ context.Context, network, addr string) (net.Conn, error) {
			dialled = append(dialled, network+" "+addr)
			return nil, adapter.ErrOption
		}})
	require.NoError(t, err)
	defer func() { require.NoError(t, a.Close()) }()
	begun := time.Now()
	err = a.Ping(t.Context())
	require.ErrorIs(t, err, adapter.ErrOption)
	require.Less(t, time.Since(begun), 5*time.Second, "a refusal is not waited for")
	require.Equal(t, []string{"tcp db.example.com:27017"}, dialled)
	_, err = (&dialer{&adapter.Settings{Host: "h", Port: 1}}).DialContext(t.Context(), "tcp", "10.0.0.1:1")
	require.Error(t, err, "another member of the set")
}

func TestUnreachable(t *testing.T) {
	a, err := open(adapter.Settings{Host: "127.0.0.1", Port: unreachable(t), Database: "d", TLS: "off"})
	require.NoError(t, err)
	defer func() { require.NoError(t, a.Close()) }()
	err = a.Ping(t.Context())
	require.ErrorIs(t, err, adapter.ErrUnavailable)
	require.Equal(t, "ping: source unavailable", err.Error())
}

// TestUsersAreLookedUpTwice: in admin, then in the database. Words of the server stay out of the error.
func TestUsersAreLookedUpTwice(t *testing.T) {
	srv := newScripted(t, nil, func(name string, _ bson.Raw) any {
		if name == "saslStart" {
			return doc("ok", 0, "code", int32(18), "codeName", "AuthenticationFailed", "errmsg", "secret 10.1.2.3")
		}
		return nil
	})
	s := srv.settings()
	s.User, s.Password = "u", "hunter2"
	a, err := open(s)
	require.NoError(t, err)
	defer func() { require.NoError(t, a.Close()) }()
	err = a.Ping(t.Context())
	require.ErrorIs(t, err, adapter.ErrAuth)
	require.Equal(t, "ping: source refused credentials", err.Error())
	var sources []string
	for _, c := range srv.commands("saslStart") {
		require.Equal(t, "SCRAM-SHA-256", textAt(c, "mechanism"))
		require.NotContains(t, c.String(), "hunter2")
		if from := textAt(c, "$db"); len(sources) == 0 || sources[len(sources)-1] != from {
			sources = append(sources, from)
		}
	}
	require.Equal(t, []string{"admin", "shop"}, sources)
}

func TestTLS(t *testing.T) {
	cert, ca := certificate(t)
	srv := newScripted(t, &tls.Config{Certificates: []tls.Certificate{cert}}, func(string, bson.Raw) any { return nil })
	plain := newScripted(t, nil, func(string, bson.Raw) any { return nil })
	ping := func(change func(*adapter.Settings)) error {
		s := srv.settings()
		s.TLS = "verify"
		change(&s)
		a, err := open(s)
		require.NoError(t, err)
		defer func() { require.NoError(t, a.Close()) }()
		return a.Ping(t.Context())
	}
	require.NoError(t, ping(func(s *adapter.Settings) { s.RootCA = ca }))
	require.NoError(t, ping(func(s *adapter.Settings) { s.Host, s.TLS = "LocalHost", "off"; s.Port = plain.settings().Port }))
	require.ErrorIs(t, ping(func(*adapter.Settings) {}), adapter.ErrUnavailable, "nobody vouches for the server")
	require.ErrorIs(t, ping(func(s *adapter.Settings) { s.RootCA, s.Host = ca, "localhost" }), adapter.ErrUnavailable, "another name")
}

// TestHugeMessage: a server that announces a message of a gigabyte is not believed, whatever it said about its limits.
func TestHugeMessage(t *testing.T) {
	srv := newScripted(t, nil, func(name string, _ bson.Raw) any {
		if name == "find" {
			return []byte("\x00\x00\x00\x40\x00\x00\x00\x00\x00\x00\x00\x00\xdd\x07\x00\x00")
		}
		return nil
	})
	a, err := open(srv.settings())
	require.NoError(t, err)
	defer func() { require.NoError(t, a.Close()) }()
	_, err = a.Scan(t.Context(), orders())
	require.ErrorIs(t, err, adapter.ErrUnavailable)
}

// orders is a scan of a table that only a scripted server has.
func orders() *lqp.Query {
	t := shop()["orders"]
	src := lqp.Source{Table: "orders", Alias: "orders", Schema: t}
	return &lqp.Query{From: src, Select: []lqp.Named{{Name: "status", Expr: lqp.TypedRef("orders", "status", lqp.Type{Kind: lqp.Text})}}}
}

func TestErrorsByCode(t *testing.T) {
	for code, want := range map[int32]error{
		18: adapter.ErrAuth, 13: adapter.ErrDenied, 50: adapter.ErrTimeout, 26: adapter.ErrNoTable, 59: adapter.ErrUnsupported,
		91: adapter.ErrUnavailable, 11600: adapter.ErrUnavailable, 10107: adapter.ErrUnavailable, 11000: adapter.ErrConstraint, 2: failure.ErrUnknown,
	} {
		err := translate(t.Context(), "scan orders", mongo.CommandError{Code: code, Message: "secret 10.1.2.3"})
		require.ErrorIs(t, err, want, code)
		require.Equal(t, "scan orders: "+want.Error(), err.Error(), "no words of the server")
		require.ErrorAs(t, err, &mongo.CommandError{}, "but the log can have them")
	}
	require.ErrorIs(t, evaluation(mongo.CommandError{Code: 16020}), adapter.ErrData)
	require.NotErrorIs(t, evaluation(mongo.CommandError{Code: 50}), adapter.ErrData)
	require.ErrorIs(t, translate(t.Context(), "scan", errors.New("read tcp 10.1.2.3: reset")), adapter.ErrUnavailable)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, translate(ctx, "scan", mongo.CommandError{Code: 50}), context.Canceled)
	require.NoError(t, translate(ctx, "scan", nil))
}

// TestWhatTheServerIsTold looks at the commands themselves.
func TestWhatTheServerIsTold(t *testing.T) {
	tries := 0
	srv := newScripted(t, nil, func(name string, _ bson.Raw) any {
		switch name {
		case "find":
			if tries++; tries == 1 {
				return doc("ok", 0, "code", int32(11600), "errmsg", "shutting down")
			}
			return batchOf(77, "firstBatch", doc("status", "a"))
		case "getMore":
			return batchOf(77, "nextBatch", doc("status", "b"))
		}
		return nil
	})
	a, err := open(srv.settings())
	require.NoError(t, err)
	rows, err := a.Scan(t.Context(), orders())
	require.NoError(t, failure.Cause(err))
	require.True(t, rows.Next())
	require.True(t, rows.Next())
	require.Equal(t, `"b"`, string(rows.AppendJSON(nil, 0)))
	require.NoError(t, rows.Close())
	require.NoError(t, a.Close(), "waits until the cursor is killed")
	finds := srv.commands("find")
	require.Len(t, finds, 2, "a server that goes away is asked once more")
	for _, c := range append(finds, srv.commands("killCursors")...) {
		require.Equal(t, "shop", textAt(c, "$db"))
	}
	limit, ok := finds[0].Lookup("maxTimeMS").AsInt64OK()
	require.True(t, ok)
	require.Greater(t, limit, int64(3000))
	require.LessOrEqual(t, limit, int64(5000))
	require.Equal(t, "simple", textAt(finds[0], "collation", "locale"))
	require.Len(t, srv.commands("killCursors"), 1)
	for _, c := range srv.commands("find") {
		require.False(t, strings.Contains(c.String(), "$where"))
	}
}
