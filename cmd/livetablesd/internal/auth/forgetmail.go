package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// ErrMailUnderWay says that a mail about a workspace is being handed over this moment.
var ErrMailUnderWay = errors.New("a mail is being handed over")

// ForgetMails removes what is kept of the mails about a deleted workspace: their addresses and what they were about. remove is
// given the ids of the mails before that, for what the mailer keeps of them. That somebody was sent mail stays known, by a keyed
// hash of the address for as long as it counts: else whoever makes and deletes workspaces could send mail without end.
// ErrMailUnderWay asks to come again.
func (s *Service) ForgetMails(ctx context.Context, workspace string, remove func(ids []string) error) error {
	var ids []string
	addresses := map[string]bool{}
	busy := false
	err := s.store.Read(ctx, func(tx adapter.Tx) error {
		ids, busy = nil, false
		return each(ctx, tx, `SELECT id, address, CASE WHEN state = 0 AND lease_until > ? THEN 1 ELSE 0 END FROM auth_mail WHERE workspace = ?`,
			[]lqp.Value{timeValue(s.clock()), lqp.TextValue(workspace)}, func(r row) error {
				ids, busy = append(ids, r.text(0)), busy || r.bool(2)
				addresses[r.text(1)] = true
				return nil
			})
	})
	switch {
	case err == nil && len(ids) == 0:
		return nil
	case err == nil && busy:
		err = ErrMailUnderWay
	case err == nil:
		err = remove(ids)
	}
	if err == nil {
		err = s.store.Write(ctx, func(tx adapter.Tx) error {
			for address := range addresses {
				if _, err := tx.Exec(ctx, `UPDATE auth_mail SET address = ? WHERE workspace = ? AND address = ?`, texts(s.forgotten(address), workspace, address)...); err != nil {
					return err
				}
			}
			// What still waits has nothing to lead to.
			if _, err := tx.Exec(ctx, `DELETE FROM auth_mail WHERE workspace = ? AND state = 0`, lqp.TextValue(workspace)); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, `UPDATE auth_mail SET workspace = '' WHERE workspace = ?`, lqp.TextValue(workspace))
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("forget mails of %s: %w", workspace, err)
	}
	return nil
}

// forgotten stands for an address that is not kept: the same for the same address.
func (s *Service) forgotten(address string) string {
	mac := hmac.New(sha256.New, s.options.Keys.Derive("forgotten mail address"))
	mac.Write([]byte(address))
	return "forgotten:" + hex.EncodeToString(mac.Sum(nil))
}
