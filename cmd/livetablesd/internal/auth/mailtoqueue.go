package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/cmd/livetablesd/internal/mail"
	"github.com/livetables/livetables/lqp"
)

// mailRetries are the waits after a message was refused; after as many and one more tries it has failed for good.
var mailRetries = []time.Duration{time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour}

const (
	mailLease      = 5 * time.Minute    // how long a mail that is being sent is nobody else's
	mailPostponed  = 15 * time.Minute   // of a mail to an address that got many
	mailKept       = 7 * 24 * time.Hour // failed mails, for the operator
	mailLate       = 3 * 24 * time.Hour // a mail that could not be sent until then is not sent
	resetLate      = 1 * time.Hour      // nor a new password that nobody waits for any more
	mailLook       = 15 * time.Second   // how often the queue is looked at unasked: another process may have written
	mailPauseFirst = 2 * time.Second    // the wait after the mail server could not be reached, doubled each time …
	mailPauseLast  = 30 * time.Second   // … up to this
)

// RunMail hands over what the service has to say by mail, until ctx ends. While the mailer cannot be reached everything
// waits and nothing is lost; a message that it refuses five times is given up, and the others pass it. One process runs it
// on a store, once, or several with Options.Shared; a mail may be sent twice when a process dies while it sends it, the same both times. The error is the store's, at the start.
func (s *Service) RunMail(ctx context.Context, mailer mail.Mailer) error {
	// What a process was sending when it died is sent again: at once where there was no other process, else after its lease.
	err := s.store.Write(ctx, func(tx adapter.Tx) error {
		if s.options.Shared {
			return nil
		}
		_, err := tx.Exec(ctx, `UPDATE auth_mail SET lease_until = 0 WHERE state = ? AND lease_until > 0`, lqp.IntValue(mailWaiting))
		return err
	})
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("take up mails: %w", err)
	}
	pause := time.Duration(0)
	for {
		err := s.deliverDue(ctx, mailer)
		switch {
		case err == nil:
			pause = 0
		case ctx.Err() == nil:
			pause = min(max(2*pause, mailPauseFirst), mailPauseLast)
			s.log.WarnContext(ctx, "mail waits", "error", err, "again_after", pause)
		}
		if !await(ctx, s.mailWake, pause, mailLook) {
			return nil
		}
	}
}

// deliverDue sends what is due, until there is nothing more or the mailer cannot be reached.
func (s *Service) deliverDue(ctx context.Context, mailer mail.Mailer) error {
	if err := s.pruneMail(ctx); err != nil {
		return err
	}
	for ctx.Err() == nil {
		q, m, err := s.claimMail(ctx)
		if err != nil || q.id == "" {
			return err
		}
		if m.To == "" {
			continue // looked at and not to be sent
		}
		sent := mailer.Send(ctx, m)
		if err := s.settleMail(context.WithoutCancel(ctx), q, sent); err != nil {
			return err
		}
		if errors.Is(sent, mail.ErrUnavailable) {
			return sent
		}
	}
	return ctx.Err()
}

// claimMail takes the mail that is longest due and writes it. Without a recipient it is not to be sent now; without an id
// there is none.
func (s *Service) claimMail(ctx context.Context) (q queued, m mail.Message, err error) {
	now := s.clock()
	err = s.store.Write(ctx, func(tx adapter.Tx) error {
		q, m = queued{}, mail.Message{}
		err := each(ctx, tx, `SELECT `+mailColumns+` FROM auth_mail m WHERE m.state = ? AND m.next_at <= ? AND m.lease_until <= ?
			ORDER BY m.next_at, m.id LIMIT 1`, []lqp.Value{lqp.IntValue(mailWaiting), timeValue(now), timeValue(now)}, func(r row) error {
			q = scanMail(r)
			return nil
		})
		if err != nil || q.id == "" {
			return err
		}
		late := mailLate
		if q.purpose == mailReset {
			late = resetLate
		}
		if now.Sub(q.createdAt) > late {
			s.log.WarnContext(ctx, "mail was not sent in time", "mail", q.id, "purpose", q.purpose)
			return deleteMail(ctx, tx, q.id)
		}
		many, err := s.manyMails(ctx, tx, q, now)
		if err != nil {
			return err
		}
		if many && q.purpose == mailReset {
			return deleteMail(ctx, tx, q.id)
		}
		if many {
			return postponeMail(ctx, tx, q.id, now.Add(mailPostponed))
		}
		written, err := s.compose(ctx, tx, q)
		if errors.Is(err, errMailGone) {
			return deleteMail(ctx, tx, q.id)
		}
		if err != nil {
			return err
		}
		m = written
		_, err = tx.Exec(ctx, `UPDATE auth_mail SET lease_until = ? WHERE id = ?`, timeValue(now.Add(mailLease)), lqp.TextValue(q.id))
		return err
	})
	if err != nil {
		return queued{}, mail.Message{}, fmt.Errorf("claim mail: %w", err)
	}
	return q, m, nil
}

func deleteMail(ctx context.Context, tx adapter.Tx, id string) error {
	_, err := tx.Exec(ctx, `DELETE FROM auth_mail WHERE id = ?`, lqp.TextValue(id))
	return err
}

func postponeMail(ctx context.Context, tx adapter.Tx, id string, until time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE auth_mail SET next_at = ?, lease_until = 0 WHERE id = ?`, timeValue(until), lqp.TextValue(id))
	return err
}

// manyMails reports whether the address got as many mails as it may. A notice is about something that happened already,
// and cannot be asked for.
func (s *Service) manyMails(ctx context.Context, tx adapter.Tx, q queued, now time.Time) (bool, error) {
	if q.purpose == mailNotice {
		return false, nil
	}
	hour, err := countMails(ctx, tx, `address IN (?, ?) AND done_at > ? AND purpose = ?`,
		lqp.TextValue(q.address), lqp.TextValue(s.forgotten(q.address)), timeValue(now.Add(-time.Hour)), lqp.TextValue(q.purpose))
	if err != nil || hour >= maxMailsHour {
		return err == nil, err
	}
	day, err := countMails(ctx, tx, `address IN (?, ?) AND done_at > ?`, lqp.TextValue(q.address), lqp.TextValue(s.forgotten(q.address)), timeValue(now.Add(-24*time.Hour)))
	return day >= maxMailsDay, err
}

// settleMail writes down what became of a mail.
func (s *Service) settleMail(ctx context.Context, q queued, sent error) error {
	now := s.clock()
	err := s.store.Write(ctx, func(tx adapter.Tx) error {
		switch {
		case sent == nil:
			return doneMail(ctx, tx, q, mailSent, now)
		case errors.Is(sent, mail.ErrUnavailable):
			return postponeMail(ctx, tx, q.id, now)
		case int(q.tries) >= len(mailRetries):
			return doneMail(ctx, tx, q, mailFailed, now)
		}
		_, err := tx.Exec(ctx, `UPDATE auth_mail SET tries = tries + 1, next_at = ?, lease_until = 0 WHERE id = ?`,
			timeValue(now.Add(mailRetries[q.tries])), lqp.TextValue(q.id))
		return err
	})
	if err != nil {
		return fmt.Errorf("settle mail %s: %w", q.id, err)
	}
	switch {
	case sent == nil:
		s.log.InfoContext(ctx, "mail handed over", "mail", q.id, "to", q.address, "purpose", q.purpose)
	case errors.Is(sent, mail.ErrUnavailable):
	case int(q.tries) >= len(mailRetries):
		s.log.ErrorContext(ctx, "mail given up", "mail", q.id, "to", q.address, "purpose", q.purpose, "error", sent)
	default:
		s.log.WarnContext(ctx, "mail refused", "mail", q.id, "purpose", q.purpose, "try", q.tries+1, "error", sent)
	}
	return nil
}

func doneMail(ctx context.Context, tx adapter.Tx, q queued, state int64, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE auth_mail SET state = ?, tries = tries + 1, done_at = ? WHERE id = ?`,
		lqp.IntValue(state), timeValue(now), lqp.TextValue(q.id))
	return err
}
