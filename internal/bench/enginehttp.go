package main

import (
	"context"
	"net/http"
	"strconv"
	"sync"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
)

// engineConnection answers the baselines' requests through the engine, as a program that embeds the library would: the plan
// is built for each request, the engine authorises, rewrites, plans and runs it, rows are appended as JSON.
func engineConnection(ctx context.Context, c childConfig) (http.Handler, func() error, error) {
	w, err := openWorld(ctx, c.Dir)
	if err != nil {
		return nil, nil, err
	}
	orders, customers := lqp.Source{Connection: c.Source, Table: "orders"}, lqp.Source{Connection: c.Source, Table: "customers"}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /page", func(rw http.ResponseWriter, r *http.Request) {
		least, err := strconv.ParseFloat(r.URL.Query().Get("least"), 64)
		if err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
			return
		}
		w.answer(rw, r, c.Workspace, keyed(pageQuery(orders, r.URL.Query().Get("sort"), r.URL.Query().Get("status"), least), c.Key))
	})
	mux.HandleFunc("GET /key", func(rw http.ResponseWriter, r *http.Request) {
		first, err := strconv.Atoi(r.URL.Query().Get("first"))
		if err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
			return
		}
		w.answer(rw, r, c.Workspace, keyed(keyPageQuery(orders, r.URL.Query().Get("status"), first), c.Key))
	})
	mux.HandleFunc("GET /join", func(rw http.ResponseWriter, r *http.Request) {
		least, err := strconv.ParseFloat(r.URL.Query().Get("least"), 64)
		if err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
			return
		}
		w.answer(rw, r, c.Workspace, joinQuery(orders, customers, r.URL.Query().Get("status"), least))
	})
	mux.HandleFunc("GET /orders/{id}", func(rw http.ResponseWriter, r *http.Request) {
		id, err := strconv.Atoi(r.PathValue("id"))
		if err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
			return
		}
		w.answer(rw, r, c.Workspace, getQuery(orders, id))
	})
	return mux, w.close, nil
}

// keyed is a query of orders whose id has another name at the source, empty for the same.
func keyed(q *lqp.Query, key string) *lqp.Query {
	if key == "" {
		return q
	}
	q = q.MapExprs(func(e lqp.Expr) lqp.Expr {
		return lqp.Rewrite(e, func(e lqp.Expr) lqp.Expr {
			if col, ok := e.(*lqp.Col); ok && col.Column == "id" {
				return lqp.Ref("", key)
			}
			return e
		})
	})
	q.Select[0].Name = "id"
	return q
}

// engineSQLite is engineConnection for pages of a table of the mini-DB.
func engineSQLite(ctx context.Context, c childConfig) (http.Handler, func() error, error) {
	w, err := openWorld(ctx, c.Dir)
	if err != nil {
		return nil, nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /page", func(rw http.ResponseWriter, r *http.Request) {
		first, err := strconv.Atoi(r.URL.Query().Get("first"))
		if err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
			return
		}
		w.answer(rw, r, c.Workspace, keyPageQuery(lqp.Source{Table: c.Source}, r.URL.Query().Get("status"), first))
	})
	return mux, w.close, nil
}

// answer runs a query as the owner.
func (w *world) answer(rw http.ResponseWriter, r *http.Request, workspace string, q *lqp.Query) {
	rows, err := w.owner.Query(r.Context(), workspace, q)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusInternalServerError)
		return
	}
	held := buffers.Get().(*[]byte)
	defer buffers.Put(held)
	if *held, err = appendRows((*held)[:0], rows); err != nil {
		http.Error(rw, err.Error(), http.StatusInternalServerError)
		return
	}
	rw.Header().Set("Content-Type", "application/json")
	_, _ = rw.Write(*held) // the client has gone: there is nobody to tell
}

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 64<<10); return &b }}

// withBuffer lends a buffer to a function that appends to it.
func withBuffer(do func(buf []byte) ([]byte, error)) error {
	held := buffers.Get().(*[]byte)
	defer buffers.Put(held)
	buf, err := do((*held)[:0])
	if err == nil {
		*held = buf
	}
	return err
}

// appendRows reads a page to its end and closes it.
func appendRows(buf []byte, rows *livetables.Rows) ([]byte, error) {
	defer rows.Close()
	keys := make([]string, len(rows.Columns))
	for i, c := range rows.Columns {
		keys[i] = string(append(lqp.AppendJSONString(append([]byte(nil), ','), c.Name), ':'))
	}
	buf = append(buf, `{"data":[`...)
	for first := true; rows.Next(); first = false {
		if !first {
			buf = append(buf, ',')
		}
		for i, key := range keys {
			if i == 0 {
				buf = append(buf, '{')
				key = key[1:]
			}
			buf = rows.AppendJSON(append(buf, key...), i)
		}
		buf = append(buf, '}')
	}
	buf = append(buf, `],"next":`...)
	buf = lqp.AppendJSONString(buf, rows.NextCursor())
	return append(buf, '}'), rows.Err()
}
