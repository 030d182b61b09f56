package kills

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"
)

// writer is one client. Its rows are changed by nobody else, so that it knows their versions.
type writer struct {
	c      *campaign
	number int
	random *rand.Rand
	own    []map[string]int64 // by table: the versions of its rows
	sent   []*write
}

func sortedKeys(m map[string]int64) []string { return slices.Sorted(maps.Keys(m)) }

// repeats is how often a write with a key is sent again at most.
const repeats = 3

// maxOwn is how many rows of a table a writer keeps in mind.
const maxOwn = 200

// run writes until the campaign has enough.
func (w *writer) run(ctx context.Context) {
	for n := 0; ctx.Err() == nil && w.c.take(ctx); n++ {
		w.one(ctx, n)
		w.c.done()
	}
}

// one sends one write, to its end.
func (w *writer) one(ctx context.Context, n int) {
	w.c.pause.RLock()
	defer w.c.pause.RUnlock()
	o := w.next(n)
	w.sent = append(w.sent, o)
	o.send(ctx, w)
	for again := 0; o.end == lost && o.key != "" && !o.hopeless && again < repeats; again++ {
		// The answer is lost. Whoever sent a key may ask again, as soon as somebody answers there.
		if !w.c.await(ctx) {
			return
		}
		w.c.repeated()
		o.send(ctx, w)
	}
	w.learn(ctx, o)
}

// learn brings what the writer knows of its rows up to date.
func (w *writer) learn(ctx context.Context, o *write) {
	own := w.own[o.table]
	switch {
	case o.end == acknowledged && len(o.touch) == 0:
		for id, version := range o.after {
			if len(own) < maxOwn {
				own[id] = version
			}
		}
	case o.end == acknowledged && (o.kind == "delete" || o.kind == "delete of several"):
		for _, id := range o.touch {
			delete(own, id)
		}
	case o.end == acknowledged && len(o.after) == len(o.touch):
		for id, version := range o.after {
			own[id] = version
		}
	default: // not known, or an answer without a document
		for _, id := range o.touch {
			w.look(ctx, o.table, id)
		}
	}
}

// look reads a row whose version is not known.
func (w *writer) look(ctx context.Context, table int, id string) {
	for w.c.await(ctx) {
		answer, err := w.c.client.Send(ctx, http.MethodGet, w.c.tables[table].path+"/rows/"+id, nil)
		if err != nil || answer.Status >= 500 {
			time.Sleep(time.Millisecond)
			continue
		}
		var row struct {
			Version int64 `json:"version"`
		}
		switch {
		case answer.Status == http.StatusNotFound:
			delete(w.own[table], id)
		case answer.Status != http.StatusOK || json.Unmarshal(answer.Body, &row) != nil:
			w.c.violation("row %s cannot be read: status %d", id, answer.Status)
			delete(w.own[table], id)
		default:
			w.own[table][id] = row.Version
		}
		return
	}
	delete(w.own[table], id)
}

// refusal judges a refusal: a writer whose rows are its own is refused nothing the first time, and later only what it has
// done already.
func (c *campaign) refusal(o *write, status int, body string) {
	if status == http.StatusTooManyRequests {
		return
	}
	c.violation("%s (%s) was refused: %s", o.id, o.kind, fmt.Sprintf("%d %.200s", status, body))
}
