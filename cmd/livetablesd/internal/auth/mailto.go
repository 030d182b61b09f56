package auth

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// The purposes of mails. Those that carry a token are the purposes of tokens too.
const (
	mailInvite  = "invite"  // subject: an invite
	mailReset   = "reset"   // subject: nobody yet, the address says whose
	mailAddress = "address" // subject: an account, which wants or has the address
	mailNotice  = "notice"  // subject: an account, which had the address until now
)

// The bounds of the mail queue, and of what one address is sent: five mails of a purpose in an hour, twenty of all in a
// day. A request for a new password beyond that is forgotten, everything else waits. One account causes at most 200 mails
// in a day.
const (
	maxMailsWaiting = 10_000
	maxMailsHour    = 5
	maxMailsDay     = 20
	maxMailsCaused  = 200
)

// The states of a queued mail.
const (
	mailWaiting = 0
	mailSent    = 1
	mailFailed  = 2
)

// queued is a row of auth_mail. What it says and the token that it carries are made when it is sent: neither is stored.
type queued struct {
	id, address, purpose, subject, nonce string
	tries                                int64
	createdAt                            time.Time
}

const mailColumns = `m.id, m.address, m.purpose, m.subject, m.nonce, m.tries, m.created_at`

// scanMail reads mailColumns.
func scanMail(r row) queued {
	return queued{id: r.text(0), address: r.text(1), purpose: r.text(2), subject: r.text(3), nonce: r.text(4), tries: r.int(5), createdAt: r.time(6)}
}

// enqueueMail puts a mail into the queue, in the transaction of what it is about; ErrBusy when the queue is full, a
// *RateError when the account that causes it ("" for nobody) caused too many. After the commit wakeMail should be called.
func (s *Service) enqueueMail(ctx context.Context, tx adapter.Tx, purpose, subject, address, cause string) error {
	waiting, err := countMails(ctx, tx, `state = ?`, lqp.IntValue(mailWaiting))
	if err != nil {
		return err
	}
	if waiting >= maxMailsWaiting {
		return fmt.Errorf("%d mails wait: %w", waiting, ErrBusy)
	}
	if cause != "" {
		caused, err := countMails(ctx, tx, `cause = ? AND created_at > ?`, lqp.TextValue(cause), timeValue(s.clock().Add(-24*time.Hour)))
		if err != nil {
			return err
		}
		if caused >= maxMailsCaused {
			return &RateError{RetryAfter: time.Hour}
		}
	}
	var nonce [32]byte
	_, _ = rand.Read(nonce[:])
	now := timeValue(s.clock())
	_, err = tx.Exec(ctx, `INSERT INTO auth_mail (id, address, purpose, subject, cause, nonce, state, tries, created_at, next_at, lease_until)
		VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?, 0)`,
		lqp.TextValue(minidb.NewID("mal")), lqp.TextValue(address), lqp.TextValue(purpose), lqp.TextValue(subject),
		lqp.TextValue(cause), lqp.TextValue(hex.EncodeToString(nonce[:])), lqp.IntValue(mailWaiting), now, now)
	return err
}

func countMails(ctx context.Context, tx adapter.Tx, where string, args ...lqp.Value) (n int64, err error) {
	err = each(ctx, tx, `SELECT count(*) FROM auth_mail WHERE `+where, args, func(r row) error {
		n = r.int(0)
		return nil
	})
	return n, err
}

// wakeMail tells RunMail that there is something to do.
func (s *Service) wakeMail() {
	select {
	case s.mailWake <- struct{}{}:
	default: // it knows already
	}
}

// MailCounts are the mails that RunMail has to do with, for metrics.
type MailCounts struct {
	Waiting int64 // to be handed over
	Failed  int64 // given up after five tries, within the last week
}

// MailCounts counts the mails that wait and those that failed for good.
func (s *Service) MailCounts(ctx context.Context) (c MailCounts, err error) {
	err = s.store.Read(ctx, func(tx adapter.Tx) error {
		if c.Waiting, err = countMails(ctx, tx, `state = ?`, lqp.IntValue(mailWaiting)); err != nil {
			return err
		}
		c.Failed, err = countMails(ctx, tx, `state = ?`, lqp.IntValue(mailFailed))
		return err
	})
	if err != nil {
		return MailCounts{}, fmt.Errorf("count mails: %w", err)
	}
	return c, nil
}

// checkPublicURL accepts nothing, or the root of a site: https, or http for those who try things out on their own machine
// or network.
func checkPublicURL(text string) error {
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil || u.Opaque != "" ||
		u.RawQuery != "" || u.ForceQuery || strings.Contains(text, "#") || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return fmt.Errorf("public URL %q is not of the form https://tables.example.com", text)
	}
	if u.Scheme == "http" && !local(u.Hostname()) {
		return fmt.Errorf("public URL %q: links with tokens need https", text)
	}
	return nil
}

// local reports whether a host is this machine or in a private network.
func local(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && (a.IsLoopback() || a.IsPrivate())
}

// errMailGone means that there is no reason any more to send a mail.
var errMailGone = errors.New("nobody waits for the mail")
