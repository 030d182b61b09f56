package mail

import (
	"bytes"
	netmail "net/mail"
	"strings"
	"testing"
)

// FuzzMessage looks for a message that gets headers of its own or another recipient.
func FuzzMessage(f *testing.F) {
	for _, seed := range [][4]string{
		{"mal_1", "ann@example.com", "Hello", "text\n"}, {"a", "a@b\r\nBcc: c@d", "x", ""}, {"a", "a@b", "x\r\n\r\nbody", ".\r\n"},
		{"a>", "a@b,c@d", "=?utf-8?q?x?=", "\x00"}, {"é", "é@example.com", "\u2028", "\r"}, {"a", "a@b@c", "x\x00", strings.Repeat("=", 200)},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3])
	}
	from, err := ParseSender("Live Tables <tables@example.com>")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, id, to, subject, text string) {
		raw, err := Message{ID: id, To: to, Subject: subject, Text: text, Date: date}.encode(from)
		if err != nil {
			return
		}
		head, _, ok := bytes.Cut(raw, []byte("\r\n\r\n"))
		if !ok || bytes.Contains(bytes.ReplaceAll(raw, []byte("\r\n"), nil), []byte("\n")) {
			t.Fatalf("lines do not end as they must: %q", raw)
		}
		m, err := netmail.ReadMessage(bytes.NewReader(raw))
		if err != nil {
			t.Fatalf("%v: %q", err, head)
		}
		if len(m.Header) != 9 {
			t.Fatalf("%d headers: %q", len(m.Header), head)
		}
		if got := m.Header["To"]; len(got) != 1 || got[0] != "<"+to+">" {
			t.Fatalf("to %q: %q", to, got)
		}
	})
}
