package postgres

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/settings"
)

const (
	connectTimeout  = 10 * time.Second
	maxMessage      = 64 << 20 // bytes of one row: a server's bytes are hostile input
	applicationName = "livetables"
)

// Open makes an adapter to a PostgreSQL database. It validates the settings and reports everything wrong with them at
// once (errors.Is adapter.ErrOption); it connects at the first use. Only Host, Port, Database, User, Password, TLS,
// RootCA, Schemas, TimeZone, ReadOnly, MaxConns, Timeout and Dial are looked at.
//
// Open implements [adapter.Opener].
func Open(_ context.Context, s adapter.Settings) (adapter.Adapter, error) { return open(s) }

var _ adapter.Opener = Open

// rules are what is ours alone about the settings.
var rules = settings.Rules{Port: 5432}

func open(s adapter.Settings) (*Adapter, error) {
	a, cfg, err := prepare(s)
	if err != nil {
		return nil, err
	}
	if err := a.start(cfg); err != nil {
		return nil, err
	}
	return a, nil
}

// prepare makes an adapter that has no connections yet, and their configuration.
func prepare(s adapter.Settings) (*Adapter, *pgxpool.Config, error) {
	zone, err := rules.Check(&s)
	if err != nil {
		return nil, nil, err
	}
	cfg, err := poolConfig(s)
	if err != nil {
		return nil, nil, err
	}
	a := &Adapter{schemas: slices.Clone(s.Schemas), home: defaultSchema, database: s.Database, zone: zone}
	a.dialect.Store(&dialect{zone: settings.ZoneName(zone)})
	return a, cfg, nil
}

// start makes the pool.
func (a *Adapter) start(cfg *pgxpool.Config) (err error) {
	cfg.ConnConfig.AfterConnect = a.probe
	if a.pool, err = pgxpool.NewWithConfig(context.Background(), cfg); err != nil {
		return translate(context.Background(), "open connection", err)
	}
	a.alive, a.stop = context.WithCancel(context.Background())
	return nil
}

// template is the one configuration that pgx parses; pgx insists on parsing one. Every key that an environment variable
// could set is set here, so that none matters, and nothing in it leads to a file: TLS is off (replaced later), and with a
// host, a user and a password nothing is looked up.
const template = "host=127.0.0.1 port=5432 database=x user=x password=x sslmode=disable sslcert='' sslkey='' sslrootcert='' " +
	"sslpassword='' sslcertmode=disable sslnegotiation=postgres sslsni=1 target_session_attrs=any connect_timeout=10 " +
	"application_name=x options='' timezone=UTC passfile='' min_protocol_version=3.0 max_protocol_version=3.0 " +
	"channel_binding=prefer require_auth=''"

var parsed = sync.OnceValues(pgxTemplate)

func pgxTemplate() (*pgxpool.Config, error) {
	// A service cannot be overridden by a key: pgx would look for the service's file. The variable is put back at once.
	if service, ok := os.LookupEnv("PGSERVICE"); ok {
		if err := os.Unsetenv("PGSERVICE"); err != nil {
			return nil, err
		}
		defer func() { _ = os.Setenv("PGSERVICE", service) }()
	}
	return pgxpool.ParseConfig(template)
}

// poolConfig builds the configuration field by field.
func poolConfig(s adapter.Settings) (*pgxpool.Config, error) {
	base, err := parsed()
	if err != nil {
		return nil, fmt.Errorf("prepare connection settings: %w", err)
	}
	cfg := base.Copy()
	c := &cfg.ConnConfig.Config
	c.Host, c.Port = s.Host, uint16(s.Port)
	c.Database, c.User, c.Password = s.Database, s.User, s.Password
	c.Fallbacks = nil
	c.TLSConfig = settings.TLSConfig(&s)
	c.ConnectTimeout = connectTimeout
	c.MaxProtocolMessageBodyLen = maxMessage
	dial := s.Dial
	c.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, connectTimeout)
		defer cancel()
		return dial(ctx, network, addr)
	}
	// Names are resolved by the dialer, which checks the address it really connects to.
	c.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil }
	c.RuntimeParams = map[string]string{
		"application_name": applicationName,
		"client_encoding":  "UTF8",
		"timezone":         "UTC",
		"datestyle":        "ISO, YMD",
		"search_path":      "pg_catalog", // every table is named with its schema; no function can be put in front of ours
		// What else a database or a role may set: names of types would come quoted, c = NULL would find rows.
		"quote_all_identifiers":       "off",
		"transform_null_equals":       "off",
		"standard_conforming_strings": "on",
		"statement_timeout":           strconv.FormatInt(s.Timeout.Milliseconds(), 10),
	}
	if s.ReadOnly {
		c.RuntimeParams["default_transaction_read_only"] = "on"
	}
	// A cancelled context cancels the statement at the server; the deadline behind it frees us from a dead server.
	c.BuildContextWatcherHandler = func(pg *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: pg, DeadlineDelay: 5 * time.Second}
	}
	cfg.MaxConns = int32(s.MaxConns)
	cfg.MinConns, cfg.MinIdleConns = 0, 0
	cfg.MaxConnLifetime = time.Hour
	cfg.MaxConnIdleTime = 5 * time.Minute
	return cfg, nil
}
