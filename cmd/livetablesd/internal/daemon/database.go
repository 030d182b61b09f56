package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/postgres"
	"github.com/livetables/livetables/adapter/sqlite"
)

// Database are the settings of the PostgreSQL database that takes the place of the files in the data directory. The zero
// Database is those files.
type Database struct {
	URL     string `name:"database-url" placeholder:"URL" help:"PostgreSQL database (postgres://user:password@host:5432/name) to keep everything in, instead of files in the data directory; several daemons may share it. A password belongs into LIVETABLES_DATABASE_URL or the file."`
	URLFile string `name:"database-url-file" type:"path" placeholder:"FILE" help:"File with that URL. It must not be readable by everybody."`
	RootCA  string `name:"database-root-ca" type:"path" placeholder:"FILE" help:"Certificates (PEM) that the database server's own must come from. Default: those of the system."`
	Schema  string `name:"database-schema" default:"livetables" help:"Schema of that database to keep everything in, and beginning of the names of further ones. It is made when missing."`
	Conns   int    `name:"database-conns" default:"16" help:"Connections to that database that read at the same time; each daemon has a few more."`
}

// used reports whether data is kept in a PostgreSQL database.
func (d *Database) used() bool { return d.URL != "" || d.URLFile != "" }

// The parts of what is kept, each a store of its own: what belongs to tenants, and what belongs to the installation.
const (
	partTenants  = "livetables.db"
	partAccounts = "accounts.db"
)

// accountsSuffix ends the name of the schema of the accounts.
const accountsSuffix = "_accounts"

// maxSchema leaves room for the suffix in what the store allows.
const maxSchema = 24 - len(accountsSuffix)

// check reports all problems of the settings together, and nothing of a URL, which may have a password in it.
func (d *Database) check() error {
	if !d.used() {
		return nil
	}
	var errs []error
	if d.URL != "" && d.URLFile != "" {
		errs = append(errs, errors.New("--database-url and --database-url-file exclude each other"))
	}
	if len(d.Schema) > maxSchema {
		errs = append(errs, fmt.Errorf("--database-schema has at most %d characters", maxSchema))
	}
	if d.Conns < 1 {
		errs = append(errs, errors.New("--database-conns must be above zero"))
	}
	if d.URL != "" {
		if _, err := parseDatabaseURL(d.URL); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// settings reads the URL and what belongs to it.
func (d *Database) settings() (s adapter.Settings, err error) {
	text := d.URL
	if d.URLFile != "" {
		secret, err := readSecret(d.URLFile)
		if err != nil {
			return s, fmt.Errorf("--database-url-file: %w", err)
		}
		text = string(secret)
	}
	if s, err = parseDatabaseURL(text); err != nil {
		return s, err
	}
	s.MaxConns = d.Conns
	if d.RootCA != "" {
		pem, err := os.ReadFile(d.RootCA)
		if err != nil {
			return s, fmt.Errorf("--database-root-ca: %w", err)
		}
		s.RootCA = string(pem)
	}
	return s, nil
}

// parseDatabaseURL reads postgres://user:password@host:port/name?sslmode=…. Its errors have nothing of the text in them.
func parseDatabaseURL(text string) (s adapter.Settings, err error) {
	const flag = "--database-url"
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Opaque != "" {
		return s, errors.New(flag + " is no URL such as postgres://user:password@host:5432/name")
	}
	var errs []error
	refuse := func(text string) { errs = append(errs, errors.New(flag+": "+text)) }
	if u.Scheme != "postgres" && u.Scheme != "postgresql" {
		refuse("only postgres:// databases can be used")
	}
	s = adapter.Settings{Driver: "postgres", Host: u.Hostname(), Database: strings.TrimPrefix(u.Path, "/"), TLS: "verify"}
	if port := u.Port(); port != "" {
		s.Port, _ = strconv.Atoi(port) // url.Parse has checked the digits, the store checks the rest
	}
	if u.User != nil {
		s.User = u.User.Username()
		s.Password, _ = u.User.Password()
	}
	for _, part := range []struct{ value, name string }{{s.Host, "host"}, {s.User, "user"}, {s.Database, "database"}} {
		if part.value == "" {
			refuse("the " + part.name + " is missing")
		}
	}
	for key, values := range u.Query() {
		if key != "sslmode" || len(values) != 1 {
			refuse("sslmode is the only parameter, and may be given once")
			continue
		}
		switch values[0] {
		case "verify-full":
		case "disable":
			s.TLS = "off"
		default:
			refuse("sslmode is verify-full, which is what happens without it, or disable")
		}
	}
	if u.Fragment != "" {
		refuse("a # in the password must be written as %23")
	}
	return s, errors.Join(errs...)
}

// openStore opens a part of what is kept, in a file of the directory or in the database.
func openStore(ctx context.Context, dir string, d *Database, part string, log *slog.Logger) (adapter.Store, error) {
	if !d.used() {
		store, err := sqlite.OpenStore(ctx, filepath.Join(dir, part), sqlite.StoreOptions{})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", part, err)
		}
		return store, nil
	}
	s, err := d.settings()
	if err != nil {
		return nil, err
	}
	opt := postgres.StoreOptions{Settings: s, Schema: d.Schema, Logger: log}
	if part == partAccounts {
		opt.Schema += accountsSuffix
		opt.Settings.MaxConns = max(2, d.Conns/2)
		opt.Roles = postgres.RolesNever // they have no namespaces
	}
	store, err := postgres.OpenStore(ctx, opt)
	if err != nil {
		return nil, databaseError(s, err)
	}
	if err := newEnough(store.Capabilities().Version); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return store, nil
}

// newEnough refuses servers of old versions, which are written as "9.6.24" or "15.18 (Debian …)". What is no version is taken.
func newEnough(version string) error {
	major, _, _ := strings.Cut(version, ".")
	if n, err := strconv.Atoi(major); err == nil && n < oldestServer {
		return fmt.Errorf("the database server is PostgreSQL %s; %d is the oldest that can be used", version, oldestServer)
	}
	return nil
}

// oldestServer is the oldest version of PostgreSQL that is not refused.
const oldestServer = 13

// databaseError says what is wrong with a database in words that help an operator. The server's own words are safe to show:
// they are about what the operator gave, and no password is in them.
func databaseError(s adapter.Settings, err error) error {
	at := net.JoinHostPort(s.Host, strconv.Itoa(max(s.Port, 1)))
	if s.Port == 0 {
		at = s.Host
	}
	said := ""
	var answer interface {
		error
		SQLState() string
	}
	if errors.As(err, &answer) {
		said = ": " + answer.Error()
	}
	const noDatabase = "3D000"
	what := "cannot be used"
	switch {
	case answer != nil && answer.SQLState() == noDatabase:
		what = fmt.Sprintf("has no database %q; make it first", s.Database)
	case errors.Is(err, adapter.ErrAuth):
		what = fmt.Sprintf("refuses the user %q or its password", s.User)
	case errors.Is(err, adapter.ErrDenied):
		what = fmt.Sprintf("does not let the user %q do what is needed; it must be allowed to create schemas in the database %q (GRANT CREATE ON DATABASE)", s.User, s.Database)
	case errors.Is(err, adapter.ErrOption), errors.Is(err, adapter.ErrUnsupported):
	case errors.Is(err, adapter.ErrUnavailable) && answer == nil:
		what = "does not answer"
	}
	return fmt.Errorf("the database server at %s %s%s (%w)", at, what, said, err)
}
