package mail

import (
	"bytes"
	"fmt"
	"mime"
	"mime/quotedprintable"
	netmail "net/mail"
	"strings"
	"time"
)

// Message is one plain text to one address. The zero Message cannot be sent: To is required.
type Message struct {
	// ID is the message's own, of letters, digits, "_" and "-". A message that is handed over again keeps it, so that a
	// receiver can tell a repeat.
	ID string
	// To is an address without a name.
	To string
	// Purpose says in one word what the message is for, for the log and the name of a file.
	Purpose string
	Subject string // one line
	Text    string // lines ended by \n
	Date    time.Time
}

// Sender is an address that messages come from, perhaps with a name: "Live Tables <noreply@example.com>".
type Sender struct{ address netmail.Address }

// ParseSender reads a sender from configuration.
func ParseSender(text string) (Sender, error) {
	a, err := netmail.ParseAddress(text)
	if err != nil {
		return Sender{}, fmt.Errorf("sender %q: not an address such as Live Tables <noreply@example.com>", text)
	}
	if !plain(a.Address) || strings.ContainsFunc(a.Name, isControl) {
		return Sender{}, fmt.Errorf("sender %q: only plain addresses are possible", text)
	}
	return Sender{*a}, nil
}

// domain is the part of the sender's address that message ids end with.
func (s Sender) domain() string {
	_, domain, _ := strings.Cut(s.address.Address, "@")
	return domain
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// plain reports whether an address can stand in a header and in a command of SMTP as it is.
func plain(address string) bool {
	local, domain, ok := strings.Cut(address, "@")
	return ok && local != "" && domain != "" && len(address) <= 254 &&
		!strings.ContainsFunc(address, func(r rune) bool { return isControl(r) || strings.ContainsRune(" \"(),:;<>[\\]", r) }) &&
		!strings.Contains(domain, "@")
}

// encode writes the message as RFC 5322 has it: ASCII, with CRLF at the end of lines, the text quoted-printable.
func (m Message) encode(from Sender) ([]byte, error) {
	if !plain(m.To) {
		return nil, fmt.Errorf("message %s: the recipient is not a plain address", m.ID)
	}
	if m.ID == "" || strings.ContainsFunc(m.ID, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("<>@\"", r) }) ||
		strings.ContainsFunc(m.Subject, isControl) {
		return nil, fmt.Errorf("message %s: id or subject is not one plain line", m.ID)
	}
	var b bytes.Buffer
	for _, h := range [][2]string{
		{"From", from.address.String()},
		{"To", "<" + m.To + ">"},
		{"Subject", mime.QEncoding.Encode("utf-8", m.Subject)},
		{"Date", m.Date.UTC().Format(time.RFC1123Z)},
		{"Message-ID", "<" + m.ID + "@" + from.domain() + ">"},
		{"MIME-Version", "1.0"},
		{"Content-Type", "text/plain; charset=utf-8"},
		{"Content-Transfer-Encoding", "quoted-printable"},
		// Nobody's absence note should answer it (RFC 3834, section 5).
		{"Auto-Submitted", "auto-generated"},
	} {
		b.WriteString(h[0] + ": " + h[1] + "\r\n")
	}
	b.WriteString("\r\n")
	w := quotedprintable.NewWriter(&b)
	if _, err := w.Write([]byte(strings.ReplaceAll(m.Text, "\n", "\r\n"))); err != nil {
		return nil, fmt.Errorf("message %s: %w", m.ID, err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("message %s: %w", m.ID, err)
	}
	return b.Bytes(), nil
}
