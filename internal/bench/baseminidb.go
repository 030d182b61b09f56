package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
)

// baseMiniDB is what somebody would write by hand for the one table: net/http, pgxpool with its defaults or the bare SQLite
// driver, encoding/json. It answers whole rows in the form in which the mini-DB does.
func baseMiniDB(ctx context.Context, c childConfig) (http.Handler, func() error, error) {
	var table plainTable
	var err error
	if c.File != "" {
		table, err = openPlainSQLite(c.File, true)
	} else {
		table, err = openPlainPostgres(ctx, c.URL, 0, true)
	}
	if err != nil {
		return nil, nil, err
	}
	h := &plainHandler{table}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /rows", h.list)
	mux.HandleFunc("GET /rows/{id}", h.get)
	mux.HandleFunc("PATCH /rows/{id}", h.update)
	mux.HandleFunc("POST /rows", h.insert)
	mux.HandleFunc("GET /export", h.export)
	mux.HandleFunc("POST /load", func(w http.ResponseWriter, r *http.Request) {
		answerPlain(w, nil, table.load(r.Context(), r.URL.Query().Get("file")))
	})
	mux.HandleFunc("GET /durability", func(w http.ResponseWriter, r *http.Request) {
		text, err := table.durability(r.Context())
		answerPlain(w, []byte(text), err)
	})
	return mux, table.close, nil
}

type plainHandler struct{ table plainTable }

// list answers a page: by n, by n after a row, of a city, or by city descending.
func (h *plainHandler) list(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	tail, args := plainFirst, []any(nil)
	switch after, city := q.Get("after"), q.Get("city"); {
	case after != "":
		n, id, _ := strings.Cut(after, ",")
		number, err := strconv.ParseInt(n, 10, 64)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		tail, args = plainAfter, []any{number, id}
	case city != "":
		tail, args = plainOfCity, []any{city}
	case q.Get("sort") == "-city":
		tail = plainByCity
	}
	held := buffers.Get().(*[]byte)
	defer buffers.Put(held)
	body, err := h.table.read(r.Context(), append((*held)[:0], `{"data":`...), tail, args...)
	if err == nil {
		*held = append(body, '}')
		body = *held
	}
	answerPlain(w, body, err)
}

func (h *plainHandler) get(w http.ResponseWriter, r *http.Request) {
	held := buffers.Get().(*[]byte)
	defer buffers.Put(held)
	body, err := h.table.read(r.Context(), (*held)[:0], plainGet, r.PathValue("id"))
	if err == nil {
		*held = body
		if body = body[1 : len(body)-2]; len(body) == 0 { // a list of one, and the encoder's end of line
			err = errVersion
		}
	}
	answerPlain(w, body, err)
}

func (h *plainHandler) update(w http.ResponseWriter, r *http.Request) {
	var change struct {
		Version int64 `json:"version"`
		Fields  struct {
			Total float64 `json:"total"`
		} `json:"fields"`
	}
	if err := json.NewDecoder(r.Body).Decode(&change); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	row := []byte{}
	err := h.table.update(r.Context(), r.PathValue("id"), change.Version, hundredths(change.Fields.Total), &row)
	answerPlain(w, row, err)
}

func (h *plainHandler) insert(w http.ResponseWriter, r *http.Request) {
	var made struct {
		Fields wideRow[string] `json:"fields"`
	}
	if err := json.NewDecoder(r.Body).Decode(&made); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	row := []byte{}
	err := h.table.insert(r.Context(), &made.Fields, &row)
	answerPlain(w, row, err)
}

func (h *plainHandler) export(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	if _, err := h.table.export(r.Context(), w); err != nil {
		fmt.Fprintln(os.Stderr, "bench: export:", err)
		panic(http.ErrAbortHandler) // half an answer must not look like a whole one
	}
}

func answerPlain(w http.ResponseWriter, body []byte, err error) {
	if err != nil {
		status := http.StatusInternalServerError
		if errors.Is(err, errVersion) {
			status = http.StatusPreconditionFailed
		}
		http.Error(w, err.Error(), status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body) // the client has gone: there is nobody to tell
}
