package mail

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/cmd/livetablesd/internal/mail/mailtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func sender(t testing.TB) Sender {
	t.Helper()
	s, err := ParseSender("Live Täbles <noreply@example.com>")
	require.NoError(t, err)
	return s
}

var date = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func letter(id string) Message {
	return Message{ID: id, To: "ann@example.net", Purpose: "invite", Subject: "Grüße, come in", Text: "Hello é\n.\n..dots\nFrom here\n" + strings.Repeat("long ", 300) + "\n", Date: date}
}

// options connect to a server of the test, which a guard without rules would refuse.
func options(t testing.TB, s *mailtest.Server, change func(*SMTPOptions)) SMTPOptions {
	t.Helper()
	guard, err := livetables.NewAddressGuard([]string{"127.0.0.1"})
	require.NoError(t, err)
	o := SMTPOptions{Server: s.Address(), From: sender(t), Dial: guard.DialContext, Plain: guard.Lists, RootCAs: s.Roots(), Timeout: 5 * time.Second}
	if change != nil {
		change(&o)
	}
	return o
}

func newSMTP(t testing.TB, o SMTPOptions) *SMTP {
	t.Helper()
	m, err := NewSMTP(o)
	require.NoError(t, err)
	return m
}

func TestSMTPDelivers(t *testing.T) {
	for name, test := range map[string]struct {
		server func(*mailtest.Server)
		change func(*SMTPOptions)
		tls    bool
	}{
		"STARTTLS":     {tls: true},
		"implicit TLS": {server: func(s *mailtest.Server) { s.Implicit = true }, change: func(o *SMTPOptions) { o.TLS = ImplicitTLS }, tls: true},
		"with a password": {server: func(s *mailtest.Server) { s.User, s.Password = "mailer", "p w" },
			change: func(o *SMTPOptions) { o.User, o.Password = "mailer", livetables.NewSecret("p w") }, tls: true},
		"no TLS to an allowed server": {server: func(s *mailtest.Server) { s.NoStartTLS = true }, change: func(o *SMTPOptions) { o.TLS = NoTLS }},
	} {
		t.Run(name, func(t *testing.T) {
			s := mailtest.New(t)
			if test.server != nil {
				test.server(s)
			}
			s.Start()
			m := newSMTP(t, options(t, s, test.change))
			require.NoError(t, m.Send(t.Context(), letter("mal_1")))
			got := s.Letters()
			require.Len(t, got, 1)
			require.Equal(t, "noreply@example.com", got[0].From)
			require.Equal(t, "ann@example.net", got[0].To)
			require.Equal(t, letter("").Text, got[0].Text)
			require.Equal(t, "Grüße, come in", got[0].Subject())
			require.Equal(t, "<mal_1@example.com>", got[0].Header.Get("Message-ID"))
			require.Equal(t, "auto-generated", got[0].Header.Get("Auto-Submitted"))
			require.Equal(t, test.tls, got[0].TLS)
			require.Equal(t, m.options.User, got[0].User)
		})
	}
}

// TestSMTPFailures tells what is the server's fault from what is the message's.
func TestSMTPFailures(t *testing.T) {
	on := func(verb, reply string) func(*mailtest.Server) {
		return func(s *mailtest.Server) {
			s.Reply = func(command string) string {
				if strings.HasPrefix(command, verb) {
					return reply
				}
				return ""
			}
		}
	}
	for _, test := range []struct {
		name        string
		server      func(*mailtest.Server)
		change      func(*SMTPOptions)
		unavailable bool
	}{
		{"no STARTTLS", func(s *mailtest.Server) { s.NoStartTLS = true }, nil, true},
		{"an unknown certificate", nil, func(o *SMTPOptions) { o.RootCAs = nil }, true},
		{"closed at once", on("CONNECT", "close"), nil, true},
		{"not in the mood", on("CONNECT", "554 no"), nil, true},
		{"wrong password", func(s *mailtest.Server) { s.User, s.Password = "a", "b" },
			func(o *SMTPOptions) { o.User, o.Password = "a", livetables.NewSecret("c") }, true},
		{"endless greeting", on("CONNECT", strings.Repeat("220-x\r\n", 100_000)), nil, true},
		{"endless line", on("CONNECT", strings.Repeat("2", 1<<20)), nil, true},
		{"shutting down", on("MAIL", "421 later"), nil, true},
		{"unknown recipient", on("RCPT", "550 5.1.1 nobody"), nil, false},
		{"later", on("RCPT", "451 4.7.1 later"), nil, false},
		{"refused text", on(".", "554 5.7.1 spam"), nil, false},
		{"closed at the end", on(".", "close"), nil, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := mailtest.New(t)
			if test.server != nil {
				test.server(s)
			}
			s.Start()
			err := newSMTP(t, options(t, s, test.change)).Send(t.Context(), letter("mal_1"))
			require.Error(t, err)
			require.Equal(t, test.unavailable, errors.Is(err, ErrUnavailable), "%v", err)
			require.Less(t, len(err.Error()), 500)
			require.Empty(t, s.Letters())
		})
	}
	t.Run("down and up again", func(t *testing.T) {
		s := mailtest.New(t).Start()
		m := newSMTP(t, options(t, s, nil))
		s.Stop()
		require.ErrorIs(t, m.Send(t.Context(), letter("mal_1")), ErrUnavailable)
		s.Start()
		require.NoError(t, m.Send(t.Context(), letter("mal_1")))
	})
	t.Run("silent", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close()
		o := options(t, mailtest.New(t), func(o *SMTPOptions) { o.Server, o.Timeout = l.Addr().String(), 100*time.Millisecond })
		began := time.Now()
		require.ErrorIs(t, newSMTP(t, o).Send(t.Context(), letter("mal_1")), ErrUnavailable)
		require.Less(t, time.Since(began), 3*time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, newSMTP(t, o).Send(ctx, letter("mal_1")), ErrUnavailable)
	})
}

// TestAttack67MailServerInside points the mail server at internal addresses: nothing is sent to them, not even a SYN that
// a listener would see.
func TestAttack67MailServerInside(t *testing.T) {
	s := mailtest.New(t).Start()
	_, port, err := net.SplitHostPort(s.Address())
	require.NoError(t, err)
	guard, err := livetables.NewAddressGuard(nil)
	require.NoError(t, err)
	for _, host := range []string{"127.0.0.1", "localhost", "0.0.0.0", "::ffff:127.0.0.1", "169.254.169.254", "10.0.0.5", "127.1"} {
		m := newSMTP(t, SMTPOptions{Server: net.JoinHostPort(host, port), From: sender(t), Dial: guard.DialContext, Plain: guard.Lists, RootCAs: s.Roots(), Timeout: 5 * time.Second})
		require.ErrorIs(t, m.Send(t.Context(), letter("mal_1")), ErrUnavailable, host)
	}
	require.Zero(t, s.Opened())
}

func TestSMTPOptions(t *testing.T) {
	s := mailtest.New(t).Start()
	for name, change := range map[string]func(*SMTPOptions){
		"no port":              func(o *SMTPOptions) { o.Server = "mail.example.com" },
		"bad port":             func(o *SMTPOptions) { o.Server = "mail.example.com:smtp" },
		"no host":              func(o *SMTPOptions) { o.Server = ":25" },
		"no TLS, not listed":   func(o *SMTPOptions) { o.Server, o.TLS = "mail.example.com:25", NoTLS },
		"no TLS, no list":      func(o *SMTPOptions) { o.Plain, o.TLS = nil, NoTLS },
		"password without TLS": func(o *SMTPOptions) { o.TLS, o.User, o.Password = NoTLS, "a", livetables.NewSecret("b") },
		"user without secret":  func(o *SMTPOptions) { o.User = "a" },
		"unknown mode":         func(o *SMTPOptions) { o.TLS = "opportunistic" },
		"no sender":            func(o *SMTPOptions) { o.From = Sender{} },
		"no dialer":            func(o *SMTPOptions) { o.Dial = nil },
	} {
		_, err := NewSMTP(options(t, s, change))
		require.Error(t, err, name)
	}
	for _, bad := range []string{"", "x", "a@b, c@d", "a@b\r\nBcc: c@d", "\"a b\"@example.com", "<a@b"} {
		_, err := ParseSender(bad)
		require.Error(t, err, bad)
	}
}

// TestNoHeaderOfTheirOwn tries to put headers and commands into a message.
func TestNoHeaderOfTheirOwn(t *testing.T) {
	s := mailtest.New(t).Start()
	m := newSMTP(t, options(t, s, nil))
	for name, change := range map[string]func(*Message){
		"line in the address": func(m *Message) { m.To = "a@b\r\nRCPT TO:<c@d>" },
		"two addresses":       func(m *Message) { m.To = "a@b,c@d" },
		"brackets":            func(m *Message) { m.To = "a@b> NOTIFY=NEVER <" },
		"no address":          func(m *Message) { m.To = "ann" },
		"line in the subject": func(m *Message) { m.Subject = "x\r\nBcc: c@d" },
		"bare LF":             func(m *Message) { m.Subject = "x\nBcc: c@d" },
		"no id":               func(m *Message) { m.ID = "" },
		"id with brackets":    func(m *Message) { m.ID = "a>\r\nX: y" },
	} {
		bad := letter("mal_1")
		change(&bad)
		err := m.Send(t.Context(), bad)
		require.Error(t, err, name)
		require.NotErrorIs(t, err, ErrUnavailable, name)
	}
	require.Zero(t, s.Opened())
	dotted := letter("mal_2")
	dotted.Text = "a\n.\nQUIT\n\n.\r\n"
	require.NoError(t, m.Send(t.Context(), dotted))
	require.Len(t, s.Letters(), 1)
	require.Contains(t, s.Letters()[0].Text, "QUIT")
}

func TestOutbox(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mail")
	require.NoError(t, os.Mkdir(dir, 0o755))
	var log bytes.Buffer
	o, err := OpenOutbox(dir, sender(t), slog.New(slog.NewTextHandler(&log, nil)))
	require.NoError(t, err)
	info, err := os.Stat(dir)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())

	m := letter("mal_1")
	m.Text = "token-in-the-text"
	require.NoError(t, o.Send(t.Context(), m))
	require.NoError(t, o.Send(t.Context(), m), "a repeat replaces")
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	require.Equal(t, []string{filepath.Join(dir, "20260301T120000.000-invite-mal_1.eml")}, files)
	info, err = os.Stat(files[0])
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	raw, err := os.ReadFile(files[0])
	require.NoError(t, err)
	got, err := mailtest.Parse(raw)
	require.NoError(t, err)
	require.Equal(t, "token-in-the-text", got.Text)
	require.Contains(t, log.String(), files[0])
	require.Contains(t, log.String(), "ann@example.net")
	require.NotContains(t, log.String(), "token-in-the-text")

	escape := letter("../../x")
	escape.Purpose = "../y"
	require.NoError(t, o.Send(t.Context(), escape))
	require.FileExists(t, filepath.Join(dir, "20260301T120000.000-___y-______x.eml"))

	// Only the latest thousand stay, for a week.
	require.NoError(t, os.Chtimes(files[0], date, date))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "notes.txt"), nil, 0o600))
	for i := range outboxFiles + 5 {
		require.NoError(t, os.WriteFile(filepath.Join(dir, date.AddDate(1, 0, 0).Add(time.Duration(i)*time.Second).Format("20060102T150405.000")+"-x.eml"), nil, 0o600))
	}
	require.NoError(t, o.Send(t.Context(), Message{ID: "mal_9", To: "a@b", Date: date.AddDate(2, 0, 0)}))
	left, err := filepath.Glob(filepath.Join(dir, "*.eml"))
	require.NoError(t, err)
	require.Len(t, left, outboxFiles)
	require.NoFileExists(t, files[0])
	require.FileExists(t, filepath.Join(dir, "notes.txt"))
	require.Contains(t, left[len(left)-1], "mal_9")

	require.NoError(t, os.RemoveAll(dir))
	require.ErrorIs(t, o.Send(t.Context(), m), ErrUnavailable)
}
