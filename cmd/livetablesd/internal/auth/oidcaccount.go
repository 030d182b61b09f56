package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// admitPerson finds the account of a person whom the issuer vouches for, links one or makes one, and gives out the ticket of
// the login.
func (s *Service) admitPerson(ctx context.Context, who person, flow, next string, from Client) (OIDCTicket, error) {
	secret := livetables.NewSecret(randomText())
	now := s.clock().UTC().Truncate(time.Millisecond)
	out := OIDCTicket{Ticket: secret, Next: next, ExpiresAt: now.Add(ticketLife)}
	var acc account
	var did string
	err := s.write(ctx, func(tx adapter.Tx) error {
		var err error
		if acc, did, err = s.accountFor(ctx, tx, who, now); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, `UPDATE auth_oidc_flow SET account_id = ?, epoch = ?, ticket_hash = ?,
			expires_at = CASE WHEN expires_at > ? THEN expires_at ELSE ? END WHERE id = ? AND account_id IS NULL`,
			lqp.TextValue(acc.ID), lqp.IntValue(acc.epoch), lqp.TextValue(ticketHash(secret)), timeValue(out.ExpiresAt), timeValue(out.ExpiresAt), lqp.TextValue(flow))
		if err == nil && n != 1 {
			err = ErrOIDC
		}
		if err != nil || did == "" {
			return err
		}
		return s.note(ctx, tx, from, acc.ID, did, acc.ID, "oidc")
	})
	if err != nil {
		return OIDCTicket{}, wrapUnless(err, "admit person", ErrOIDC, ErrOIDCEmail, ErrOIDCNotLinked, ErrRegistrationClosed, ErrSetup)
	}
	return out, nil
}

// accountFor is the account of a person. What it did besides looking is the action for the audit record.
func (s *Service) accountFor(ctx context.Context, tx adapter.Tx, who person, now time.Time) (acc account, did string, err error) {
	id := ""
	err = each(ctx, tx, `SELECT account_id FROM auth_oidc_link WHERE issuer = ? AND subject = ?`,
		texts(s.issuer.options.Issuer, who.subject), func(r row) error {
			id = r.text(0)
			return nil
		})
	if err != nil {
		return acc, "", err
	}
	if id != "" {
		acc, err = findAccount(ctx, tx, "id", id)
		if err == nil && acc.Disabled || errors.Is(err, ErrNotFound) {
			err = fmt.Errorf("%w: the account is closed", ErrOIDC)
		}
		return acc, "", err
	}
	// Everybody can write any address into a profile somewhere: one that nobody has checked names no one.
	if who.email == "" {
		return acc, "", ErrOIDCEmail
	}
	if !s.issuer.options.allows(who.email) {
		return acc, "", ErrRegistrationClosed
	}
	acc, err = findAccount(ctx, tx, "email", who.email)
	switch {
	case err == nil:
		// An address that was never verified here may be that of somebody who registered it to be joined with its owner.
		if !s.issuer.options.LinkByEmail || acc.Disabled || acc.VerifiedAt == nil {
			return acc, "", ErrOIDCNotLinked
		}
		did = "auth.oidc_link"
	case errors.Is(err, ErrNotFound):
		if acc, err = s.newPerson(ctx, tx, who, now); err != nil {
			return acc, "", err
		}
		did = "auth.register"
	default:
		return acc, "", err
	}
	_, err = tx.Exec(ctx, `INSERT INTO auth_oidc_link (issuer, subject, account_id, created_at) VALUES (?, ?, ?, ?)`,
		lqp.TextValue(s.issuer.options.Issuer), lqp.TextValue(who.subject), lqp.TextValue(acc.ID), timeValue(now))
	return acc, did, err
}

// newPerson makes an account that has no password: nobody logs in to it with one until an instance admin sets it.
func (s *Service) newPerson(ctx context.Context, tx adapter.Tx, who person, now time.Time) (account, error) {
	accounts, err := countAccounts(ctx, tx, everyRow)
	switch {
	case err != nil:
		return account{}, err
	case accounts == 0:
		return account{}, ErrSetup // the first account is the admin's, who has the setup token
	case len(s.issuer.options.AllowDomains) == 0 && s.options.Registration != RegistrationOpen:
		return account{}, ErrRegistrationClosed
	}
	acc := account{
		User:  User{ID: minidb.NewID("usr"), Email: who.email, Name: who.fullName, CreatedAt: now, UpdatedAt: now, VerifiedAt: &now},
		epoch: 1,
	}
	return acc, insertAccount(ctx, tx, acc)
}

// allows reports whether people with a verified address may come in new.
func (o *OIDC) allows(email string) bool {
	_, domain, _ := cutLast(email, '@')
	return len(o.AllowDomains) == 0 || slices.ContainsFunc(o.AllowDomains, func(d string) bool { return strings.EqualFold(d, domain) })
}
