package ws

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
)

func TestBadFrames(t *testing.T) {
	f := newFixture(t, Limits{}, nil)
	for name, message := range map[string]string{
		"empty":              ``,
		"not JSON":           `hello`,
		"array":              `[{"op":"ping"}]`,
		"two objects":        `{"op":"ping"}{"op":"ping"}`,
		"unknown member":     `{"op":"ping","role":"owner"}`,
		"unknown in since":   `{"op":"subscribe","room":"/data/tbl_1","since":{"epoch":"k1","offset":1,"x":1}}`,
		"duplicate member":   `{"op":"ping","op":"subscribe"}`,
		"other case":         `{"OP":"ping"}`,
		"id as text":         `{"id":"1","op":"ping"}`,
		"id as fraction":     `{"id":1.5,"op":"ping"}`,
		"id out of range":    `{"id":99999999999999999999,"op":"ping"}`,
		"room as object":     `{"op":"subscribe","room":{"$ne":""}}`,
		"room as list":       `{"op":"subscribe","room":["/data/tbl_1"]}`,
		"NUL in room":        `{"op":"subscribe","room":"/data/tbl_1\u0000"}`,
		"half a surrogate":   `{"op":"subscribe","room":"/data/\ud800"}`,
		"token of ping":      `{"op":"ping","token":"ann"}`,
		"since of ack":       `{"op":"ack","room":"/data/tbl_1","since":{"epoch":"k1","offset":1}}`,
		"unknown op":         `{"id":1,"op":"presence"}`,
		"op of many letters": `{"op":"` + strings.Repeat("é", 500) + `"}`,
		"deep":               `{"op":"subscribe","room":"/data/tbl_1","params":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`,
		"long member":        `{"` + strings.Repeat("x", 1000) + `":1}`,
	} {
		t.Run(name, func(t *testing.T) {
			c := f.login("ann")
			c.t = t
			c.send(message)
			_ = c.socket.Write(t.Context(), websocket.MessageText, []byte(subscribe1)) // nothing is done any more
			c.ends(CloseBadFrame)
		})
	}
	c := f.login("ann")
	require.NoError(t, c.socket.Write(t.Context(), websocket.MessageBinary, []byte(`{"op":"ping"}`)))
	c.ends(CloseBadFrame)
	c = f.login("ann")
	require.NoError(t, c.socket.Write(t.Context(), websocket.MessageText, []byte("{\"op\":\"ping\xff\"}")))
	c.ends(CloseBadFrame)
	require.Zero(t, f.rooms.calls)
}

func TestAttack76BigMessages(t *testing.T) {
	f := newFixture(t, Limits{}, nil)
	pad := func(n int) string {
		head, tail := `{"op":"subscribe","room":"`, `"}`
		return head + strings.Repeat("x", n-len(head)-len(tail)) + tail
	}
	c := f.login("ann")
	c.ask(pad(64<<10), `{"err":{"code":"not_found","message":"no such room"}}`)
	for _, size := range []int{64<<10 + 1, 10 << 20} {
		for _, c := range []*client{f.login("ann"), f.dial()} {
			// The server may close before it has taken everything: what counts is what the client reads.
			_ = c.socket.Write(t.Context(), websocket.MessageText, []byte(pad(size)))
			c.ends(websocket.StatusMessageTooBig)
		}
	}
}

// TestAttack76Flood is ten thousand messages as fast as they go.
func TestAttack76Flood(t *testing.T) {
	f := newFixture(t, Limits{}, nil)
	c := f.login("ann")
	go func() {
		for range 10_000 {
			if c.socket.Write(context.Background(), websocket.MessageText, []byte(`{"id":1,"op":"ping"}`)) != nil {
				return
			}
		}
	}()
	c.ends(websocket.StatusPolicyViolation)
	f.gone()
}

func TestFloodOfPings(t *testing.T) {
	f := newFixture(t, Limits{Burst: 10, Rate: 1}, nil)
	c := f.login("ann")
	var ended error
	reading := make(chan struct{})
	go func() {
		defer close(reading)
		_, ended = c.read()
	}()
	for range 20 {
		if c.socket.Ping(t.Context()) != nil {
			break
		}
	}
	<-reading
	require.Equal(t, websocket.StatusPolicyViolation, websocket.CloseStatus(ended))
}

func TestRate(t *testing.T) {
	f := newFixture(t, Limits{Rate: 1, Burst: 5}, nil)
	c := f.login("ann")
	for range 5 {
		c.ask(`{"id":1,"op":"unsubscribe","room":"x"}`, `{"id":1,"err":{"code":"not_found","message":"not subscribed to this room"}}`)
	}
	c.send(`{"id":7,"op":"unsubscribe","room":"x"}`)
	got, err := c.read()
	require.NoError(t, err)
	require.Regexp(t, `^\{"id":7,"err":\{"code":"rate_limited","message":"too many commands","retry_after_ms":[0-9]+\}\}$`, got)
}

func TestPace(t *testing.T) {
	run := func(perSecond int, d time.Duration) (done, refused int, end websocket.StatusCode, after time.Duration) {
		p := newPace(Limits{}.withDefaults())
		begin := time.Now()
		for at := time.Duration(0); at < d; at += time.Second / time.Duration(perSecond) {
			v := p.next(begin.Add(at))
			switch {
			case v.end != 0:
				return done, refused, v.end, at
			case v.refused:
				refused++
				require.Positive(t, v.wait)
			default:
				done++
			}
		}
		return done, refused, 0, d
	}
	_, refused, end, _ := run(29, time.Minute)
	require.Zero(t, refused)
	require.Zero(t, end)
	done, refused, end, _ := run(36, time.Minute)
	require.Zero(t, end, "a little too fast is refused and no more")
	require.InDelta(t, 60+30*60, done, 10)
	require.Positive(t, refused)
	_, _, end, after := run(60, time.Minute)
	require.Equal(t, CloseRate, end)
	require.Greater(t, after, 3*time.Second)
	_, _, end, after = run(10_000, time.Minute)
	require.Equal(t, websocket.StatusPolicyViolation, end)
	require.Less(t, after, 100*time.Millisecond)
}

func TestTooManyConnections(t *testing.T) {
	f := newFixture(t, Limits{PerUser: 2, Pending: 2, Connections: 6}, nil)
	one := f.login("ann")
	f.login("ann")
	f.login("ann").ends(CloseConnections)
	c := f.dial()
	c.send(`{"op":"auth","token":"ann"}`)
	c.ends(CloseConnections)
	f.set(func() { f.subjects["ann2"] = Subject{User: "usr_ann", Workspace: "wsp_2"} })
	f.login("ann2") // another workspace counts apart
	require.NoError(t, one.socket.Close(1000, ""))
	require.Eventually(t, func() bool { return f.handler.Connections() == 2 }, 5*time.Second, time.Millisecond)
	again := f.login("ann")
	again.ask(subscribe1, `{"id":2,"ok":{"mode":"snapshot","epoch":"k1","offset":0}}`)

	f.dial()
	second := f.dial()
	refused := func(header http.Header) {
		t.Helper()
		_, response, err := f.try(header)
		require.Error(t, err)
		require.Equal(t, http.StatusServiceUnavailable, response.StatusCode)
		require.NotEmpty(t, response.Header.Get("Retry-After"))
	}
	refused(nil) // two wait for their first message already
	f.login("bob")
	refused(http.Header{"Authorization": {"Bearer bob"}}) // six in all
	second.send(`{"op":"auth","token":"bob"}`)
	second.want(`{"ok":{"user":"usr_bob","workspace":"wsp_1"}}`)
}

// TestSlowConsumer: who does not read is cut off with a code, and delays nobody.
func TestSlowConsumer(t *testing.T) {
	f := newFixture(t, Limits{Slow: time.Second}, nil)
	slow, fast := f.login("ann"), f.login("bob")
	for _, c := range []*client{slow, fast} {
		c.ask(subscribe1, `{"id":2,"ok":{"mode":"snapshot","epoch":"k1","offset":0}}`)
	}
	data := `"` + strings.Repeat("x", 100<<10) + `"`
	const frames = 200 // 20 MB: far more than the network and the queue hold
	// The fast one is never more than a few frames behind, however busy the machine is.
	began, read := time.Now(), make(chan struct{}, 4)
	go func() {
		for range frames {
			read <- struct{}{}
			f.rooms.add("/data/tbl_1", data)
		}
	}()
	for i := range frames {
		got, err := fast.read()
		require.NoError(t, err)
		require.Contains(t, got[:100], fmt.Sprintf(`"offset":%d,`, i+1))
		<-read
	}
	t.Logf("the fast one took %v", time.Since(began))
	time.Sleep(1500 * time.Millisecond)
	// It reads on: what the network held, and then the code.
	slow.ends(CloseSlow)
	require.NoError(t, fast.socket.Close(1000, ""))
	f.gone()
}

// TestStuckConsumer never reads: it is gone when the network has taken nothing for long enough.
func TestStuckConsumer(t *testing.T) {
	f := newFixture(t, Limits{Slow: 100 * time.Millisecond, Write: 300 * time.Millisecond}, nil)
	c := f.login("ann")
	c.ask(subscribe1, `{"id":2,"ok":{"mode":"snapshot","epoch":"k1","offset":0}}`)
	for range 100 {
		f.rooms.add("/data/tbl_1", `"`+strings.Repeat("x", 200<<10)+`"`)
	}
	f.gone()
	require.Zero(t, f.rooms.open.Load())
}

// TestBackpressure: a burst beyond the queue waits in the log, and a client that reads gets all of it.
func TestBackpressure(t *testing.T) {
	f := newFixture(t, Limits{Queue: 4 << 10}, nil)
	c := f.login("ann")
	c.ask(subscribe1, `{"id":2,"ok":{"mode":"snapshot","epoch":"k1","offset":0}}`)
	for i := range 2000 {
		f.rooms.add("/data/tbl_1", fmt.Sprintf(`"%d%s"`, i, strings.Repeat("x", i%900)))
	}
	for i := range 2000 {
		got, err := c.read()
		require.NoError(t, err)
		require.Contains(t, got, fmt.Sprintf(`"offset":%d,`, i+1))
	}
}

// TestDeadPeer: a client that does not answer pings is cut off.
func TestDeadPeer(t *testing.T) {
	f := newFixture(t, Limits{Ping: 50 * time.Millisecond, Pong: 50 * time.Millisecond}, nil)
	alive := f.login("bob")
	go func() { _, _ = alive.read() }() // answers pings
	f.login("ann")                      // does not read, hence does not answer
	require.Eventually(t, func() bool { return f.handler.Connections() == 1 }, 5*time.Second, 5*time.Millisecond)
	time.Sleep(300 * time.Millisecond)
	require.Equal(t, 1, f.handler.Connections())
	require.NoError(t, alive.socket.CloseNow())
	f.gone()
}

func TestDrain(t *testing.T) {
	f := newFixture(t, Limits{}, nil)
	clients := []*client{f.login("ann"), f.login("bob"), f.dial()}
	clients[0].ask(subscribe1, `{"id":2,"ok":{"mode":"snapshot","epoch":"k1","offset":0}}`)
	done := make(chan error)
	go func() { done <- f.handler.Shutdown(context.Background()) }()
	for _, c := range clients {
		c.ends(CloseDraining)
	}
	require.NoError(t, <-done)
	_, response, err := f.try(nil)
	require.Error(t, err)
	require.Equal(t, http.StatusServiceUnavailable, response.StatusCode)
	require.NoError(t, f.handler.Shutdown(context.Background()))
}

// rawClient speaks the protocol by hand, and not well.
func (f *fixture) rawClient(token string) net.Conn {
	f.t.Helper()
	raw, err := net.Dial("tcp", f.server.Listener.Addr().String())
	require.NoError(f.t, err)
	f.t.Cleanup(func() { _ = raw.Close() })
	_, err = raw.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer " + token + "\r\n\r\n"))
	require.NoError(f.t, err)
	return raw
}

// TestEndlessMessage: a client that is being closed and keeps sending one message without end is cut off.
func TestEndlessMessage(t *testing.T) {
	f := newFixture(t, Limits{Close: 200 * time.Millisecond}, nil)
	raw := f.rawClient("ann")
	_, err := raw.Write([]byte{0x81, 0xff, 0, 0xff, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4}) // a text of 2^48-2^40 bytes
	require.NoError(t, err)
	began := time.Now()
	for chunk := make([]byte, 1<<10); err == nil; time.Sleep(time.Millisecond) {
		_, err = raw.Write(chunk)
		require.Less(t, time.Since(began), 8*time.Second)
	}
	f.gone()
}

// TestDrainCutsOff: clients that do not go are cut off when the time is over.
func TestDrainCutsOff(t *testing.T) {
	f := newFixture(t, Limits{}, nil)
	f.login("ann")
	f.rawClient("bob")
	require.Eventually(t, func() bool { return f.handler.Connections() == 2 }, 5*time.Second, time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	require.ErrorIs(t, f.handler.Shutdown(ctx), context.DeadlineExceeded)
	require.Less(t, time.Since(began), 3*time.Second)
	require.Zero(t, f.handler.Connections())
}
