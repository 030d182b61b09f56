package canary

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

// ears are WebSockets of everybody with an account, each in a workspace that lets it in, that ask for the tables of all
// tenants and listen.
type ears struct {
	w      *world
	url    string
	frames atomic.Int64
	found  func(Finding)
	wg     sync.WaitGroup
}

// opening is how long a socket may take to open.
const opening = 10 * time.Second

// listen opens the sockets. They end with ctx; wait returns when they have.
func (w *world) listen(ctx context.Context, base string, rnd *rand.Rand, found func(Finding)) *ears {
	e := &ears{w: w, url: "ws" + strings.TrimPrefix(base, "http") + "/api/v1/ws?workspace_id=", found: found}
	for _, p := range w.people {
		if p.id == "" {
			continue
		}
		// Everybody tries every workspace; the others than their own must not open.
		for _, t := range w.tenants {
			seed := rnd.Uint64()
			e.wg.Go(func() { e.open(ctx, p, t, rand.New(rand.NewPCG(seed, 3))) })
		}
	}
	return e
}

func (e *ears) wait() { e.wg.Wait() }

func (e *ears) open(ctx context.Context, p *person, t *tenant, rnd *rand.Rand) {
	dialled, cancel := context.WithTimeout(ctx, opening)
	defer cancel()
	conn, _, err := websocket.Dial(dialled, e.url+t.workspace, &websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {"Bearer " + p.token()}}}) //nolint:bodyclose // Dial says that it need not be closed
	_, member := p.roles[t]
	if err != nil {
		if member && ctx.Err() == nil {
			e.found(Finding{What: "a socket did not open", Request: fmt.Sprintf("socket of %s in %s", p.name, t.name), Excerpt: err.Error()})
		}
		return
	}
	defer conn.CloseNow() //nolint:errcheck // it ends either way
	if !member {
		e.found(Finding{What: "a socket opened in another tenant's workspace", Request: fmt.Sprintf("socket of %s in %s", p.name, t.name)})
	}
	go e.speak(ctx, conn, t, rnd)
	for {
		_, data, err := conn.Read(ctx)
		if err != nil {
			return
		}
		e.frames.Add(1)
		if c := e.w.strange(data, p.number); c != nil {
			e.found(Finding{What: "in a frame", Request: fmt.Sprintf("socket of %s in %s", p.name, t.name), Canary: c.text, Planted: c.place, Excerpt: excerpt(data, c.text)})
		}
	}
}

// speak subscribes to everybody's tables and rooms that there are none of, from the beginning and from elsewhere.
func (e *ears) speak(ctx context.Context, conn *websocket.Conn, t *tenant, rnd *rand.Rand) {
	id := 0
	say := func(text string) bool {
		id++
		return conn.Write(ctx, websocket.MessageText, fmt.Appendf(nil, text, id)) == nil
	}
	for _, other := range append([]*tenant{t}, e.w.tenants...) {
		for _, room := range append(append([]string{}, other.ids["table"]...), other.ids["view"][0], "../"+other.ids["table"][0]) {
			if !say(`{"id":%d,"op":"subscribe","room":"/data/` + room + `"}`) {
				return
			}
		}
	}
	ticker := time.NewTicker(2 * time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		other := e.w.tenants[rnd.IntN(len(e.w.tenants))]
		text := []string{
			`{"id":%d,"op":"subscribe","room":"/data/` + other.ids["table"][0] + `","since":{"epoch":"x","offset":0,"pos":"AAAA"}}`,
			`{"id":%d,"op":"unsubscribe","room":"/data/` + other.ids["table"][0] + `"}`,
			`{"id":%d,"op":"subscribe","room":"/data/` + t.ids["table"][0] + `"}`,
		}[rnd.IntN(3)]
		if !say(text) {
			return
		}
	}
}
