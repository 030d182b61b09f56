package ws

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/time/rate"
)

// conn is one connection. It is served by the goroutine of its request, which reads; one goroutine writes, one keeps
// time, and each room has one.
type conn struct {
	h       *Handler
	request *http.Request
	queue   *queue
	limits  Limits

	pending, admitted bool // under h.mu

	mu      sync.Mutex
	subject Subject
	rooms   map[string]*room
	raw     net.Conn // nil before the upgrade
	killed  bool

	// failing is closed when the connection is to end, with code and reason set; a code of 0 is the other side's end.
	failing  chan struct{}
	failOnce sync.Once
	code     websocket.StatusCode
	reason   string

	socket  *websocket.Conn
	authed  bool          // of the reader
	renewed chan struct{} // has a value when the subject is new
	pace    pace
	pings   *rate.Limiter
	work    sync.WaitGroup
}

func newConn(h *Handler, r *http.Request) *conn {
	l := h.options.Limits
	return &conn{
		h: h, request: r, queue: newQueue(l.Queue), limits: l,
		rooms: make(map[string]*room), failing: make(chan struct{}), renewed: make(chan struct{}, 1),
		pace: newPace(l), pings: rate.NewLimiter(rate.Limit(l.Rate), l.Burst),
	}
}

// serve runs the connection until it has ended and nothing of it is left.
func (c *conn) serve(socket *websocket.Conn, raw net.Conn) {
	c.socket = socket
	c.mu.Lock()
	c.raw = raw
	killed := c.killed
	c.mu.Unlock()
	if killed {
		_ = raw.Close()
	}
	socket.SetReadLimit(int64(c.limits.FrameIn))
	// The request's context ends with its handler; rooms must not end because a proxy's header says so.
	ctx, cancel := context.WithCancel(context.WithoutCancel(c.request.Context()))
	defer c.work.Wait()
	defer cancel()
	if c.subject.User != "" {
		if c.authed = c.admitted; c.authed {
			c.renewed <- struct{}{}
		} else {
			c.fail(CloseConnections, "too many connections")
		}
	}
	c.work.Go(c.write)
	c.work.Go(func() { c.keep(ctx) })
	err := c.read(ctx)
	if errors.Is(err, websocket.ErrMessageTooBig) {
		c.fail(websocket.StatusMessageTooBig, "message is too big")
	}
	c.fail(0, "")
}

// fail ends the connection with a close code, once: later calls change nothing.
func (c *conn) fail(code websocket.StatusCode, reason string) {
	c.failOnce.Do(func() {
		c.code, c.reason = code, reason
		close(c.failing)
	})
}

func (c *conn) failed() bool {
	select {
	case <-c.failing:
		return true
	default:
		return false
	}
}

// kill cuts the network connection.
func (c *conn) kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.killed = true
	if c.raw != nil {
		_ = c.raw.Close()
	}
}

// read handles messages until the connection ends. Once it is failing they are thrown away, so that the other side gets to
// read the close code instead of a reset.
func (c *conn) read(ctx context.Context) error {
	for {
		kind, data, err := c.socket.Read(context.Background()) // a context that ends would cut the connection
		if err != nil {
			return err
		}
		switch {
		case c.failed():
		case kind != websocket.MessageText:
			c.fail(CloseBadFrame, "text messages only")
		default:
			c.handle(ctx, data)
		}
	}
}

// write sends what is queued, one message after the other, and ends the connection when it fails.
func (c *conn) write() {
	for !c.failed() {
		m, ok := c.queue.take()
		if !ok {
			select {
			case <-c.queue.ready:
			case <-c.failing:
			}
			continue
		}
		c.send(m)
	}
	if c.code == CloseDraining {
		// What is queued was promised; the other side may need it to come back without a gap.
		for deadline := time.Now().Add(c.limits.Close); time.Now().Before(deadline); {
			m, ok := c.queue.take()
			if !ok {
				break
			}
			c.send(m)
		}
	}
	c.queue.drop(nil)
	if c.code == 0 {
		_ = c.socket.CloseNow()
		return
	}
	// What the other side still sends is read and thrown away until it answers, but not for ever.
	_ = c.raw.SetDeadline(time.Now().Add(c.limits.Close))
	_ = c.socket.Close(c.code, c.reason)
}

func (c *conn) send(m message) {
	defer c.queue.sent(m)
	if m.room != nil && m.room.revoked() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.limits.Write)
	defer cancel()
	if err := c.socket.Write(ctx, websocket.MessageText, m.data); err != nil {
		c.fail(0, "")
	}
}

// reply queues an answer; a client that commands and does not read is too slow.
func (c *conn) reply(data []byte) {
	if !c.queue.put(message{data: data}) {
		c.fail(CloseSlow, "reading too slowly")
	}
}

// onPing answers a client's ping, unless it floods.
func (c *conn) onPing(context.Context, []byte) bool {
	if c.pings.Allow() {
		return true
	}
	c.fail(websocket.StatusPolicyViolation, "too many messages")
	return false
}

func (c *conn) who() Subject {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.subject
}
