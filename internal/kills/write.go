package kills

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
)

// ending is what the client of a write knows of it.
type ending int

const (
	lost         ending = iota // no answer came, or one that says nothing
	acknowledged               // it was answered with success
	refused                    // it was answered with a refusal
)

// write is one request that changes rows, all or none.
type write struct {
	id    string // stands in its rows and in the reason of its entries
	kind  string
	table int
	rows  int // how many it changes
	touch []string
	key   string // its Idempotency-Key, or empty
	end   ending
	// hopeless says that asking again with the key would not tell more.
	hopeless bool
	after    map[string]int64 // the versions of the rows that the answer names
	method   string
	path     string
	body     []byte
	media    string
}

// cells are the fields of a row.
func cells(id string, n int) string { return fmt.Sprintf(`{"Op":%q,"N":%d}`, id, n) }

const (
	most    = 12 // rows of a write of several
	imports = 30 // rows of a file
)

// next makes up the next write of a writer.
func (w *writer) next(n int) *write {
	r := w.random
	o := &write{id: fmt.Sprintf("op-%d-%d", w.number, n), table: r.IntN(len(w.c.tables)), method: http.MethodPost, media: "application/json"}
	if r.IntN(2) == 0 {
		o.key = "key-" + o.id
	}
	table := w.c.tables[o.table]
	own := w.own[o.table]
	roll := r.IntN(100)
	switch {
	case roll < 30 || len(own) == 0:
		o.kind, o.rows, o.path = "insert", 1, table.path+"/rows"
		o.body = fmt.Appendf(nil, `{"fields":%s,"reason":%q}`, cells(o.id, n), o.id)
	case roll < 50:
		o.kind, o.rows = "insert of several", 2+r.IntN(most-1)
		var list []string
		for i := range o.rows {
			list = append(list, fmt.Sprintf(`{"fields":%s}`, cells(o.id, i)))
		}
		o.bulk(table, "insert", list)
	case roll < 65:
		id := w.pick(own, 1)[0]
		o.kind, o.rows, o.touch, o.method, o.path = "update", 1, []string{id}, http.MethodPatch, table.path+"/rows/"+id
		o.body = fmt.Appendf(nil, `{"fields":%s,"version":%d,"reason":%q}`, cells(o.id, n), own[id], o.id)
	case roll < 78:
		o.touch = w.pick(own, 1+r.IntN(most))
		o.kind, o.rows = "update of several", len(o.touch)
		var list []string
		for i, id := range o.touch {
			list = append(list, fmt.Sprintf(`{"id":%q,"version":%d,"fields":%s}`, id, own[id], cells(o.id, i)))
		}
		o.bulk(table, "update", list)
	case roll < 86:
		id := w.pick(own, 1)[0]
		o.kind, o.rows, o.touch, o.method = "delete", 1, []string{id}, http.MethodDelete
		o.path = fmt.Sprintf("%s/rows/%s?version=%d&reason=%s", table.path, id, own[id], url.QueryEscape(o.id))
	case roll < 94:
		o.touch = w.pick(own, 1+r.IntN(most))
		o.kind, o.rows = "delete of several", len(o.touch)
		var list []string
		for _, id := range o.touch {
			list = append(list, fmt.Sprintf(`{"id":%q,"version":%d}`, id, own[id]))
		}
		o.bulk(table, "delete", list)
	default:
		o.kind, o.rows, o.path, o.media, o.key = "import", imports, table.path+"/import", "text/csv", ""
		file := "Op,N\n"
		for i := range o.rows {
			file += fmt.Sprintf("%s,%d\n", o.id, i)
		}
		o.body = []byte(file)
	}
	return o
}

func (o *write) bulk(t *table, op string, rows []string) {
	o.path = t.path + "/rows/bulk"
	o.body = fmt.Appendf(nil, `{"op":%q,"rows":[%s],"reason":%q}`, op, strings.Join(rows, ","), o.id)
}

// send sends the write once and reads how it ended.
func (o *write) send(ctx context.Context, w *writer) {
	headers := []string{"Content-Type", o.media}
	if o.key != "" {
		headers = append(headers, "Idempotency-Key", o.key)
	}
	answer, err := w.c.client.Send(ctx, o.method, o.path, o.body, headers...)
	if err != nil {
		o.end = lost
		return
	}
	if answer.Status >= 300 {
		code := answer.Code()
		w.c.count(fmt.Sprintf("%d %s", answer.Status, code))
		switch {
		case code == "idempotency_unknown":
			o.end, o.hopeless = lost, true
		case answer.Status >= 500, code == "idempotency_running":
			o.end = lost
		default:
			o.end = refused
			w.c.refusal(o, answer.Status, string(answer.Body))
		}
		return
	}
	o.end = acknowledged
	var doc struct {
		ID      string `json:"id"`
		Version int64  `json:"version"`
		Data    []struct {
			ID      string `json:"id"`
			Version int64  `json:"version"`
		} `json:"data"`
	}
	if len(answer.Body) > 0 && json.Unmarshal(answer.Body, &doc) != nil {
		w.c.violation("%s: the answer is no JSON: %.100q", o.id, answer.Body)
		return
	}
	o.after = map[string]int64{}
	if doc.ID != "" {
		o.after[doc.ID] = doc.Version
	}
	for _, row := range doc.Data {
		o.after[row.ID] = row.Version
	}
}

// pick chooses up to n of the rows that a writer has.
func (w *writer) pick(own map[string]int64, n int) []string {
	all := sortedKeys(own)
	w.random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:min(n, len(all))]
}

// newRandom is the source of a part of a campaign.
func newRandom(seed, part uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, part)) }
