package main

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"net/http"
	"strconv"
	"time"

	_ "github.com/go-sql-driver/mysql" // the driver "mysql"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	mongooptions "go.mongodb.org/mongo-driver/v2/mongo/options"
)

// The statements of the two pages: in the order of customers, and from a key on.
var (
	selectPage = selectOrders + " WHERE status = ? AND total >= ? ORDER BY customer_id DESC, id DESC LIMIT 100"
	selectKeys = selectOrders + " WHERE status <> ? AND id >= ? ORDER BY id LIMIT 100"
)

// pageHandler answers GET /page and GET /key with what the functions read, given the status and the total or the key from
// which on they do.
func pageHandler[T any](page, key func(ctx context.Context, status string, from float64) ([]T, error)) http.Handler {
	mux := http.NewServeMux()
	for path, read := range map[string]func(ctx context.Context, status string, from float64) ([]T, error){"/page": page, "/key": key} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			from, err := strconv.ParseFloat(cmp.Or(r.URL.Query().Get("least"), r.URL.Query().Get("first")), 64)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			list, err := read(r.Context(), r.URL.Query().Get("status"), from)
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			writeList(w, list)
		})
	}
	return mux
}

// baseMySQL answers pages by hand: database/sql with a prepared statement and four connections, which is what the engine
// has, structs, encoding/json.
func baseMySQL(ctx context.Context, c childConfig) (http.Handler, func() error, error) {
	db, err := sql.Open("mysql", c.URL)
	if err != nil {
		return nil, nil, err
	}
	db.SetMaxOpenConns(4)
	db.SetMaxIdleConns(4)
	read := func(statement string) (func(ctx context.Context, status string, from float64) ([]order, error), error) {
		stmt, err := db.PrepareContext(ctx, statement)
		return func(ctx context.Context, status string, from float64) ([]order, error) {
			rows, err := stmt.QueryContext(ctx, status, from)
			if err != nil {
				return nil, err
			}
			defer rows.Close()
			list := make([]order, 0, 100)
			for rows.Next() {
				var o order
				if err := rows.Scan(&o.ID, &o.Number, &o.CustomerID, &o.Status, &o.Currency, &o.Quantity, &o.Total, &o.Discount, &o.Paid, &o.Placed, &o.Due,
					&o.Address, &o.Note); err != nil {
					return nil, err
				}
				list = append(list, o)
			}
			return list, rows.Err()
		}, err
	}
	page, err := read(selectPage)
	if err != nil {
		return nil, nil, err
	}
	key, err := read(selectKeys)
	if err != nil {
		return nil, nil, err
	}
	return pageHandler(page, key), db.Close, nil
}

// mongoOrder is an order as the baseline decodes its document.
type mongoOrder struct {
	ID         int64     `bson:"_id" json:"id"`
	Number     string    `bson:"number" json:"number"`
	CustomerID int64     `bson:"customer_id" json:"customer_id"`
	Status     string    `bson:"status" json:"status"`
	Currency   string    `bson:"currency" json:"currency"`
	Quantity   int32     `bson:"quantity" json:"quantity"`
	Total      amount    `bson:"total" json:"total"`
	Discount   amount    `bson:"discount" json:"discount"`
	Paid       bool      `bson:"paid" json:"paid"`
	Placed     time.Time `bson:"placed" json:"placed"`
	Due        time.Time `bson:"due" json:"due"`
	Address    string    `bson:"address" json:"address"`
	Note       string    `bson:"note" json:"note"`
}

// amount is a decimal that is shown as a number. The driver would show it as an object.
type amount bson.Decimal128

func (a *amount) UnmarshalBSONValue(kind byte, data []byte) error {
	d, ok := bson.RawValue{Type: bson.Type(kind), Value: data}.Decimal128OK()
	if !ok {
		return strconv.ErrSyntax
	}
	*a = amount(d)
	return nil
}

func (a amount) MarshalJSON() ([]byte, error) { return []byte(bson.Decimal128(a).String()), nil }

// baseMongo answers pages by hand: the driver with its defaults, structs, encoding/json.
func baseMongo(ctx context.Context, c childConfig) (http.Handler, func() error, error) {
	client, err := mongo.Connect(mongooptions.Client().ApplyURI(c.URL))
	if err != nil {
		return nil, nil, err
	}
	orders := client.Database(c.Source).Collection("orders")
	read := func(filter func(status string, from float64) bson.D, sort bson.D) func(ctx context.Context, status string, from float64) ([]mongoOrder, error) {
		opt := mongooptions.Find().SetSort(sort).SetLimit(100)
		return func(ctx context.Context, status string, from float64) ([]mongoOrder, error) {
			cursor, err := orders.Find(ctx, filter(status, from), opt)
			if err != nil {
				return nil, err
			}
			list := make([]mongoOrder, 0, 100)
			err = cursor.All(ctx, &list)
			return list, err
		}
	}
	page := read(func(status string, least float64) bson.D {
		return bson.D{{Key: "status", Value: status}, {Key: "total", Value: bson.D{{Key: "$gte", Value: least}}}}
	}, bson.D{{Key: "customer_id", Value: -1}, {Key: "_id", Value: -1}})
	key := read(func(status string, first float64) bson.D {
		return bson.D{{Key: "status", Value: bson.D{{Key: "$ne", Value: status}}}, {Key: "_id", Value: bson.D{{Key: "$gte", Value: int64(first)}}}}
	}, bson.D{{Key: "_id", Value: 1}})
	return pageHandler(page, key), func() error { return client.Disconnect(context.WithoutCancel(ctx)) }, nil
}

// baseSQLiteFile answers pages of a SQLite file by hand, as baseSQLite does those of the mini-DB's.
func baseSQLiteFile(_ context.Context, c childConfig) (http.Handler, func() error, error) {
	var handlers [2]func(ctx context.Context, status string, from float64) ([]miniOrder, error)
	var closers [2]func() error
	for i, statement := range []string{selectPage, selectKeys} {
		c.Source = statement
		idle, closeAll, err := bareReaders(c)
		if err != nil {
			return nil, nil, err
		}
		closers[i] = closeAll
		handlers[i] = func(_ context.Context, status string, from float64) ([]miniOrder, error) {
			reader := <-idle
			defer func() { idle <- reader }()
			return reader.filePage(status, from)
		}
	}
	return pageHandler(handlers[0], handlers[1]), func() error { return errors.Join(closers[0](), closers[1]()) }, nil
}

func (r *bareReader) filePage(status string, from float64) ([]miniOrder, error) {
	s := r.stmt
	if err := s.BindText(1, status); err != nil {
		return nil, err
	}
	if err := s.BindFloat(2, from); err != nil {
		return nil, err
	}
	list := make([]miniOrder, 0, 100)
	for s.Step() {
		list = append(list, miniOrder{ID: s.ColumnInt64(0), Number: s.ColumnText(1), CustomerID: s.ColumnInt64(2), Status: s.ColumnText(3),
			Currency: s.ColumnText(4), Quantity: s.ColumnInt64(5), Total: s.ColumnFloat(6), Discount: s.ColumnFloat(7),
			Paid: s.ColumnBool(8), Placed: s.ColumnText(9), Due: s.ColumnText(10), Address: s.ColumnText(11), Note: s.ColumnText(12)})
	}
	if err := s.Err(); err != nil {
		return nil, err
	}
	return list, s.Reset()
}
