package httpapi

import (
	"bytes"
	"container/list"
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/livetables/livetables/lqp"
)

// Bounds of what is kept for repeated requests.
const (
	replayLife    = 24 * time.Hour
	maxReplay     = 1 << 20 // bytes of one response; a larger one is not kept
	maxReplays    = 10_000
	maxReplaySize = 64 << 20 // bytes of all responses
)

// replays keeps the responses of successful writes that carry an Idempotency-Key, by principal and key. It lives in this
// process: after a restart a repeat is carried out again.
type replays struct {
	clock func() time.Time

	mu    sync.Mutex
	byKey map[string]*list.Element
	order list.List // of *replay, the oldest first
	size  int
}

// replay is one request and, once done is closed, its response.
type replay struct {
	key    string
	digest []byte
	at     time.Time
	done   chan struct{}
	kept   bool // there is a response; else the request failed and may be tried again
	status int
	header http.Header
	body   []byte
}

func newReplays(clock func() time.Time) *replays {
	return &replays{clock: clock, byKey: make(map[string]*list.Element)}
}

// begin finds the earlier request of a key, waiting for one that is under way, or makes this the first: mine is true then,
// and end must be called.
func (r *replays) begin(ctx context.Context, key string, digest []byte) (entry *replay, mine bool, err error) {
	for {
		r.mu.Lock()
		now := r.clock()
		for e := r.order.Front(); e != nil && (now.Sub(e.Value.(*replay).at) > replayLife || r.order.Len() > maxReplays || r.size > maxReplaySize); e = r.order.Front() {
			r.remove(e)
		}
		e, ok := r.byKey[key]
		if !ok {
			entry = &replay{key: key, digest: digest, at: now, done: make(chan struct{})}
			r.byKey[key] = r.order.PushBack(entry)
			r.mu.Unlock()
			return entry, true, nil
		}
		r.mu.Unlock()
		entry = e.Value.(*replay)
		if !bytes.Equal(entry.digest, digest) {
			return nil, false, problemOf(http.StatusUnprocessableEntity, "idempotency_key_reused", "the Idempotency-Key was used for another request")
		}
		select {
		case <-entry.done:
			if entry.kept {
				return entry, false, nil
			}
		case <-ctx.Done():
			return nil, false, ctx.Err()
		}
	}
}

func (r *replays) remove(e *list.Element) {
	entry := e.Value.(*replay)
	r.order.Remove(e)
	if r.byKey[entry.key] == e {
		delete(r.byKey, entry.key)
	}
	r.size -= len(entry.body)
}

// end keeps the response of a request that begin gave out, or forgets it when it did not succeed or is not whole: of an
// answer that broke off there is nothing to repeat.
func (r *replays) end(entry *replay, w *response, whole bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer close(entry.done)
	e, ok := r.byKey[entry.key]
	if !ok || e.Value.(*replay) != entry {
		return // pushed out meanwhile
	}
	if !whole || w.status < 200 || w.status > 299 || w.tee.Len() > maxReplay {
		r.remove(e)
		return
	}
	entry.kept, entry.status, entry.body = true, w.status, w.tee.Bytes()
	entry.header = http.Header{}
	for _, name := range []string{"Content-Type", "ETag", "Location"} {
		if v := w.Header().Get(name); v != "" {
			entry.header.Set(name, v)
		}
	}
	r.size += len(entry.body)
}

// once runs the handler, or answers as an earlier request with the same Idempotency-Key was answered.
func (c *call) once() error {
	values := c.r.Header.Values("Idempotency-Key")
	if len(values) == 0 || strings.HasPrefix(c.route.path, api+"/auth/") { // tokens are not kept to be shown again
		return c.route.handler(c)
	}
	key := values[0]
	if len(values) > 1 || key == "" || len(key) > 200 || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return invalidProblem("", FieldError{Path: "Idempotency-Key", Code: lqp.CodeArgument, Message: "1 to 200 visible ASCII characters were expected"})
	}
	entry, mine, err := c.s.replays.begin(c.ctx(), c.who.UserID+"\x00"+key, c.digest())
	if err != nil {
		return err
	}
	if mine {
		c.w.tee = &bytes.Buffer{}
		whole := false
		defer func() { c.s.replays.end(entry, c.w, whole) }()
		if err := c.route.handler(c); err != nil {
			c.fail(err)
		}
		whole = true
		return nil
	}
	h := c.w.Header()
	for name, v := range entry.header {
		h[name] = v
	}
	h.Set("Idempotency-Replayed", "true")
	c.w.WriteHeader(entry.status)
	if _, err := c.w.Write(entry.body); err != nil {
		panic(http.ErrAbortHandler)
	}
	return nil
}
