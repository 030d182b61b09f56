package daemon

import (
	"context"
	"errors"

	"github.com/livetables/livetables/minidb"
)

// forget removes what the daemon keeps of a deleted workspace beside the engine's store: mails about it, invites, service
// accounts with their keys, and the answers of requests that came into the workspace. It is asked again until it succeeds,
// also by a later process.
func (d *Daemon) forget(ctx context.Context, workspace string) error {
	err := errors.Join(
		d.accounts.DropInvites(ctx, workspace, ""), // what is being composed finds no invite
		d.accounts.ForgetMails(ctx, workspace, d.forgetMails),
		d.accounts.ForgetWorkspace(ctx, workspace),
		d.once.Forget(ctx, workspace),
	)
	if err != nil {
		return err
	}
	if files, ok := d.ownStore.(minidb.Scrubber); ok {
		return files.Scrub(ctx)
	}
	return nil
}

// forgetMails removes what the mailer keeps of mails: those that a server was given are out of our hands.
func (d *Daemon) forgetMails(ids []string) error {
	if keeper, ok := d.mails.(interface{ Forget(ids []string) error }); ok {
		return keeper.Forget(ids)
	}
	return nil
}
