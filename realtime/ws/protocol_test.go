package ws

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	subscribe1 = `{"id":2,"op":"subscribe","room":"/data/tbl_1"}`
	frame1     = `{"room":"/data/tbl_1","event":"data:update","epoch":"k1","offset":%d,"at":"2026-03-01T12:00:00.005Z","data":%s}`
)

func TestProtocol(t *testing.T) {
	f := newFixture(t, Limits{}, nil)
	f.set(func() {
		s := f.subjects["ann"]
		s.ExpiresAt = time.Date(2126, 3, 1, 12, 10, 0, 0, time.UTC)
		f.subjects["ann"] = s
	})
	f.rooms.add("/data/tbl_1", `{"ops":[1]}`)
	c := f.dial()
	c.ask(`{"id":1,"op":"auth","token":"ann"}`,
		`{"id":1,"ok":{"user":"usr_ann","workspace":"wsp_1","expires_at":"2126-03-01T12:10:00Z"}}`)
	c.ask(subscribe1, `{"id":2,"ok":{"mode":"snapshot","epoch":"k1","offset":1}}`)
	f.rooms.add("/data/tbl_1", `{"ops":[2]}`, `{"ops":[3]}`)
	c.want(fmt.Sprintf(frame1, 2, `{"ops":[2]}`))
	c.want(fmt.Sprintf(frame1, 3, `{"ops":[3]}`))

	c.send(`{"op":"ack","room":"/data/tbl_1","offset":3}`) // answered only when asked for
	c.ask(`{"id":9,"op":"ack","room":"/data/tbl_1","offset":2,"epoch":"k1"}`, `{"id":9,"ok":{}}`)
	c.ask(`{"id":9,"op":"ack","room":"/data/tbl_1","offset":4}`, `{"id":9,"err":{"code":"bad_request","message":"no frame with this position was sent"}}`)
	c.ask(`{"id":9,"op":"ack","room":"/data/tbl_1","offset":2,"epoch":"k2"}`, `{"id":9,"err":{"code":"bad_request","message":"no frame with this position was sent"}}`)
	c.ask(`{"op":"ack","room":"/data/tbl_2","offset":1}`, `{"err":{"code":"not_found","message":"not subscribed to this room"}}`)

	// Again, from the client's own position: the room's frames come once.
	c.ask(`{"id":3,"op":"subscribe","room":"/data/tbl_1","since":{"epoch":"k1","offset":1,"pos":"x"},"params":{},"have":{}}`,
		`{"id":3,"ok":{"mode":"replay","epoch":"k1","offset":1}}`)
	c.want(fmt.Sprintf(frame1, 2, `{"ops":[2]}`))
	c.want(fmt.Sprintf(frame1, 3, `{"ops":[3]}`))
	f.rooms.add("/data/tbl_1", `{"ops":[4]}`)
	c.want(fmt.Sprintf(frame1, 4, `{"ops":[4]}`))
	require.EqualValues(t, 1, f.rooms.open.Load())

	c.ask(`{"id":4,"op":"unsubscribe","room":"/data/tbl_1"}`, `{"id":4,"ok":{}}`)
	require.Zero(t, f.rooms.open.Load())
	f.rooms.add("/data/tbl_1", `{"ops":[5]}`)
	c.ask(`{"id":5,"op":"unsubscribe","room":"/data/tbl_1"}`, `{"id":5,"err":{"code":"not_found","message":"not subscribed to this room"}}`)
	c.send(`{"op":"ping"}`)
	got, err := c.read()
	require.NoError(t, err)
	require.Regexp(t, `^\{"ok":\{"at":"20.*Z"\}\}$`, got)

	// Positions that the log no longer has, or never had.
	for _, since := range []string{`{"epoch":"k0","offset":1}`, `{"epoch":"k1","offset":99}`} {
		c.ask(`{"id":6,"op":"subscribe","room":"/data/tbl_1","since":`+since+`}`, `{"id":6,"ok":{"mode":"snapshot","epoch":"k1","offset":5}}`)
	}
	require.NoError(t, c.socket.Close(1000, ""))
	f.gone()
}

func TestRoomsThatAreNone(t *testing.T) {
	f := newFixture(t, Limits{Burst: 1000}, nil)
	c := f.login("ann")
	f.rooms.mu.Lock()
	f.rooms.byID["/data/tbl_2"].denied["usr_ann"] = true
	f.rooms.mu.Unlock()
	for _, room := range []string{
		"/data/", "/data/tbl_9", "/data/tbl_2", "/view/viw_1", "/presence/tbl_1", "data/tbl_1", "/data/tbl_1/x", "/data/../x",
		"/data/tbl 1", "/data/t\u00e9", "/", "/data/" + strings.Repeat("x", 65), "/data/tbl_1?x=1", "/data/%2e",
	} {
		c.ask(fmt.Sprintf(`{"id":1,"op":"subscribe","room":%q}`, room), `{"id":1,"err":{"code":"not_found","message":"no such room"}}`)
	}
	for _, bad := range []string{
		`{"id":1,"op":"subscribe"}`, `{"id":1,"op":"subscribe","room":""}`,
		`{"id":1,"op":"subscribe","room":"/data/tbl_1","since":{"epoch":"","offset":1}}`,
		`{"id":1,"op":"subscribe","room":"/data/tbl_1","since":{"epoch":"k1","offset":-1}}`,
		`{"id":1,"op":"subscribe","room":"/data/tbl_1","window":{"limit":100}}`,
		`{"id":1,"op":"subscribe","room":"/data/tbl_1","params":{"a":1}}`,
		`{"id":1,"op":"subscribe","room":"/data/tbl_1","have":{"row_1":"h"}}`,
	} {
		c.send(bad)
		got, err := c.read()
		require.NoError(t, err)
		require.Contains(t, got, `"id":1,"err":{"code":"bad_request"`, bad)
	}
}

func TestSourceErrorsBecomeCodes(t *testing.T) {
	secret := errors.New("pq: secret host db.internal")
	for _, test := range []struct {
		err  error
		code string
	}{
		{ErrNotFound, "not_found"}, {ErrForbidden, "forbidden"}, {ErrUnrecoverable, "unrecoverable_position"},
		{ErrSchemaChanged, "schema_changed"}, {ErrUnavailable, "source_unavailable"}, {ErrOverloaded, "overloaded"},
		{ErrUnauthorized, "unauthorized"}, {nil, "internal"}, {context.DeadlineExceeded, "source_unavailable"},
	} {
		t.Run(test.code, func(t *testing.T) {
			err := errors.Join(secret, test.err)
			f := newFixture(t, Limits{Subscribe: 50 * time.Millisecond}, nil)
			c := f.login("ann")
			c.ask(subscribe1, `{"id":2,"ok":{"mode":"snapshot","epoch":"k1","offset":0}}`)
			f.rooms.mu.Lock()
			f.rooms.fail = err
			f.rooms.mu.Unlock()
			c.send(`{"id":3,"op":"subscribe","room":"/data/tbl_1"}`)
			got, rerr := c.read()
			require.NoError(t, rerr)
			require.Contains(t, got, `{"id":3,"err":{"code":"`+test.code+`"`)
			require.NotContains(t, got, "secret")
			f.rooms.add("/data/tbl_1", `{"ops":[1]}`)
			c.want(fmt.Sprintf(frame1, 1, `{"ops":[1]}`)) // the earlier subscription goes on
			f.rooms.end("/data/tbl_1", err)
			got, rerr = c.read()
			require.NoError(t, rerr)
			require.Contains(t, got, `{"room":"/data/tbl_1","event":"error","data":{"code":"`+test.code+`"`)
			require.NotContains(t, got, "secret")
			c.ask(`{"id":4,"op":"unsubscribe","room":"/data/tbl_1"}`, `{"id":4,"err":{"code":"not_found","message":"not subscribed to this room"}}`)
			f.set(func() { require.Equal(t, test.code == "internal", strings.Contains(f.log.String(), "secret")) })
		})
	}
}

// TestRevokedRoom: what waits to be sent when access is revoked is not sent, whether the stream can tell of it at any time
// or only in Next.
func TestRevokedRoom(t *testing.T) {
	for name, plain := range map[string]bool{"revocable": false, "plain": true} {
		t.Run(name, func(t *testing.T) {
			// The queue has a place for more, so that the stream is asked on.
			f := newFixture(t, Limits{Queue: 256 << 20, FrameOut: 8 << 20}, nil)
			f.rooms.plain = plain
			c := f.login("ann")
			c.ask(subscribe1, `{"id":2,"ok":{"mode":"snapshot","epoch":"k1","offset":0}}`)
			big := `"` + strings.Repeat("x", 4<<20) + `"` // more than the network takes at once
			for range 8 {
				f.rooms.add("/data/tbl_1", big)
			}
			time.Sleep(100 * time.Millisecond)
			if plain {
				f.rooms.end("/data/tbl_1", ErrRevoked)
			} else {
				f.rooms.revoke()
			}
			time.Sleep(50 * time.Millisecond)
			c.send(`{"id":3,"op":"unsubscribe","room":"x"}`)
			frames := 0
			for {
				got, err := c.read()
				require.NoError(t, err)
				if strings.HasPrefix(got, `{"id":3`) {
					break
				}
				if strings.Contains(got, `"event":"error"`) {
					require.JSONEq(t, `{"room":"/data/tbl_1","event":"error","data":{"code":"forbidden","message":"access was revoked"}}`, got)
					continue
				}
				frames++
			}
			require.Less(t, frames, 6)
		})
	}
}

func TestFrameTooLarge(t *testing.T) {
	f := newFixture(t, Limits{FrameOut: 1000}, nil)
	c := f.login("ann")
	c.ask(subscribe1, `{"id":2,"ok":{"mode":"snapshot","epoch":"k1","offset":0}}`)
	f.rooms.add("/data/tbl_1", `"`+strings.Repeat("x", 1000)+`"`)
	c.want(`{"room":"/data/tbl_1","event":"error","data":{"code":"too_large","message":"frame is too large"}}`)
}

func TestManyRoomsAndClients(t *testing.T) {
	f := newFixture(t, Limits{Burst: 1000, Rooms: 8}, nil)
	for i := range 9 {
		f.rooms.byID[fmt.Sprintf("/data/r%d", i)] = newRooms("x").byID["x"]
	}
	clients := []*client{f.login("ann"), f.login("ann"), f.login("bob")}
	for _, c := range clients {
		for i := range 8 {
			c.ask(fmt.Sprintf(`{"id":1,"op":"subscribe","room":"/data/r%d"}`, i), `{"id":1,"ok":{"mode":"snapshot","epoch":"k1","offset":0}}`)
		}
		c.ask(`{"id":1,"op":"subscribe","room":"/data/r8"}`, `{"id":1,"err":{"code":"too_large","message":"too many rooms on this connection"}}`)
		c.ask(`{"id":1,"op":"subscribe","room":"/data/r3"}`, `{"id":1,"ok":{"mode":"snapshot","epoch":"k1","offset":0}}`)
	}
	const each = 200
	for n := range each {
		for i := range 8 {
			f.rooms.add(fmt.Sprintf("/data/r%d", i), strconv.Itoa(n+1))
		}
	}
	for _, c := range clients {
		last := map[string]int{}
		for range 8 * each {
			got, err := c.read()
			require.NoError(t, err)
			var room string
			var offset, data int
			_, err = fmt.Sscanf(strings.NewReplacer(`"`, " ", ",", " ", "}", " ").Replace(got),
				"{ room : %s event : data:update epoch : k1 offset :%d at : 2026-03-01T12:00:00.005Z data :%d", &room, &offset, &data)
			require.NoError(t, err, got)
			require.Equal(t, last[room]+1, offset)
			require.Equal(t, offset, data)
			last[room] = offset
		}
		require.Len(t, last, 8)
	}
}
