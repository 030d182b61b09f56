package httpapi

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/livetables/livetables/internal/testenv"
)

// besieged is one database with a table "things" that attacks are tried on.
type besieged struct {
	name, query, table string // query is the route that takes plans
	connection         string // id, empty for the mini-DB
	dump               func() string
}

// hostileTexts are texts that mean something to one of the databases. Rows with these names are in every besieged table.
var hostileTexts = []string{`--`, `$$`, `$1`, `?`, `:name`, `@x`, `'`, `''`, `\'`, `\`, `"`, "`", `'; DROP TABLE things; --`, `' OR '1'='1`, `/*`, `*/`, `#`, `;`, `%`, `_`, `%s`, `{"$ne":null}`,
	`$where`, `$expr`, `{"$oid":"5f5f5f5f5f5f5f5f5f5f5f5f"}`, `E'\\x27'`, `x' UNION SELECT 1 --`, `0x27`, `${1}`, `\u0027`, "a\nb", "a\tb", `-1`, `NULL`, `true`, `=1+1`, "\u2028", "\uFEFF", "é", "e\u0301"}

// thingRows are the rows of a besieged table: the hostile texts and two plain ones.
func thingRows() (rows [][5]any) {
	for i, text := range append([]string{"bolt", "gear"}, hostileTexts...) {
		rows = append(rows, [5]any{i + 1, text, i * 7 % 11, i%5 - 2, fmt.Sprintf("s%d", i)})
	}
	return rows
}

// besiege makes the table in the mini-DB and in a database of its own on every server there is, each connected to the
// workspace of the place.
func besiege(t *testing.T, p *place) []besieged {
	t.Helper()
	made := p.must(t, 201, "owner", "POST", "/api/v1/bases/"+p.base+"/tables", `{"name":"besieged","columns":[{"name":"id","type":"integer"},{"name":"name","type":"text"},{"name":"price","type":"integer"},{"name":"left","type":"integer"},{"name":"secret","type":"text"}]}`)
	var rows []any
	for _, r := range thingRows() {
		rows = append(rows, map[string]any{"fields": map[string]any{"id": r[0], "name": r[1], "price": r[2], "left": r[3], "secret": r[4]}})
	}
	p.must(t, 200, "owner", "POST", "/api/v1/tables/"+made.text(t, "id")+"/rows/bulk", map[string]any{"op": "insert", "rows": rows})
	list := []besieged{{name: "mini-DB", query: p.at("/query"), table: made.text(t, "id"), dump: func() string { return "" }}}
	connect := func(name string, spec map[string]any, dump func() string) {
		spec["name"], spec["tls"] = name, "off"
		if name == "sqlite" {
			delete(spec, "tls")
		}
		id := p.must(t, 201, "owner", "POST", p.at("/connections"), spec).text(t, "id")
		list = append(list, besieged{name: name, query: "/api/v1/connections/" + id + "/query", table: "things", connection: id, dump: dump})
	}
	spec, dump := thingsInPostgres(t)
	connect("postgres", spec, dump)
	for name, dsn := range map[string]string{"mysql": testenv.MySQL(t), "mariadb": testenv.MariaDB(t)} {
		spec, dump := thingsInMySQL(t, dsn)
		connect(name, spec, dump)
	}
	spec, dump = thingsInMongo(t)
	connect("mongodb", spec, dump)
	file := "besieged-" + p.workspace + ".db"
	dump = thingsInSQLite(t, filepath.Join(p.dir, "files", file))
	connect("sqlite", map[string]any{"driver": "sqlite", "file": file}, dump)
	return list
}

func thingsInPostgres(t *testing.T) (map[string]any, func() string) {
	t.Helper()
	dsn := testenv.Postgres(t)
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(bg) })
	_, err = conn.Exec(t.Context(), `CREATE TABLE things (id int PRIMARY KEY, name text COLLATE "C", price int, "left" int, secret text)`)
	require.NoError(t, err)
	for _, r := range thingRows() {
		_, err := conn.Exec(t.Context(), `INSERT INTO things VALUES ($1, $2, $3, $4, $5)`, r[:]...)
		require.NoError(t, err)
	}
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	password, _ := u.User.Password()
	return connectionTo(t, u.Host, map[string]any{"driver": "postgres", "database": u.Path[1:], "user": u.User.Username()}, password), func() string {
		var rows, relations string
		require.NoError(t, conn.QueryRow(bg, `SELECT string_agg(things::text, ',' ORDER BY id) FROM things`).Scan(&rows))
		require.NoError(t, conn.QueryRow(bg, `SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class WHERE relnamespace = 'public'::regnamespace`).Scan(&relations))
		return rows + relations
	}
}

// connectionTo adds where a server is to the settings of a connection.
func connectionTo(t *testing.T, address string, spec map[string]any, password string) map[string]any {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	spec["host"] = host
	spec["port"], err = strconv.Atoi(port)
	require.NoError(t, err)
	if password != "" {
		spec["password"] = password
	}
	return spec
}

func thingsInMySQL(t *testing.T, dsn string) (map[string]any, func() string) {
	t.Helper()
	cfg, err := mysql.ParseDSN(dsn)
	require.NoError(t, err)
	db, err := sql.Open("mysql", dsn)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	_, err = db.ExecContext(t.Context(), "CREATE TABLE things (id int PRIMARY KEY, name varchar(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, price int, `left` int, secret varchar(100))")
	require.NoError(t, err)
	for _, r := range thingRows() {
		_, err := db.ExecContext(t.Context(), `INSERT INTO things VALUES (?, ?, ?, ?, ?)`, r[:]...)
		require.NoError(t, err)
	}
	return connectionTo(t, cfg.Addr, map[string]any{"driver": "mysql", "database": cfg.DBName, "user": cfg.User}, cfg.Passwd), func() string {
		var text strings.Builder
		for _, query := range []string{"SELECT CONCAT_WS('|', id, name, price, `left`, secret) FROM things ORDER BY id", "SHOW TABLES"} {
			rows, err := db.QueryContext(bg, query)
			require.NoError(t, err)
			for rows.Next() {
				var line string
				require.NoError(t, rows.Scan(&line))
				text.WriteString(line + "\n")
			}
			require.NoError(t, rows.Err())
			require.NoError(t, rows.Close())
		}
		return text.String()
	}
}

func thingsInMongo(t *testing.T) (map[string]any, func() string) {
	t.Helper()
	uri, database := testenv.Mongo(t)
	client, err := mongo.Connect(options.Client().ApplyURI(uri))
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Disconnect(context.WithoutCancel(bg)) })
	things := client.Database(database).Collection("things")
	var docs []any
	for _, r := range thingRows() {
		docs = append(docs, bson.D{{Key: "_id", Value: r[0]}, {Key: "id", Value: r[0]}, {Key: "name", Value: r[1]}, {Key: "price", Value: r[2]}, {Key: "left", Value: r[3]}, {Key: "secret", Value: r[4]},
			{Key: "inner", Value: bson.D{{Key: "open", Value: "seen"}, {Key: "hidden", Value: "below"}}}})
	}
	_, err = things.InsertMany(t.Context(), docs)
	require.NoError(t, err)
	u, err := url.Parse(uri)
	require.NoError(t, err)
	return connectionTo(t, u.Host, map[string]any{"driver": "mongodb", "database": database}, ""), func() string {
		names, err := client.Database(database).ListCollectionNames(bg, bson.D{})
		require.NoError(t, err)
		found, err := things.Find(bg, bson.D{}, options.Find().SetSort(bson.D{{Key: "_id", Value: 1}}))
		require.NoError(t, err)
		var all []bson.D
		require.NoError(t, found.All(bg, &all))
		return fmt.Sprint(names, all)
	}
}

func thingsInSQLite(t *testing.T, file string) func() string {
	t.Helper()
	db, err := sqlite3.OpenFlags(file, sqlite3.OPEN_READWRITE|sqlite3.OPEN_CREATE)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	require.NoError(t, db.Exec(`CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT, price INTEGER, "left" INTEGER, secret TEXT)`))
	insert, _, err := db.Prepare(`INSERT INTO things VALUES (?, ?, ?, ?, ?)`)
	require.NoError(t, err)
	for _, r := range thingRows() {
		for i, v := range r {
			switch v := v.(type) {
			case int:
				require.NoError(t, insert.BindInt(i+1, v))
			case string:
				require.NoError(t, insert.BindText(i+1, v))
			}
		}
		require.NoError(t, insert.Exec())
	}
	require.NoError(t, insert.Close())
	return func() string {
		return fmt.Sprint(storedRows(t, db, `SELECT * FROM things ORDER BY id`), storedRows(t, db, `SELECT name, sql FROM sqlite_schema`))
	}
}

// plan is a query of the besieged table with more clauses.
func (b besieged) plan(rest string) string {
	return `{"source":{"table":"` + b.table + `","alias":"things"}` + rest + `}`
}
