package testenv

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/go-sql-driver/mysql"
)

// Both servers: no durability, a row binlog, a time zone with odd minutes.
var (
	mysqlInnoDB   = []string{"--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=OFF", "--innodb-flush-method=nosync"}
	mysqlSettings = append([]string{
		"--server-id=1", "--log-bin=bin", "--sync-binlog=0", "--binlog-row-metadata=FULL", "--skip-name-resolve",
		"--default-time-zone=+05:45", "--max-connections=200",
	}, mysqlInnoDB...)
	mysqlOnly   = []string{"--gtid-mode=ON", "--enforce-gtid-consistency=ON", "--mysqlx=OFF", "--performance-schema=OFF", "--innodb-buffer-pool-size=64M"}
	mariadbOnly = []string{"--binlog-format=ROW", "--character-set-server=utf8mb4", "--innodb-buffer-pool-size=32M", "--aria-pagecache-buffer-size=8M"}
)

var mysqlImage = image{
	name: "mysql:8.4", port: "3306",
	opts: []string{"--env", "MYSQL_ALLOW_EMPTY_PASSWORD=1"},
	args: append(append([]string{}, mysqlSettings...), mysqlOnly...),
	url:  mysqlURL,
}

var mariadbImage = image{
	name: "mariadb:11", port: "3306",
	opts: []string{"--env", "MARIADB_ALLOW_EMPTY_ROOT_PASSWORD=1"},
	args: append(append([]string{}, mysqlSettings...), mariadbOnly...),
	url:  mysqlURL,
}

func mysqlURL(address string) string { return "root@tcp(" + address + ")/" }

func findMySQL() (recipe, error) {
	path, root := "/usr/sbin/mysqld", ""
	reason := "there is no mysqld in " + treeDir()
	switch {
	case exists(filepath.Join(treeDir(), path)) && os.Geteuid() == 0:
		root = treeDir()
	default:
		if exists(filepath.Join(treeDir(), path)) {
			reason = "entering " + treeDir() + " needs root"
		}
		var ok bool
		path, ok = look("mysqld")
		if !ok {
			return recipe{}, errors.New(reason + " and none in PATH")
		}
		// MariaDB's packages call theirs mysqld too.
		if version, err := exec.Command(path, "--version").Output(); err != nil || strings.Contains(string(version), "MariaDB") {
			return recipe{}, errors.New(reason + " and the one in PATH is not MySQL's")
		}
	}
	return recipe{via: filepath.Join("/", root, path), launch: func(in *instance) (string, error) {
		if root != "" {
			if err := in.confine(root, KindMySQL); err != nil {
				return "", err
			}
		}
		data, err := in.mkdir("data")
		if err != nil {
			return "", err
		}
		// A small log is made faster than the default one, twice.
		common := append([]string{"--no-defaults", "--datadir=" + filepath.Join(data, "d"), "--innodb-redo-log-capacity=64M", "--secure-file-priv="}, mysqlInnoDB...)
		if err := in.run(path, append(common, "--initialize-insecure", "--skip-log-bin", "--performance-schema=OFF")...); err != nil {
			return "", err
		}
		// root may only come through the socket so far, and without name
		// resolution 127.0.0.1 is not localhost.
		const sql = "CREATE USER root@'127.0.0.1'; GRANT ALL ON *.* TO root@'127.0.0.1' WITH GRANT OPTION;\n"
		if err := os.WriteFile(filepath.Join(in.dir, "init.sql"), []byte(sql), 0o644); err != nil {
			return "", err
		}
		common = append(append(common, mysqlSettings...), mysqlOnly...)
		return in.mysqld(path, append(common, "--init-file="+in.seen("init.sql"))...)
	}}, nil
}

func findMariaDB() (recipe, error) {
	path, ok := look("mariadbd")
	install, ok2 := look("mariadb-install-db")
	// The latter is a shell script that needs this from another package.
	_, ok3 := look("my_print_defaults")
	if !ok || !ok2 || !ok3 {
		return recipe{}, errors.New("mariadbd, mariadb-install-db and my_print_defaults are not all in PATH")
	}
	return recipe{via: path, launch: func(in *instance) (string, error) {
		data, err := in.mkdir("data")
		if err != nil {
			return "", err
		}
		err = in.run(install, "--no-defaults", "--datadir="+filepath.Join(data, "d"), "--innodb-log-file-size=8M",
			"--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve")
		if err != nil {
			return "", err
		}
		args := append([]string{"--no-defaults", "--datadir=" + filepath.Join(data, "d"), "--tmpdir=" + data, "--innodb-log-file-size=8M"}, mysqlSettings...)
		return in.mysqld(path, append(args, mariadbOnly...)...)
	}}, nil
}

func (in *instance) mysqld(path string, args ...string) (string, error) {
	port, err := freePort()
	if err != nil {
		return "", err
	}
	// Relative to the data directory, as a long path does not fit a socket.
	args = append(args, "--bind-address=127.0.0.1", "--port="+strconv.Itoa(port), "--socket=s", "--pid-file=pid")
	if err := in.start(syscall.SIGKILL, path, args...); err != nil {
		return "", err
	}
	url := mysqlURL("127.0.0.1:" + strconv.Itoa(port))
	return url, in.ready(pingMySQL, url)
}

func pingMySQL(ctx context.Context, dsn string) error {
	return withMySQL(dsn, func(db *sql.DB) error { return db.PingContext(ctx) })
}

func withMySQL(dsn string, do func(*sql.DB) error) error {
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		return err
	}
	cfg.Logger = &mysql.NopLogger{} // failed pings are expected
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(1)
	defer db.Close()
	return do(db)
}

func freshMySQL(ctx context.Context, dsn, name string) (string, dropFunc, error) {
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		return "", nil, err
	}
	err = withMySQL(dsn, func(db *sql.DB) error {
		_, err := db.ExecContext(ctx, "CREATE DATABASE `"+name+"` CHARACTER SET utf8mb4")
		return err
	})
	if err != nil {
		return "", nil, err
	}
	cfg.DBName = name
	return cfg.FormatDSN(), func(ctx context.Context) error {
		return withMySQL(dsn, func(db *sql.DB) error { return dropMySQL(ctx, db, name) })
	}, nil
}

func dropMySQL(ctx context.Context, db *sql.DB, name string) error {
	// An open transaction would keep the database from being dropped.
	sessions, err := mysqlSessions(ctx, db, name)
	if err != nil {
		return err
	}
	for _, id := range sessions {
		db.ExecContext(ctx, "KILL "+strconv.FormatInt(id, 10)) //nolint:errcheck // it may have gone by itself
	}
	_, err = db.ExecContext(ctx, "DROP DATABASE IF EXISTS `"+name+"`")
	return err
}

func mysqlSessions(ctx context.Context, db *sql.DB, database string) (ids []int64, err error) {
	rows, err := db.QueryContext(ctx, "SELECT id FROM information_schema.processlist WHERE db = ?", database)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}
