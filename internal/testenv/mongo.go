package testenv

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// A replica set of one, as transactions and change streams need a set.
var mongoImage = image{
	name: "mongo:8", port: "27017",
	args: []string{"--replSet", "rs0", "--bind_ip_all"},
	url:  mongoURL,
	init: func(in *instance, address string) error {
		return in.initiate(mongoURL(address), "127.0.0.1:27017")
	},
}

// mongoURL connects directly, since the set's own name for its member is only
// right inside a container.
func mongoURL(address string) string { return "mongodb://" + address + "/?directConnection=true" }

func findMongo() (recipe, error) {
	if path, ok := look("mongod"); ok {
		return recipe{via: path, launch: func(in *instance) (string, error) { return in.mongod(path) }}, nil
	}
	ferretdb, ok := filepath.Join(binDir(), "ferretdb"), true
	if !exists(ferretdb) {
		ferretdb, ok = look("ferretdb")
	}
	bins, _ := filepath.Glob(filepath.Join(treeDir(), "usr/share/postgresql/*/extension/documentdb.control"))
	switch {
	case !ok || len(bins) == 0:
		return recipe{}, errors.New("there is no mongod in PATH and no ferretdb with DocumentDB in " + homeDir())
	case os.Geteuid() != 0:
		return recipe{}, errors.New("there is no mongod in PATH, and to start DocumentDB in " + treeDir() + " needs root")
	}
	version := filepath.Base(filepath.Dir(filepath.Dir(bins[len(bins)-1])))
	return recipe{via: ferretdb, launch: func(in *instance) (string, error) {
		return in.ferretdb(ferretdb, filepath.Join("/usr/lib/postgresql", version, "bin"))
	}}, nil
}

func (in *instance) mongod(path string) (string, error) {
	data, err := in.mkdir("data")
	if err != nil {
		return "", err
	}
	port, err := freePort()
	if err != nil {
		return "", err
	}
	address := "127.0.0.1:" + strconv.Itoa(port)
	if err := in.start(syscall.SIGKILL, path, "--replSet", "rs0", "--dbpath", data, "--port", strconv.Itoa(port), "--bind_ip", "127.0.0.1"); err != nil {
		return "", err
	}
	url := mongoURL(address)
	if err := in.initiate(url, address); err != nil {
		return "", err
	}
	return url, in.ready(pingMongo, url)
}

// initiate makes a started mongod a replica set. Pings succeed once it has
// elected itself.
func (in *instance) initiate(url, member string) error {
	return in.ready(func(ctx context.Context, url string) error {
		return withMongo(ctx, url, func(client *mongo.Client) error {
			err := client.Database("admin").RunCommand(ctx, bson.D{{Key: "replSetInitiate", Value: bson.D{
				{Key: "_id", Value: "rs0"},
				{Key: "members", Value: bson.A{bson.D{{Key: "_id", Value: 0}, {Key: "host", Value: member}}}},
			}}}).Err()
			const alreadyInitialized = 23
			if failed := (mongo.CommandError{}); errors.As(err, &failed) && failed.Code == alreadyInitialized {
				return nil
			}
			return err
		})
	}, url)
}

// ferretdb starts PostgreSQL with DocumentDB inside the tree and, outside of
// it, FerretDB, which translates.
func (in *instance) ferretdb(path, bin string) (string, error) {
	state, err := in.mkdir("state")
	if err != nil {
		return "", err
	}
	// Its own instance, as only one half of this server is confined.
	db := &instance{patience: in.patience}
	if err := db.confine(treeDir(), KindMongo); err != nil {
		return "", err
	}
	in.closers = append(in.closers, db.stop)
	if err := db.initdb(bin, "--locale=C.UTF-8"); err != nil {
		return "", err
	}
	postgres, err := db.postgres(bin,
		"-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off", "-c", "jit=off", "-c", "shared_buffers=64MB",
		"-c", "max_connections=200",
		// The extended index can be walked in order, as MongoDB's can, once statistics tell that it is worth it.
		"-c", "shared_preload_libraries=pg_cron,pg_documentdb_core,pg_documentdb_extended_rum,pg_documentdb", "-c", "cron.database_name=postgres",
		"-c", "documentdb.alternate_index_handler_name=extended_rum", "-c", "autovacuum_naptime=2s",
		// MongoDB sorts and compares by collation without being told to allow it.
		"-c", "documentdb_core.enableCollation=on", "-c", "documentdb.enableCollationWithNonUniqueOrderedIndexes=on")
	if err != nil {
		return "", errors.New(err.Error() + db.logTail())
	}
	ctx, cancel := context.WithTimeout(context.Background(), in.patience)
	defer cancel()
	if err := execPostgres(ctx, postgres, "CREATE EXTENSION documentdb CASCADE; CREATE EXTENSION documentdb_extended_rum"); err != nil {
		return "", err
	}
	port, err := freePort()
	if err != nil {
		return "", err
	}
	address := "127.0.0.1:" + strconv.Itoa(port)
	err = in.start(syscall.SIGKILL, path, "--postgresql-url="+postgres, "--listen-addr="+address, "--debug-addr=-",
		"--no-auth", "--telemetry=disable", "--state-dir="+state, "--log-level=ERROR")
	if err != nil {
		return "", err
	}
	url := "mongodb://" + address + "/"
	return url, in.ready(pingMongo, url)
}

func pingMongo(ctx context.Context, uri string) error {
	return withMongo(ctx, uri, func(client *mongo.Client) error { return client.Ping(ctx, nil) })
}

func withMongo(ctx context.Context, uri string, do func(*mongo.Client) error) error {
	client, err := mongo.Connect(options.Client().ApplyURI(uri))
	if err != nil {
		return err
	}
	defer client.Disconnect(context.WithoutCancel(ctx)) //nolint:errcheck // the server ends the session either way
	return do(client)
}

// freshMongo makes nothing: a database is there once it is written to.
func freshMongo(_ context.Context, uri, name string) (string, dropFunc, error) {
	return withMongoDatabase(uri, name), func(ctx context.Context) error {
		return withMongo(ctx, uri, func(client *mongo.Client) error { return client.Database(name).Drop(ctx) })
	}, nil
}

// splitMongo cuts a URI before its database and after it. Package net/url does
// not accept a list of hosts.
func splitMongo(uri string) (server, database, query string) {
	scheme, rest, _ := strings.Cut(uri, "://")
	rest, query, _ = strings.Cut(rest, "?")
	hosts, database, _ := strings.Cut(rest, "/")
	return scheme + "://" + hosts, database, query
}

func mongoDatabase(uri string) string {
	_, database, _ := splitMongo(uri)
	return database
}

func withMongoDatabase(uri, name string) string {
	server, old, query := splitMongo(uri)
	// The database in the path is also where the user is looked up, unless
	// another one is named.
	if strings.Contains(server, "@") && !strings.Contains(strings.ToLower(query), "authsource=") {
		if old == "" {
			old = "admin"
		}
		query = strings.TrimPrefix(query+"&authSource="+old, "&")
	}
	if query != "" {
		query = "?" + query
	}
	return server + "/" + name + query
}
