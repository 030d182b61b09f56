package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/ncruces/go-sqlite3"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	mongooptions "go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/internal/testenv"
)

// adapterRows is how many orders the databases besides PostgreSQL have at most.
const adapterRows = 100_000

// adapterData is a database with orders that is none of PostgreSQL.
type adapterData struct {
	base   string // the server of this program that answers from it by hand
	config childConfig
	spec   livetables.ConnectionSpec // of the engine, without a name
	server *serverCPU
}

func ordersInMySQL(kind testenv.Kind) func(ctx context.Context, b *bench, orders int) (*adapterData, error) {
	return func(ctx context.Context, b *bench, orders int) (*adapterData, error) {
		return b.ordersInMySQL(ctx, kind, orders)
	}
}

// The types are those that people give such columns there, the collation is the server's default.
const mysqlSchema = `CREATE TABLE orders (
	id bigint PRIMARY KEY, number varchar(20) NOT NULL, customer_id bigint NOT NULL, status varchar(20) NOT NULL,
	currency varchar(3) NOT NULL, quantity int NOT NULL, total decimal(12,2) NOT NULL, discount decimal(5,4) NOT NULL, paid tinyint(1) NOT NULL,
	placed datetime(3) NOT NULL, due date NOT NULL, address text NOT NULL, note text NOT NULL)`

const ordersIndex = "CREATE INDEX orders_by_customer ON orders (status, customer_id DESC, id DESC)"

// ordersInMySQL fills a database of MySQL or MariaDB.
func (b *bench) ordersInMySQL(ctx context.Context, kind testenv.Kind, orders int) (*adapterData, error) {
	dsn, err := b.freshDatabase(ctx, kind)
	if err != nil {
		return nil, err
	}
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, mysqlSchema); err != nil {
		return nil, err
	}
	if err := insertOrders(orders, 1000, func(sql string) error { _, err := db.ExecContext(ctx, sql); return err }); err != nil {
		return nil, err
	}
	for _, statement := range []string{ordersIndex, "ANALYZE TABLE orders"} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return nil, fmt.Errorf("%s: %w", statement, err)
		}
	}
	host, portText, err := net.SplitHostPort(cfg.Addr)
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		return nil, err
	}
	spec := livetables.ConnectionSpec{Driver: "mysql", Host: host, Port: port, User: cfg.User, Database: cfg.DBName, TLS: "off"}
	if cfg.Passwd != "" {
		secret := livetables.NewSecret(cfg.Passwd)
		spec.Password = &secret
	}
	cfg.ParseTime = true
	return &adapterData{base: "base-mysql", config: childConfig{URL: cfg.FormatDSN()}, spec: spec, server: listenerCPU(port)}, nil
}

// ordersInSQLite fills a file as another program would: money is a double there, times are texts.
func ordersInSQLite(_ context.Context, b *bench, orders int) (*adapterData, error) {
	file := filepath.Join(b.dir, "engine", "orders.db") // the engine reads files of its own directory only
	db, err := sqlite3.OpenFlags(file, sqlite3.OPEN_READWRITE|sqlite3.OPEN_CREATE)
	if err != nil {
		return nil, err
	}
	schema := strings.NewReplacer("decimal", "NUMERIC", "tinyint(1)", "BOOLEAN", "bigint PRIMARY KEY", "INTEGER PRIMARY KEY").Replace(mysqlSchema)
	err = db.Exec("PRAGMA journal_mode=WAL; BEGIN;" + schema)
	if err == nil {
		err = insertOrders(orders, 1000, db.Exec)
	}
	if err == nil {
		err = db.Exec("COMMIT; " + ordersIndex + "; ANALYZE")
	}
	if err := errors.Join(err, db.Close()); err != nil {
		return nil, err
	}
	return &adapterData{base: "base-sqlite-file", config: childConfig{File: file}, spec: livetables.ConnectionSpec{Driver: "sqlite", File: "orders.db"}}, nil
}

// insertOrders inserts orders, a number of them with each statement.
func insertOrders(orders, each int, exec func(sql string) error) error {
	var b strings.Builder
	var cells []string
	for id := 1; id <= orders; id++ {
		if b.Len() == 0 {
			b.WriteString("INSERT INTO orders VALUES ")
		} else {
			b.WriteByte(',')
		}
		cells = appendOrder(cells[:0], id, orders)
		for i, cell := range cells {
			b.WriteByte("(,"[min(i, 1)])
			switch orderColumns[i] {
			case "id", "customer_id", "quantity", "total", "discount", "paid":
				b.WriteString(cell)
			case "placed":
				b.WriteString("'" + strings.NewReplacer("T", " ", "Z", "").Replace(cell) + "'")
			default: // the texts have no quotes
				b.WriteString("'" + cell + "'")
			}
		}
		b.WriteByte(')')
		if id%each == 0 || id == orders {
			if err := exec(b.String()); err != nil {
				return fmt.Errorf("insert orders: %w", err)
			}
			b.Reset()
		}
	}
	return nil
}

// ordersInMongo fills a collection. Money is decimal there, an order's id is the document's.
func ordersInMongo(ctx context.Context, b *bench, orders int) (*adapterData, error) {
	uri, err := b.freshDatabase(ctx, testenv.KindMongo)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(uri)
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		return nil, err
	}
	database := strings.TrimPrefix(u.Path, "/")
	client, err := mongo.Connect(mongooptions.Client().ApplyURI(uri))
	if err != nil {
		return nil, err
	}
	defer func() { _ = client.Disconnect(context.WithoutCancel(ctx)) }() // what was written is known
	c := client.Database(database).Collection("orders")
	var cells []string
	var docs []any
	for id := 1; id <= orders; id++ {
		cells = appendOrder(cells[:0], id, orders)
		doc, err := orderDocument(cells)
		if err != nil {
			return nil, err
		}
		if docs = append(docs, doc); len(docs) == 1000 || id == orders {
			if _, err := c.InsertMany(ctx, docs); err != nil {
				return nil, err
			}
			docs = docs[:0]
		}
	}
	_, err = c.Indexes().CreateOne(ctx, mongo.IndexModel{Keys: bson.D{{Key: "status", Value: 1}, {Key: "customer_id", Value: -1}, {Key: "_id", Value: -1}}})
	if err != nil {
		return nil, err
	}
	return &adapterData{base: "base-mongodb", config: childConfig{URL: uri, Source: database},
		spec: livetables.ConnectionSpec{Driver: "mongodb", Host: u.Hostname(), Port: port, Database: database, TLS: "off"}}, nil
}

// orderDocument is an order as a document.
func orderDocument(cells []string) (bson.D, error) {
	doc := make(bson.D, len(cells))
	for i, cell := range cells {
		var v any = cell
		var err error
		switch orderColumns[i] {
		case "id", "customer_id", "quantity":
			v, err = strconv.ParseInt(cell, 10, 64)
		case "total", "discount":
			v, err = bson.ParseDecimal128(cell)
		case "paid":
			v = cell == "true"
		case "placed":
			v, err = time.Parse(time.RFC3339Nano, cell)
		case "due":
			v, err = time.Parse(time.DateOnly, cell)
		}
		if err != nil {
			return nil, err
		}
		doc[i] = bson.E{Key: orderColumns[i], Value: v}
	}
	doc[0].Key = "_id"
	return doc, nil
}
