package testenv

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// postgresSettings trade durability for speed, allow logical replication, and
// put the server into a time zone with odd minutes (spelt out, so that it
// needs no zone file).
var postgresSettings = []string{
	"-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off",
	"-c", "wal_level=logical", "-c", "max_wal_senders=20", "-c", "max_replication_slots=20",
	"-c", "shared_buffers=32MB", "-c", "max_connections=200",
	"-c", "timezone=<+0545>-05:45",
}

var postgresImage = image{
	name: "postgres:17", port: "5432",
	opts: []string{"--env", "POSTGRES_HOST_AUTH_METHOD=trust", "--env", "POSTGRES_INITDB_ARGS=" + strings.Join(postgresLocale, " ")},
	args: postgresSettings,
	url:  postgresURL,
}

// postgresLocale makes the default collation a natural language's: a query
// that forgets to ask for code point order is then found out.
var postgresLocale = []string{"--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US"}

func postgresURL(address string) string {
	return "postgres://postgres@" + address + "/postgres?sslmode=disable"
}

// postgresBin is the directory of the newest server on this machine.
func postgresBin() (string, bool) {
	// Debian keeps them out of PATH, one directory per major version.
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.SortFunc(dirs, func(a, b string) int { return majorVersion(b) - majorVersion(a) })
	if path, ok := look("postgres"); ok {
		// A link in PATH has no libraries or share directory beside it.
		if path, err := filepath.EvalSymlinks(path); err == nil {
			dirs = append(dirs, filepath.Dir(path))
		}
	}
	for _, dir := range dirs {
		if exists(filepath.Join(dir, "initdb")) && exists(filepath.Join(dir, "postgres")) {
			return dir, true
		}
	}
	return "", false
}

func majorVersion(bin string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(bin)))
	return n
}

func findPostgres() (recipe, error) {
	bin, ok := postgresBin()
	if !ok {
		return recipe{}, errors.New("there is no initdb and postgres in /usr/lib/postgresql/*/bin or PATH")
	}
	return recipe{via: filepath.Join(bin, "postgres"), launch: func(in *instance) (string, error) {
		// Versions before 15, and builds without ICU, know no locale provider.
		if err := in.initdb(bin, postgresLocale...); err != nil {
			if err := os.RemoveAll(filepath.Join(in.dir, "data")); err != nil {
				return "", err
			}
			if err := in.initdb(bin, "--locale=C"); err != nil {
				return "", err
			}
		}
		return in.postgres(bin, postgresSettings...)
	}}, nil
}

func (in *instance) initdb(bin string, locale ...string) error {
	data, err := in.mkdir("data")
	if err != nil {
		return err
	}
	return in.run(filepath.Join(bin, "initdb"), append(locale, "--pgdata="+data,
		"--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync")...)
}

func (in *instance) postgres(bin string, settings ...string) (string, error) {
	port, err := freePort()
	if err != nil {
		return "", err
	}
	// SIGQUIT is PostgreSQL's immediate shutdown. After a SIGKILL its shared
	// memory would stay, which is also why that is kept in files.
	err = in.start(syscall.SIGQUIT, filepath.Join(bin, "postgres"), append([]string{
		"-D", in.seen("data"), "-p", strconv.Itoa(port), "-c", "listen_addresses=127.0.0.1",
		"-c", "unix_socket_directories=", "-c", "dynamic_shared_memory_type=mmap",
	}, settings...)...)
	if err != nil {
		return "", err
	}
	url := postgresURL("127.0.0.1:" + strconv.Itoa(port))
	return url, in.ready(pingPostgres, url)
}

func pingPostgres(ctx context.Context, url string) error {
	return withPostgres(ctx, url, func(conn *pgx.Conn) error { return conn.Ping(ctx) })
}

func withPostgres(ctx context.Context, url string, do func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return do(conn)
}

func freshPostgres(ctx context.Context, admin, name string) (string, dropFunc, error) {
	u, err := url.Parse(admin)
	if err != nil || u.Scheme == "" {
		return "", nil, errors.New("the server's address has to be a URL (postgres://user@host:port/database)")
	}
	quoted := pgx.Identifier{name}.Sanitize()
	// template1 may have sessions, and then cannot be copied.
	err = execPostgres(ctx, admin, "CREATE DATABASE "+quoted+" TEMPLATE template0")
	if err != nil {
		return "", nil, err
	}
	u.Path = "/" + name
	return u.String(), func(ctx context.Context) error { return dropPostgres(ctx, admin, name) }, nil
}

func dropPostgres(ctx context.Context, admin, name string) error {
	return withPostgres(ctx, admin, func(conn *pgx.Conn) error {
		// FORCE ends sessions but not replication slots, and a slot can only be
		// dropped a moment after its reader was told to go.
		if _, err := conn.Exec(ctx, `SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE database = $1 AND active`, name); err != nil {
			return err
		}
		var err error
		for range 50 {
			if _, err = conn.Exec(ctx, `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = $1`, name); err == nil {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
		if err != nil {
			return fmt.Errorf("drop replication slots: %w", err)
		}
		_, err = conn.Exec(ctx, "DROP DATABASE IF EXISTS "+pgx.Identifier{name}.Sanitize()+" WITH (FORCE)")
		return err
	})
}

func execPostgres(ctx context.Context, url, sql string) error {
	return withPostgres(ctx, url, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, sql)
		return err
	})
}
