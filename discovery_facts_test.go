package livetables_test

import (
	"context"
	"database/sql"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/sqlite"
	"github.com/livetables/livetables/internal/testenv"
	"github.com/livetables/livetables/lqp"
)

// shopSchema makes the same tables everywhere; comments stand where databases have them in the definition.
var shopSchema = []string{
	`CREATE TABLE parent (id int PRIMARY KEY, code varchar(20) NOT NULL UNIQUE, made timestamp DEFAULT CURRENT_TIMESTAMP, note varchar(90){note}){table}`,
	`CREATE TABLE child (a int NOT NULL, b int NOT NULL, parent int, amount decimal(10,2), PRIMARY KEY (a, b), UNIQUE (parent, amount),
		CONSTRAINT of_parent FOREIGN KEY (parent) REFERENCES parent (id))`,
	`CREATE VIEW codes AS SELECT id, code FROM parent`,
	`INSERT INTO parent (id, code) VALUES (1, 'x'), (2, 'y'), (3, 'z')`,
}

func statements(note, table string, more ...string) (list []string) {
	for _, s := range shopSchema {
		list = append(list, strings.NewReplacer("{note}", note, "{table}", table).Replace(s))
	}
	return append(list, more...)
}

// TestDiscoveredFacts: every kind of database tells everything that it knows of its tables.
func TestDiscoveredFacts(t *testing.T) {
	ofMySQL := func(t *testing.T, dsn string) livetables.ConnectionSpec {
		db, err := sql.Open("mysql", dsn)
		require.NoError(t, err)
		defer db.Close()
		for _, s := range statements(" COMMENT 'what is to be said'", " COMMENT 'who has children'", `ANALYZE TABLE parent`) {
			_, err := db.ExecContext(t.Context(), s)
			require.NoError(t, err, s)
		}
		cfg, err := mysql.ParseDSN(dsn)
		require.NoError(t, err)
		return at(t, cfg.Addr, spec("mysql", cfg.DBName, cfg.User, cfg.Passwd))
	}
	for _, c := range []struct {
		name    string
		connect func(t *testing.T, w *world) livetables.ConnectionSpec
		schema  string // outermost part of the path, empty for whatever
		server  bool   // has comments, and keeps to the types that it declares
		foreign bool   // keys that lead to other tables, and defaults
	}{
		{"postgres", func(t *testing.T, _ *world) livetables.ConnectionSpec {
			dsn := testenv.Postgres(t)
			conn, err := pgx.Connect(t.Context(), dsn)
			require.NoError(t, err)
			defer conn.Close(context.WithoutCancel(t.Context()))
			_, err = conn.Exec(t.Context(), strings.Join(statements("", "", `COMMENT ON TABLE parent IS 'who has children'`,
				`COMMENT ON COLUMN parent.note IS 'what is to be said'`, `ANALYZE parent`), ";"))
			require.NoError(t, err)
			u, err := url.Parse(dsn)
			require.NoError(t, err)
			password, _ := u.User.Password()
			return at(t, u.Host, spec("postgres", strings.TrimPrefix(u.Path, "/"), u.User.Username(), password))
		}, "public", true, true},
		{"mysql", func(t *testing.T, _ *world) livetables.ConnectionSpec { return ofMySQL(t, testenv.MySQL(t)) }, "", true, true},
		{"mariadb", func(t *testing.T, _ *world) livetables.ConnectionSpec { return ofMySQL(t, testenv.MariaDB(t)) }, "", true, true},
		{"sqlite", func(t *testing.T, w *world) livetables.ConnectionSpec {
			file, err := sqlite.OpenStore(t.Context(), w.dir+"/facts.db", sqlite.StoreOptions{})
			require.NoError(t, err)
			require.NoError(t, file.Write(t.Context(), func(tx adapter.Tx) error {
				for _, s := range statements("", "", "ANALYZE") {
					if _, err := tx.Exec(t.Context(), s); err != nil {
						return err
					}
				}
				return nil
			}))
			require.NoError(t, file.Close())
			return livetables.ConnectionSpec{Name: "shop", Driver: "sqlite", File: "facts.db"}
		}, "", false, true},
		{"mongodb", func(t *testing.T, _ *world) livetables.ConnectionSpec {
			uri, name := testenv.Mongo(t)
			client, err := mongo.Connect(options.Client().ApplyURI(uri))
			require.NoError(t, err)
			defer func() { _ = client.Disconnect(context.WithoutCancel(t.Context())) }()
			parent := client.Database(name).Collection("parent")
			_, err = parent.InsertMany(t.Context(), []any{bson.M{"_id": 1, "code": "x"}, bson.M{"_id": 2, "code": "y"}, bson.M{"_id": 3, "code": "z"}})
			require.NoError(t, err)
			_, err = parent.Indexes().CreateOne(t.Context(), mongo.IndexModel{Keys: bson.D{{Key: "code", Value: 1}}, Options: options.Index().SetUnique(true)})
			require.NoError(t, err)
			u, err := url.Parse(uri)
			require.NoError(t, err)
			return at(t, u.Host, spec("mongodb", name, "", ""))
		}, "", false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.limited(livetables.Limits{})
			made, err := w.owner.CreateConnection(t.Context(), w.workspace, c.connect(t, w))
			require.NoError(t, err)
			found, err := w.owner.Schema(t.Context(), made.ID, false)
			require.NoError(t, err)
			if c.name != "sqlite" { // a file is its database
				require.Equal(t, made.Database, found.Database)
			}
			parent := found.Table("parent")
			require.NotNil(t, parent)
			require.NotEmpty(t, parent.Path)
			if c.schema != "" {
				require.Equal(t, []string{c.schema, "parent"}, parent.Path)
			}
			require.Len(t, parent.Key, 1)
			require.Equal(t, [][]string{{"code"}}, besideKey(parent))
			require.EqualValues(t, 3, parent.Rows)
			require.NotEmpty(t, parent.Column("code").Native)
			if !c.foreign {
				require.Equal(t, lqp.Collection, parent.Kind)
				return
			}
			require.Equal(t, lqp.BaseTable, parent.Kind)
			require.True(t, parent.Column("made").HasDefault)
			require.False(t, parent.Column("note").HasDefault)
			if c.server {
				require.Equal(t, 20, parent.Column("code").Type.MaxLen)
				require.Equal(t, "who has children", parent.Comment)
				require.Equal(t, "what is to be said", parent.Column("note").Comment)
			}
			child := found.Table("child")
			require.Equal(t, []string{"a", "b"}, child.Key)
			require.Equal(t, [][]string{{"parent", "amount"}}, besideKey(child))
			if c.server {
				require.True(t, child.Column("a").Type.NotNull)
				require.Equal(t, 2, child.Column("amount").Type.Scale)
			}
			require.Len(t, child.ForeignKeys, 1)
			require.Equal(t, "parent", child.ForeignKeys[0].RefTable)
			require.Equal(t, []string{"parent"}, child.ForeignKeys[0].Columns)
			require.Equal(t, []string{"id"}, child.ForeignKeys[0].RefColumns)
			require.Equal(t, lqp.ViewTable, found.Table("codes").Kind)
		})
	}
}

// besideKey are the unique keys other than the primary one, which servers name among them.
func besideKey(t *lqp.Table) [][]string {
	return slices.DeleteFunc(slices.Clone(t.Uniques), func(u []string) bool { return slices.Equal(u, t.Key) })
}

// at is a connection that leads to a server directly.
func at(t *testing.T, address string, s livetables.ConnectionSpec) livetables.ConnectionSpec {
	t.Helper()
	host, port := splitAddress(t, address)
	s.Host, s.Port = host, port
	return s
}
