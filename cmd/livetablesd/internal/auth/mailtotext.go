package auth

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/cmd/livetablesd/internal/mail"
	"github.com/livetables/livetables/lqp"
)

// compose writes a queued mail, and stores its token, as things are now; errMailGone when there is no reason for it any more.
func (s *Service) compose(ctx context.Context, tx adapter.Tx, q queued) (mail.Message, error) {
	m := mail.Message{ID: q.id, To: q.address, Purpose: q.purpose, Date: q.createdAt}
	var err error
	switch q.purpose {
	case mailReset:
		err = s.composeReset(ctx, tx, q, &m)
	case mailAddress:
		err = s.composeAddress(ctx, tx, q, &m)
	case mailInvite:
		err = s.composeInvite(ctx, tx, q, &m)
	case mailNotice:
		m.Subject = "Your address was changed"
		m.Text = "Your account at Live Tables has another email address now, and this one does not belong to it any more.\n\n" +
			"If this was not you, somebody else has your password: ask whoever runs the instance for help at once.\n"
	default:
		// Of a newer program: it must not keep the others waiting.
		s.log.ErrorContext(ctx, "mail of unknown purpose dropped", "mail", q.id, "purpose", q.purpose)
		err = errMailGone
	}
	return m, err
}

func (s *Service) composeReset(ctx context.Context, tx adapter.Tx, q queued, m *mail.Message) error {
	acc, err := findAccount(ctx, tx, "email", q.address)
	if errors.Is(err, ErrNotFound) || err == nil && !mayReset(acc) {
		return errMailGone
	}
	if err != nil {
		return err
	}
	how, err := s.mailHow(ctx, tx, q, acc.ID, s.clock().Add(resetLife), "POST /api/v1/auth/reset/confirm", `"token" and your new "password"`)
	m.Subject = "A new password"
	m.Text = "Somebody, perhaps you, asked for a new password of your account at Live Tables.\n\n" + how +
		fmt.Sprintf("\nIt works once, within %d minutes. If it was not you, there is nothing to do: your password stays as it is.\n", int(resetLife/time.Minute))
	return err
}

func (s *Service) composeAddress(ctx context.Context, tx adapter.Tx, q queued, m *mail.Message) error {
	acc, err := findAccount(ctx, tx, "id", q.subject)
	if errors.Is(err, ErrNotFound) || err == nil && acc.Disabled {
		return errMailGone
	}
	if err != nil {
		return err
	}
	switch holder, err := findAccount(ctx, tx, "email", q.address); {
	case err != nil && !errors.Is(err, ErrNotFound):
		return err
	case err == nil && holder.ID != acc.ID:
		// Whoever asked is told what everybody is told; only the reader of this mail learns that there is an account.
		m.Subject = "Your address was named for an account"
		m.Text = "Somebody wants to use this email address for an account at Live Tables. It belongs to your account already, so nothing was changed.\n"
		return nil
	}
	how, err := s.mailHow(ctx, tx, q, acc.ID, s.clock().Add(addressLife), "POST /api/v1/auth/address/confirm", `"token", signed in to that account`)
	m.Subject = "Confirm your address"
	m.Text = "An account at Live Tables says that this is its email address. If it is yours, confirm that.\n\n" + how +
		fmt.Sprintf("\nIt works once, within %d hours. If you have no such account, ignore this mail.\n", int(addressLife/time.Hour))
	return err
}

func (s *Service) composeInvite(ctx context.Context, tx adapter.Tx, q queued, m *mail.Message) error {
	in, err := findInvite(ctx, tx, `i.id = ?`, lqp.TextValue(q.subject))
	if errors.Is(err, ErrNotFound) || err == nil && (in.claimedBy != "" || !s.clock().Before(in.ExpiresAt)) {
		return errMailGone
	}
	if err != nil {
		return err
	}
	inviter, err := findAccount(ctx, tx, "id", in.Inviter)
	if errors.Is(err, ErrNotFound) || err == nil && inviter.Disabled {
		return errMailGone
	}
	if err != nil {
		return err
	}
	how, err := s.mailHow(ctx, tx, q, in.ID, in.ExpiresAt, "POST /api/v1/invites/accept", `"token", signed in with this address; `+
		`or, to make an account, POST /api/v1/auth/register with "email", "password" and "invite_token"`)
	m.Subject = "You are invited to a workspace"
	m.Text = mailName(inviter.Name, "Somebody") + " invites you to " + mailName(in.Label, "a workspace") + " at Live Tables.\n\n" + how +
		"\nIt works once, for this address alone, until " + in.ExpiresAt.UTC().Format("2 January 2006, 15:04 UTC") +
		".\nIf you do not know what this is about, ignore this mail.\n"
	return err
}

// mailHow stores the token of a mail and says how it is used. In a link it stands behind "#", which no browser sends to a
// server: it is in no log and in no Referer.
func (s *Service) mailHow(ctx context.Context, tx adapter.Tx, q queued, subject string, expires time.Time, route, fields string) (string, error) {
	token := s.newMailToken(q)
	hash, ok := hashMailToken(q.purpose, token)
	if !ok {
		return "", fmt.Errorf("mail %s: made no token", q.id)
	}
	if err := putMailToken(ctx, tx, mailToken{hash, q.purpose, subject, q.address, expires}); err != nil {
		return "", err
	}
	how := ""
	if s.options.PublicURL != "" {
		how = "  " + strings.TrimRight(s.options.PublicURL, "/") + "/#" + q.purpose + "=" + token.Reveal() + "\n\nWithout a browser: "
	}
	return how + "send " + route + " with " + fields + ".\n\n  token: " + token.Reveal() + "\n", nil
}

// linkLike finds what a mail program would make a link of.
var linkLike = regexp.MustCompile(`[/@\\]|\pL\.\pL`)

// mailName is a name that somebody chose, as it may stand in a mail to somebody else: no link, no second line, and not so
// long that it could be the message. A name that cannot is replaced.
func mailName(name, instead string) string {
	name = strings.Join(strings.FieldsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
	if name == "" || len([]rune(name)) > 60 || linkLike.MatchString(name) {
		return instead
	}
	return `"` + strings.ReplaceAll(name, `"`, "'") + `"`
}
