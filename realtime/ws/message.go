package ws

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/realtime"
)

// command is a message from the client. Which members it may have depends on op.
type command struct {
	ID     *int64          `json:"id"`
	Op     string          `json:"op"`
	Token  *string         `json:"token"`
	Room   *string         `json:"room"`
	Since  *sincePosition  `json:"since"`
	Offset *int64          `json:"offset"`
	Epoch  *string         `json:"epoch"`
	Params json.RawMessage `json:"params"`
	Window json.RawMessage `json:"window"`
	Have   json.RawMessage `json:"have"`
}

// sincePosition is where a client was: the position of the last frame it has, with the pos that came with it.
type sincePosition struct {
	Epoch  string `json:"epoch"`
	Offset int64  `json:"offset"`
	Pos    string `json:"pos"`
}

// maxPos is the longest pos a client may send back, in bytes; sources make shorter ones.
const maxPos = 4096

// decodeCommand is strict: what the protocol does not know, the server does not guess at.
func decodeCommand(data []byte, limit int) (command, error) {
	var c command
	err := lqp.DecodeStrict(data, &c, lqp.StrictLimits{MaxBytes: limit, MaxDepth: 8, MaxItems: 2000, MaxNumber: 20})
	return c, err
}

// foreign names a member that does not belong to the command's op, "" when there is none.
func (c *command) foreign() string {
	members := []struct {
		name string
		set  bool
		ops  string
	}{
		{"token", c.Token != nil, "auth"},
		{"room", c.Room != nil, "subscribe unsubscribe ack"},
		{"since", c.Since != nil, "subscribe"},
		{"params", c.Params != nil, "subscribe"},
		{"window", c.Window != nil, "subscribe"},
		{"have", c.Have != nil, "subscribe"},
		{"offset", c.Offset != nil, "ack"},
		{"epoch", c.Epoch != nil, "ack"},
	}
	for _, m := range members {
		if m.set && !hasWord(m.ops, c.Op) {
			return m.name
		}
	}
	return ""
}

func hasWord(words, word string) bool {
	for len(words) > 0 {
		n := 0
		for n < len(words) && words[n] != ' ' {
			n++
		}
		if words[:n] == word {
			return true
		}
		words = words[min(n+1, len(words)):]
	}
	return false
}

func (c *command) roomName() string {
	if c.Room == nil {
		return ""
	}
	return *c.Room
}

// empty reports whether a member is absent or says nothing: null, {} or [].
func empty(raw json.RawMessage) bool {
	switch string(raw) {
	case "", "null", "{}", "[]":
		return true
	}
	return false
}

func appendText(dst []byte, s string) []byte {
	v := lqp.TextValue(s)
	if v.IsNull() { // not valid UTF-8: a source's mistake that must not break the message
		return append(dst, `""`...)
	}
	return v.AppendJSON(dst)
}

// appendReply begins a reply: {"id":7, or { when the command had no id.
func appendReply(dst []byte, id *int64) []byte {
	dst = append(dst, '{')
	if id != nil {
		dst = append(dst, `"id":`...)
		dst = strconv.AppendInt(dst, *id, 10)
		dst = append(dst, ',')
	}
	return dst
}

func okEmpty(id *int64) []byte { return append(appendReply(nil, id), `"ok":{}}`...) }

func okSubscribed(id *int64, mode string, at realtime.Position) []byte {
	dst := append(appendReply(nil, id), `"ok":{"mode":`...)
	dst = appendText(dst, mode)
	return append(appendPosition(dst, at), "}}"...)
}

// appendPosition appends the members of a position behind others.
func appendPosition(dst []byte, at realtime.Position) []byte {
	dst = append(dst, `,"epoch":`...)
	dst = appendText(dst, at.Epoch)
	dst = append(dst, `,"offset":`...)
	dst = strconv.AppendInt(dst, at.Offset, 10)
	if at.Pos != "" {
		dst = append(dst, `,"pos":`...)
		dst = appendText(dst, at.Pos)
	}
	return dst
}

func okAuth(id *int64, s Subject) []byte {
	dst := append(appendReply(nil, id), `"ok":{"user":`...)
	dst = appendText(dst, s.User)
	dst = append(dst, `,"workspace":`...)
	dst = appendText(dst, s.Workspace)
	if !s.ExpiresAt.IsZero() {
		dst = append(dst, `,"expires_at":`...)
		dst = appendTime(dst, s.ExpiresAt)
	}
	return append(dst, "}}"...)
}

func okPing(id *int64, now time.Time) []byte {
	dst := append(appendReply(nil, id), `"ok":{"at":`...)
	return append(appendTime(dst, now), "}}"...)
}

func errReply(id *int64, code, message string, retry time.Duration) []byte {
	dst := append(appendReply(nil, id), `"err":`...)
	return append(appendError(dst, code, message, retry), '}')
}

func appendError(dst []byte, code, message string, retry time.Duration) []byte {
	dst = append(dst, `{"code":`...)
	dst = appendText(dst, code)
	dst = append(dst, `,"message":`...)
	dst = appendText(dst, message)
	if retry > 0 {
		dst = append(dst, `,"retry_after_ms":`...)
		dst = strconv.AppendInt(dst, retry.Milliseconds()+1, 10)
	}
	return append(dst, '}')
}

// roomError is the last frame of a room that ends on the server's side.
func roomError(room, code, message string) []byte {
	dst := append([]byte(nil), `{"room":`...)
	dst = appendText(dst, room)
	dst = append(dst, `,"event":"error","data":`...)
	return append(appendError(dst, code, message, 0), '}')
}

func expiringFrame(at time.Time) []byte {
	dst := append([]byte(nil), `{"event":"auth:expiring","data":{"expires_at":`...)
	return append(appendTime(dst, at), "}}"...)
}

func appendTime(dst []byte, t time.Time) []byte {
	dst = append(dst, '"')
	dst = t.UTC().AppendFormat(dst, "2006-01-02T15:04:05.999Z")
	return append(dst, '"')
}

func encodeFrame(room string, f Frame) []byte {
	dst := make([]byte, 0, len(room)+len(f.Pos)+len(f.Data)+160)
	dst = append(dst, `{"room":`...)
	dst = appendText(dst, room)
	dst = append(dst, `,"event":`...)
	dst = appendText(dst, f.Event)
	dst = appendPosition(dst, f.Position)
	dst = append(dst, `,"at":`...)
	dst = appendTime(dst, f.At)
	if f.More {
		dst = append(dst, `,"more":true`...)
	}
	dst = append(dst, `,"data":`...)
	if len(f.Data) == 0 {
		dst = append(dst, "null"...)
	}
	dst = append(dst, f.Data...)
	return append(dst, '}')
}
