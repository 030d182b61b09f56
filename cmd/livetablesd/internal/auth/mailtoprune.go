package auth

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// stale is what may be forgotten: a condition on a table, with at most one time in it.
type stale struct {
	table, where string
	before       time.Time // zero when the condition has none
}

func (o stale) args() []lqp.Value {
	if o.before.IsZero() {
		return nil
	}
	return []lqp.Value{timeValue(o.before)}
}

// pruneMail forgets what is over: requests that lead to no account, also while the mail server is down; mails that count for
// no limit any more; tokens and invites that have expired.
func (s *Service) pruneMail(ctx context.Context) error {
	now := s.clock()
	all := []stale{
		{"auth_mail", `state = 0 AND purpose = 'reset' AND NOT EXISTS (SELECT 1 FROM auth_account a
			WHERE a.email = auth_mail.address AND a.disabled = 0 AND a.password <> '')`, time.Time{}},
		{"auth_mail", `state = 1 AND done_at < ?`, now.Add(-24 * time.Hour)},
		{"auth_mail", `state = 2 AND done_at < ?`, now.Add(-mailKept)},
		{"auth_mail_token", `expires_at < ?`, now},
		{"auth_invite", `expires_at < ?`, now},
	}
	var asks []string
	var args []lqp.Value
	for _, o := range all {
		asks = append(asks, `EXISTS (SELECT 1 FROM `+o.table+` WHERE `+o.where+`)`)
		args = append(args, o.args()...)
	}
	any := false
	err := s.store.Read(ctx, func(tx adapter.Tx) error {
		return each(ctx, tx, `SELECT CASE WHEN `+strings.Join(asks, " OR ")+` THEN 1 ELSE 0 END`, args, func(r row) error {
			any = r.bool(0)
			return nil
		})
	})
	if err == nil && any { // not every look at the queue is worth a commit
		err = s.store.Write(ctx, func(tx adapter.Tx) error {
			for _, o := range all {
				if _, err := tx.Exec(ctx, `DELETE FROM `+o.table+` WHERE `+o.where, o.args()...); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("prune mails: %w", err)
	}
	return nil
}
