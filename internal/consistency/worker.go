package consistency

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"

	"github.com/livetables/livetables/internal/daemontest"
)

// worker is one client. Every request goes to a daemon of its choice.
type worker struct {
	c      *campaign
	number int
	random *rand.Rand
	seen   map[string]int64   // the versions of registers that it saw last
	only   *daemontest.Client // the daemon that it asks, nil for any
}

// row is a row as daemons write it.
type row struct {
	ID      string `json:"id"`
	Version int64  `json:"version"`
	Fields  struct {
		Value json.RawMessage `json:"Value"`
	} `json:"fields"`
}

func (r *row) number() int64 {
	n, _ := strconv.ParseInt(string(r.Fields.Value), 10, 64)
	return n
}

func (r *row) numbers() []int64 {
	var text string
	_ = json.Unmarshal(r.Fields.Value, &text)
	var list []int64
	for word := range strings.SplitSeq(text, ",") {
		n, _ := strconv.ParseInt(word, 10, 64)
		list = append(list, n)
	}
	return list
}

// kind is what is done to a register.
type kind int

const (
	read kind = iota
	write
	swap // a write of a client that names the version that it has seen
)

// touch is one operation on a register, with what the client saw of it.
type touch struct {
	client     int
	key        string
	kind       kind
	value      int64 // to be written
	expected   int64 // by a swap
	from, to   int64 // when it was sent and answered, in nanoseconds
	unknown    bool  // no answer that tells whether it was done
	refused    bool  // a swap that met another version
	version    int64 // that the answer has
	was        int64 // the value that the answer has
	hasVersion bool
}

// daemon is one of those that can be asked.
func (w *worker) daemon() *daemontest.Client {
	if w.only != nil {
		return w.only
	}
	return w.c.clients[w.random.IntN(len(w.c.clients))]
}

// register does something to a register.
func (w *worker) register(ctx context.Context) {
	id := w.c.registers.ids[w.random.IntN(len(w.c.registers.ids))]
	t := touch{client: w.number, key: id}
	path, method, body := w.c.registers.path+"/"+id, http.MethodPatch, ""
	switch roll := w.random.IntN(10); {
	case roll < 4 || w.seen[id] == 0:
		t.kind, method = read, http.MethodGet
	case roll < 6:
		t.kind, t.value = write, w.c.next.Add(1)
		body = fmt.Sprintf(`{"fields":{"Value":%d}}`, t.value)
	default:
		t.kind, t.value, t.expected = swap, w.c.next.Add(1), w.seen[id]
		body = fmt.Sprintf(`{"fields":{"Value":%d},"version":%d}`, t.value, t.expected)
	}
	t.from = w.c.now()
	answer, err := w.daemon().Send(ctx, method, path, []byte(body))
	t.to = w.c.now()
	if ctx.Err() != nil {
		return
	}
	t.judge(w, answer, err)
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	w.c.touches = append(w.c.touches, t)
}

// judge reads the answer.
func (t *touch) judge(w *worker, answer *daemontest.Answer, err error) {
	var now row
	switch {
	case err == nil && answer.Status == http.StatusOK && answer.Decode(&now) == nil:
		t.version, t.was, t.hasVersion = now.Version, now.number(), true
		w.seen[t.key] = now.Version
	case err == nil && answer.Status == http.StatusPreconditionFailed && t.kind == swap:
		var problem struct {
			Current row `json:"current"`
		}
		t.refused = true
		if answer.Decode(&problem) == nil && problem.Current.Version > 0 {
			t.version, t.was, t.hasVersion = problem.Current.Version, problem.Current.number(), true
			w.seen[t.key] = problem.Current.Version
		}
	default:
		t.unknown = true
		w.failed(answer)
	}
}

// failed counts an answer that tells nothing.
func (w *worker) failed(answer *daemontest.Answer) {
	if answer == nil {
		w.c.count("no answer")
		return
	}
	w.c.count(fmt.Sprintf("%d %s", answer.Status, answer.Code()))
}

// look is one reading of lists, all in one answer.
type look struct {
	from, to int64
	lists    map[string][]int64
}

// appended is an append that was sent.
type appended struct {
	value    int64
	keys     []string
	from, to int64
	done     bool // it was acknowledged; false when nobody knows
}

// list reads all lists and perhaps appends a number to one or two of them.
func (w *worker) list(ctx context.Context) {
	versions, l, ok := w.read(ctx)
	if !ok || w.random.IntN(3) == 0 {
		return
	}
	n := min(1+w.random.IntN(2), len(w.c.lists.ids))
	a := appended{value: w.c.next.Add(1)}
	var changes []string
	for _, i := range w.random.Perm(len(w.c.lists.ids))[:n] {
		id := w.c.lists.ids[i]
		a.keys = append(a.keys, id)
		var words []string
		for _, v := range append(l.lists[id], a.value) {
			words = append(words, strconv.FormatInt(v, 10))
		}
		changes = append(changes, fmt.Sprintf(`{"id":%q,"version":%d,"fields":{"Value":%q}}`, id, versions[id], strings.Join(words, ",")))
	}
	a.from = w.c.now()
	answer, err := w.daemon().Send(ctx, http.MethodPost, w.c.lists.path+"/bulk", []byte(`{"op":"update","rows":[`+strings.Join(changes, ",")+`]}`))
	a.to = w.c.now()
	switch {
	case ctx.Err() != nil:
		return
	case err == nil && answer.Status == http.StatusOK:
		a.done = true
	case err == nil && answer.Status == http.StatusPreconditionFailed:
		w.c.count("conflicts of appends")
		return // somebody was quicker: nothing was done
	default:
		w.failed(answer)
	}
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	w.c.appends = append(w.c.appends, a)
}

// read reads all lists in one request.
func (w *worker) read(ctx context.Context) (versions map[string]int64, l look, ok bool) {
	l = look{from: w.c.now(), lists: map[string][]int64{}}
	answer, err := w.daemon().Send(ctx, http.MethodGet, w.c.lists.path+"?limit=1000", nil)
	l.to = w.c.now()
	var page struct {
		Data []row `json:"data"`
	}
	if err != nil || answer.Status != http.StatusOK || answer.Decode(&page) != nil {
		w.failed(answer)
		return nil, l, false
	}
	versions = map[string]int64{}
	for i := range page.Data {
		r := &page.Data[i]
		versions[r.ID], l.lists[r.ID] = r.Version, r.numbers()
	}
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	w.c.looks = append(w.c.looks, l)
	return versions, l, true
}

// lookAtEnd reads everything once more, at each daemon, when nobody writes.
func (c *campaign) lookAtEnd(ctx context.Context) error {
	for i, client := range c.clients {
		w := &worker{c: c, number: c.opt.Clients + i, only: client}
		if _, _, ok := w.read(ctx); !ok {
			return fmt.Errorf("daemon %d does not answer at the end", i)
		}
	}
	return nil
}
