package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/cmd/livetablesd/internal/mail"
	"github.com/livetables/livetables/cmd/livetablesd/internal/mail/mailtest"
	"github.com/livetables/livetables/rbac"
)

func median(list []time.Duration) time.Duration {
	slices.Sort(list)
	return list[len(list)/2]
}

func someScope() rbac.Scope { return rbac.Scope{Actions: []rbac.Action{rbac.ReadData}} }

// smtpTo is a mailer that hands over to a server of the test.
func smtpTo(t *testing.T, s *mailtest.Server) mail.Mailer {
	t.Helper()
	from, err := mail.ParseSender("tables@example.com")
	require.NoError(t, err)
	guard, err := livetables.NewAddressGuard([]string{"127.0.0.1"})
	require.NoError(t, err)
	m, err := mail.NewSMTP(mail.SMTPOptions{Server: s.Address(), From: from, Dial: guard.DialContext, RootCAs: s.Roots(), Timeout: 5 * time.Second})
	require.NoError(t, err)
	return m
}

// TestMailServerDownAndUp: requests do not wait for the mail server, and nothing is lost while it is down or the service
// is closed.
func TestMailServerDownAndUp(t *testing.T) {
	server := mailtest.New(t).Start()
	f := newFixture(t, nil)
	admin := f.root()
	const people = 20
	for i := range people {
		f.user(admin, fmt.Sprintf("p%d@example.com", i))
	}
	server.Stop()
	began := time.Now()
	for i := range people {
		require.NoError(t, f.RequestReset(t.Context(), fmt.Sprintf("p%d@example.com", i), home))
	}
	require.Less(t, time.Since(began), 5*time.Second)
	mailer := smtpTo(t, server)
	for range 10 { // more often than a message may be refused
		require.ErrorIs(t, f.deliverDue(t.Context(), mailer), mail.ErrUnavailable)
	}
	counts, err := f.MailCounts(t.Context())
	require.NoError(t, err)
	require.Equal(t, MailCounts{Waiting: people}, counts)

	g := f.another() // as after a restart
	server.Start()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- g.RunMail(ctx, mailer) }()
	require.Eventually(t, func() bool { return len(server.Letters()) == people }, 20*time.Second, 10*time.Millisecond)
	cancel()
	require.NoError(t, <-ended)
	seen := map[string]bool{}
	for _, l := range server.Letters() {
		require.True(t, l.TLS)
		seen[l.To] = true
		token := tokenLine.FindStringSubmatch(l.Text)
		require.NotNil(t, token)
		require.NoError(t, f.ConfirmReset(t.Context(), livetables.NewSecret(token[1]), newPassword, home))
	}
	require.Len(t, seen, people)
}

// TestRunMailWaits: the runner tries again by itself, and is woken by a new mail.
func TestRunMailWaits(t *testing.T) {
	server := mailtest.New(t).Start()
	f := newFixture(t, func(o *Options) { o.Clock = time.Now })
	f.user(f.root(), "ann@example.com")
	mailer := smtpTo(t, server)
	server.Stop()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.RunMail(ctx, mailer) }()
	require.NoError(t, f.RequestReset(t.Context(), "ann@example.com", home))
	time.Sleep(100 * time.Millisecond)
	server.Start()
	require.Eventually(t, func() bool { return len(server.Letters()) == 1 }, 10*time.Second, 10*time.Millisecond)
	require.NoError(t, f.RequestReset(t.Context(), "ann@example.com", home))
	require.Eventually(t, func() bool { return len(server.Letters()) == 2 }, 5*time.Second, 10*time.Millisecond, "woken")
	cancel()
	require.NoError(t, <-ended)
}

// TestPoisonMail: a message that is always refused is given up after five tries; the others pass it.
func TestPoisonMail(t *testing.T) {
	f := newFixture(t, nil)
	admin := f.root()
	bad, good := f.user(admin, "bad@example.com"), f.user(admin, "good@example.com")
	tries := 0
	box := &postbox{fail: func(m mail.Message) error {
		if m.To == bad.Email {
			tries++
			return errors.New("550 no such user")
		}
		return nil
	}}
	who := f.verify(f.login(bad.Email))
	require.NoError(t, f.RequestVerification(t.Context(), who))
	require.NoError(t, f.RequestReset(t.Context(), good.Email, home))
	require.Len(t, f.deliver(box), 1, "the other mail is not kept waiting")
	for range 20 {
		f.clock.Step(time.Hour)
		require.Empty(t, f.deliver(box))
	}
	require.Equal(t, 5, tries)
	counts, err := f.MailCounts(t.Context())
	require.NoError(t, err)
	require.Equal(t, MailCounts{Failed: 1}, counts)
	require.Contains(t, f.log.String(), "mail given up")
	f.clock.Step(8 * 24 * time.Hour)
	require.Empty(t, f.deliver(box))
	require.Zero(t, f.count("auth_mail", everyRow), "forgotten at last")
	require.Zero(t, f.count("auth_mail_token", everyRow))
}

// TestMailSentAgain: a mail that may have arrived before carries the same token the second time.
func TestMailSentAgain(t *testing.T) {
	f := newFixture(t, nil)
	f.user(f.root(), "ann@example.com")
	require.NoError(t, f.RequestReset(t.Context(), "ann@example.com", home))
	var first mail.Message
	box := &postbox{fail: func(m mail.Message) error { first = m; return errors.New("connection lost after DATA") }}
	require.Empty(t, f.deliver(box))
	box.fail = nil
	require.Empty(t, f.deliver(box), "not at once")
	f.clock.Step(20 * time.Minute)
	again := f.deliver(box)
	require.Len(t, again, 1)
	require.Equal(t, first, again[0])
	f.clock.Step(20 * time.Minute) // the half hour counts from the last time
	require.NoError(t, f.ConfirmReset(t.Context(), tokenIn(t, first), newPassword, home))
}

// TestMailOfADeadProcess: what a process was sending when it died is sent by the next one, at once.
func TestMailOfADeadProcess(t *testing.T) {
	f := newFixture(t, nil)
	f.user(f.root(), "ann@example.com")
	require.NoError(t, f.RequestReset(t.Context(), "ann@example.com", home))
	q, _, err := f.claimMail(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, q.id)
	require.Empty(t, f.deliver(&postbox{}), "it is somebody's")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	box := &postbox{}
	go func() { ended <- f.another().RunMail(ctx, box) }()
	require.Eventually(t, func() bool { return len(box.take()) == 1 }, 5*time.Second, time.Millisecond)
	cancel()
	require.NoError(t, <-ended)
}

// TestLateMail: what could not be sent in time is not sent.
func TestLateMail(t *testing.T) {
	f := newFixture(t, nil)
	u := f.user(f.root(), "ann@example.com")
	who := f.verify(f.login(u.Email))
	require.NoError(t, f.RequestReset(t.Context(), u.Email, home))
	require.NoError(t, f.RequestVerification(t.Context(), who))
	f.clock.Step(2 * time.Hour)
	got := f.deliver(&postbox{})
	require.Len(t, got, 1)
	require.Equal(t, mailAddress, got[0].Purpose)
}

func TestFullMailQueue(t *testing.T) {
	f := newFixture(t, nil)
	u := f.user(f.root(), "ann@example.com")
	who := f.verify(f.login(u.Email))
	f.fill(maxMailsWaiting)
	require.NoError(t, f.RequestReset(t.Context(), u.Email, home), "the same answer")
	require.Contains(t, f.log.String(), "dropped")
	require.ErrorIs(t, f.RequestVerification(t.Context(), who), ErrBusy)
	_, err := f.CreateInvite(t.Context(), who, NewInvite{Workspace: "wsp_1", Email: "x@example.com", Role: "viewer"}, home)
	require.ErrorIs(t, err, ErrBusy)
	require.Zero(t, f.count("auth_invite", everyRow), "no invite without its mail")
	require.EqualValues(t, maxMailsWaiting, f.count("auth_mail", everyRow))
}

// TestMailsOfOneAccount: one account does not send mails to the whole world.
func TestMailsOfOneAccount(t *testing.T) {
	f := newFixture(t, nil)
	f.user(f.root(), "ann@example.com")
	who := f.verify(f.login("ann@example.com"))
	for i := range maxMailsCaused {
		require.NoError(t, f.RequestAddress(t.Context(), who, fmt.Sprintf("x%d@example.net", i), passwordOf("ann@example.com"), home))
	}
	require.ErrorIs(t, f.RequestAddress(t.Context(), who, "one@example.net", passwordOf("ann@example.com"), home), ErrRateLimited)
	require.Len(t, f.deliver(&postbox{}), maxMailsCaused)
	f.clock.Step(25 * time.Hour)
	require.NoError(t, f.RequestAddress(t.Context(), who, "one@example.net", passwordOf("ann@example.com"), home))
}

func TestPublicURL(t *testing.T) {
	for _, good := range []string{"", "https://tables.example.com", "https://tables.example.com:8443/app/", "http://localhost:8080", "http://127.0.0.1:1", "http://10.0.0.7"} {
		require.NoError(t, checkPublicURL(good), good)
	}
	for _, bad := range []string{"tables.example.com", "http://tables.example.com", "ftp://x", "https://", "https://u:p@x.example", "https://x.example/?a=b", "https://x.example/#a",
		"https://x.example/a b", "https://x.example/\n", "javascript:alert(1)", "//evil.test", "https:/\\evil.test", "https://x.example?"} {
		require.Error(t, checkPublicURL(bad), bad)
	}
}

// TestMailNames: what people call themselves and their workspaces is no message of its own and no link.
func TestMailNames(t *testing.T) {
	for name, want := range map[string]string{
		"Ann":                     `"Ann"`,
		"Sales & Co 2026":         `"Sales & Co 2026"`,
		`say "hi"`:                `"say 'hi'"`,
		"v1.2":                    `"v1.2"`,
		"":                        "somebody",
		" \n ":                    "somebody",
		"a\r\nBcc: x":             `"a Bcc: x"`,
		"click https://evil.test": "somebody",
		"evil.test":               "somebody",
		"mail me: a@evil":         "somebody",
		"\u202egnihsihp":          `"gnihsihp"`,
		fmt.Sprintf("%061d", 1):   "somebody",
		"пример.рф":               "somebody",
		"line one\u2028line two":  `"line one line two"`,
	} {
		require.Equal(t, want, mailName(name, "somebody"), "%q", name)
	}
}
