package ws

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/realtime"
)

func messageOf(n int, r *room) message { return message{data: make([]byte, n), room: r} }

func TestQueueBounds(t *testing.T) {
	q := newQueue(100)
	require.True(t, q.put(messageOf(1000, nil)), "one message always fits")
	require.False(t, q.put(messageOf(1, nil)))
	m, ok := q.take()
	require.True(t, ok)
	require.False(t, q.put(messageOf(1, nil)), "it counts until it is sent")
	q.sent(m)
	require.True(t, q.put(messageOf(90, nil)))
	require.True(t, q.put(messageOf(10, nil)))
	require.False(t, q.put(messageOf(1, nil)))
	a, b := &room{}, &room{}
	q = newQueue(100)
	for _, m := range []message{messageOf(1, a), messageOf(2, b), messageOf(3, nil), messageOf(4, a)} {
		require.True(t, q.put(m))
	}
	q.drop(a)
	require.Equal(t, 5, q.bytes)
	m, _ = q.take()
	require.Len(t, m.data, 2)
	q.sent(m)
	q.drop(nil)
	_, ok = q.take()
	require.False(t, ok)
	require.Zero(t, q.bytes)
}

func TestQueueWaits(t *testing.T) {
	q := newQueue(100)
	moving, err := q.wait(t.Context(), 0, time.Minute)
	require.True(t, moving)
	require.NoError(t, err)
	require.True(t, q.put(messageOf(50, nil)))
	began := time.Now()
	moving, err = q.wait(t.Context(), 0, 30*time.Millisecond)
	require.False(t, moving)
	require.NoError(t, err)
	require.GreaterOrEqual(t, time.Since(began), 25*time.Millisecond)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	moving, err = q.wait(ctx, 0, time.Minute)
	require.True(t, moving)
	require.ErrorIs(t, err, context.Canceled)
}

// TestQueueConcurrency: what several rooms put is taken in the order of each, and the bound holds.
func TestQueueConcurrency(t *testing.T) {
	q := newQueue(400)
	const rooms, each = 8, 500
	var wg sync.WaitGroup
	for i := range rooms {
		r := &room{name: strconv.Itoa(i)}
		wg.Go(func() {
			for n := range each {
				m := message{data: make([]byte, 1+n%150), room: r}
				m.data[0] = byte(n)
				if moving, err := q.putWait(t.Context(), m, time.Minute); !moving || err != nil {
					t.Errorf("put: %v, %v", moving, err)
				}
			}
		})
	}
	next := map[*room]byte{}
	for range rooms * each {
		m, ok := q.take()
		for ; !ok; m, ok = q.take() {
			<-q.ready
		}
		q.mu.Lock()
		require.LessOrEqual(t, q.bytes, q.hard)
		q.mu.Unlock()
		require.Equal(t, next[m.room], m.data[0])
		next[m.room]++
		q.sent(m)
	}
	wg.Wait()
	require.Zero(t, q.bytes)
}

func TestEncoding(t *testing.T) {
	id := int64(-7)
	at := time.Date(2026, 3, 1, 13, 0, 0, 120e6, time.FixedZone("x", 3600))
	for want, got := range map[string][]byte{
		`{"id":-7,"ok":{}}`: okEmpty(&id),
		`{"ok":{}}`:         okEmpty(nil),
		`{"ok":{"mode":"replay","epoch":"a\"b","offset":4}}`:     okSubscribed(nil, "replay", realtime.Position{Epoch: `a"b`, Offset: 4}),
		`{"ok":{"at":"2026-03-01T12:00:00.12Z"}}`:                okPing(nil, at),
		`{"err":{"code":"x","message":"\n","retry_after_ms":2}}`: errReply(nil, "x", "\n", 1500*time.Microsecond),
		`{"room":"/data/t","event":"e","epoch":"k","offset":1,"at":"2026-03-01T12:00:00.12Z","more":true,"data":null}`: encodeFrame(
			"/data/t", Frame{Event: "e", Position: realtime.Position{Epoch: "k", Offset: 1}, At: at, More: true}),
		`{"room":"","event":"","epoch":"","offset":0,"at":"0001-01-01T00:00:00Z","data":[1]}`: encodeFrame(
			"\xff", Frame{Data: json.RawMessage(`[1]`)}),
	} {
		require.JSONEq(t, want, string(got))
	}
}

func FuzzDecodeCommand(f *testing.F) {
	for _, seed := range []string{
		`{"id":1,"op":"auth","token":"x"}`, subscribe1, `{"op":"ack","room":"/data/t","offset":1,"epoch":"k"}`, `{`, `[]`, `null`,
		`{"op":"subscribe","room":"/data/t","since":{"epoch":"k","offset":1,"pos":"p"},"params":{},"window":{},"have":{"a":"b"}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := decodeCommand(data, 64<<10)
		if err != nil {
			if reason := badFrame(err); reason == "" || len(reason) > 100 {
				t.Fatalf("reason %q", reason)
			}
			return
		}
		if !json.Valid(data) {
			t.Fatalf("accepted %q", data)
		}
		_, _ = c.foreign(), validRoom(c.roomName())
	})
}

func BenchmarkEncodeFrame(b *testing.B) {
	frame := Frame{Event: "data:update", Position: realtime.Position{Epoch: "k1", Offset: 1}, At: time.Now(), Data: json.RawMessage(`{"ops":[{"op":"update","id":"row_1"}]}`)}
	b.ReportAllocs()
	for b.Loop() {
		_ = encodeFrame("/data/tbl_01kb5k9m8s7q0q3c9z2m6w4x1y", frame)
	}
}

func ExampleNew() {
	source := newRooms("/data/tbl_1") // an engine's subscriptions, in earnest
	handler, err := New(Options{
		Source: source,
		Authenticate: func(_ context.Context, token string, _ *http.Request) (Subject, error) {
			if token != "good" {
				return Subject{}, ErrUnauthorized
			}
			return Subject{User: "usr_1", Workspace: "wsp_1"}, nil
		},
	})
	if err != nil {
		panic(err)
	}
	server := httptest.NewServer(handler)
	defer server.Close()
	ctx := context.Background()
	client, _, err := websocket.Dial(ctx, server.URL, nil)
	if err != nil {
		panic(err)
	}
	for _, command := range []string{`{"id":1,"op":"auth","token":"good"}`, `{"id":2,"op":"subscribe","room":"/data/tbl_1"}`} {
		if err := client.Write(ctx, websocket.MessageText, []byte(command)); err != nil {
			panic(err)
		}
		_, reply, err := client.Read(ctx)
		if err != nil {
			panic(err)
		}
		fmt.Println(string(reply))
	}
	go func() { _, _, _ = client.Read(ctx) }() // takes part in the closing handshake
	fmt.Println(handler.Shutdown(ctx))
	// Output:
	// {"id":1,"ok":{"user":"usr_1","workspace":"wsp_1"}}
	// {"id":2,"ok":{"mode":"snapshot","epoch":"k1","offset":0}}
	// <nil>
}
