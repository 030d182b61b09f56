package main

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

var selectOrders = "SELECT " + strings.Join(orderColumns, ", ") + " FROM orders"

// pages are the statements of a page, by its first sort key.
var pages = map[string]string{
	"customer_id": selectOrders + " WHERE status = $1 AND total >= $2 ORDER BY customer_id DESC, id DESC LIMIT 100",
	"placed":      selectOrders + " WHERE status = $1 AND total >= $2 ORDER BY placed DESC, id DESC LIMIT 100",
}

const selectJoined = `SELECT o.id, o.number, o.status, o.total, o.placed, o.note, c.name, c.country, c.email
	FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.status = $1 AND o.total >= $2 ORDER BY o.customer_id DESC, o.id DESC LIMIT 100`

// basePostgres is what somebody would write by hand who needs these three answers and no others: pgxpool with its
// defaults (prepared statements, binary format), structs, encoding/json.
func basePostgres(ctx context.Context, c childConfig) (http.Handler, func() error, error) {
	pool, err := pgxpool.New(ctx, c.URL)
	if err != nil {
		return nil, nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /page", func(w http.ResponseWriter, r *http.Request) {
		least, err := strconv.ParseFloat(r.URL.Query().Get("least"), 64)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		rows, err := pool.Query(r.Context(), pages[r.URL.Query().Get("sort")], r.URL.Query().Get("status"), least)
		answerRows(w, rows, err, scanOrder)
	})
	mux.HandleFunc("GET /join", func(w http.ResponseWriter, r *http.Request) {
		least, err := strconv.ParseFloat(r.URL.Query().Get("least"), 64)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		rows, err := pool.Query(r.Context(), selectJoined, r.URL.Query().Get("status"), least)
		answerRows(w, rows, err, func(rows pgx.Rows, j *joined) error {
			return rows.Scan(&j.ID, &j.Number, &j.Status, &j.Total, &j.Placed, &j.Note, &j.Customer, &j.Country, &j.Email)
		})
	})
	mux.HandleFunc("GET /orders/{id}", func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		rows, err := pool.Query(r.Context(), selectOrders+" WHERE id = $1", id)
		answerRows(w, rows, err, scanOrder)
	})
	return mux, func() error { pool.Close(); return nil }, nil
}

func scanOrder(rows pgx.Rows, o *order) error {
	return rows.Scan(&o.ID, &o.Number, &o.CustomerID, &o.Status, &o.Currency, &o.Quantity, &o.Total, &o.Discount, &o.Paid, &o.Placed, &o.Due,
		&o.Address, &o.Note)
}

// answerRows scans rows into structs and encodes them.
func answerRows[T any](w http.ResponseWriter, rows pgx.Rows, err error, scan func(pgx.Rows, *T) error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer rows.Close()
	list, err := scanned(rows, scan)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	writeList(w, list)
}

// scanned scans rows into structs.
func scanned[T any](rows pgx.Rows, scan func(pgx.Rows, *T) error) ([]T, error) {
	list := make([]T, 0, 100)
	for rows.Next() {
		var one T
		if err := scan(rows, &one); err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, rows.Err()
}

func writeList[T any](w http.ResponseWriter, list []T) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string][]T{"data": list}) // the client has gone: there is nobody to tell
}
