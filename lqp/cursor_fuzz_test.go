package lqp

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"
)

// FuzzCursor feeds the same bytes as a token to Open, which must refuse them, and as decrypted content to the reader
// behind it, which must survive them and read back what it accepts.
func FuzzCursor(f *testing.F) {
	key, err := NewCursorKey(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		f.Fatal(err)
	}
	scope, now := CursorScope{Principal: "usr_1", Workspace: "wsp_1", Policy: "1"}, time.Unix(1_000_000, 0)
	head := binary.AppendVarint(nil, now.Unix()+60)
	head = append(append(head, scope.Query[:]...), policyTag(scope.Policy)...)
	for _, values := range [][]Value{nil, {NullValue}, {IntValue(-5), TextValue("é"), BoolValue(true)}, {FloatValue(1.5), DateValue(19000), DateTimeValue(-1)}} {
		plain := append(bytes.Clone(head), 3, byte(len(values)))
		for _, v := range values {
			if plain, err = appendCursorValue(plain, v); err != nil {
				f.Fatal(err)
			}
		}
		f.Add(plain)
		token, err := key.Seal(Cursor{After: values}, scope, now)
		if err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(token[:len(token)-1]))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := key.Open(string(data), scope, now); err == nil {
			t.Fatal("opened a token nobody sealed")
		}
		c, err := readCursor(data, scope, now)
		if err != nil {
			return
		}
		token, err := key.Seal(c, scope, now.Add(time.Minute))
		if err != nil {
			t.Fatalf("seal what was read: %v", err)
		}
		back, err := key.Open(token, scope, now)
		if err != nil || back.Offset != c.Offset || len(back.After) != len(c.After) {
			t.Fatalf("another cursor: %v, %v", back, err)
		}
		for i := range c.After {
			if !Equal(c.After[i], back.After[i]) {
				t.Fatalf("another value: %v", back.After[i])
			}
		}
	})
}
