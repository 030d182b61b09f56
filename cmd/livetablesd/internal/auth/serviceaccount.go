package auth

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// ServiceAccount is a member of one workspace that is no person: a program that comes with a key. It has no address, no
// password and no sessions. Its role is that of its membership, of which this package knows nothing: whoever calls the
// methods here has asked before whether the actor may manage the members of the workspace.
type ServiceAccount struct {
	ID        string // svc_…
	Workspace string
	Name      string
	Disabled  bool
	Maker     string // account that made it; it stays when the maker goes
	CreatedAt time.Time
	UpdatedAt time.Time
	ExpiresAt *time.Time // nil is never; keys expire by themselves
}

// ServiceStanding says of a service account's key what it depends on beside itself: a key counts only while its maker could
// still give the account the role that it has. Who accepts keys must ask that of the policy, with every request.
type ServiceStanding struct {
	Workspace    string
	Maker        string // account id
	MakerAddress string // from which the key was made, empty if that is unknown
}

// NewServiceAccount is what a new service account is made from.
type NewServiceAccount struct {
	Name      string
	ExpiresAt *time.Time // nil is never
}

// ServiceUpdate changes a service account. A nil field stays as it is.
type ServiceUpdate struct {
	Name      *string
	Disabled  *bool
	ExpiresAt **time.Time // to nil is never
}

// maxServices is how many service accounts a workspace may have.
const maxServices = 100

// servicePrefix begins the ids of service accounts.
const servicePrefix = "svc_"

// IsServiceAccount reports whether an id is that of a service account; whether there is one is not asked.
func IsServiceAccount(id string) bool { return strings.HasPrefix(id, servicePrefix) }

const serviceColumns = `v.id, v.workspace_id, v.name, v.disabled, v.maker_id, v.created_at, v.updated_at, v.expires_at`

// scanService reads serviceColumns.
func scanService(r row) ServiceAccount {
	return ServiceAccount{
		ID: r.text(0), Workspace: r.text(1), Name: r.text(2), Disabled: r.bool(3), Maker: r.text(4), CreatedAt: r.time(5),
		UpdatedAt: r.time(6), ExpiresAt: r.optionalTime(7),
	}
}

// CreateServiceAccount makes a service account of a workspace; it becomes a member by the engine. The caller is a person:
// ErrForbidden for the identity of a key.
func (s *Service) CreateServiceAccount(ctx context.Context, actor Identity, workspace string, in NewServiceAccount, from Client) (ServiceAccount, error) {
	if actor.Key != "" {
		return ServiceAccount{}, ErrForbidden
	}
	now := s.clock().UTC().Truncate(time.Millisecond)
	var p problems
	made := ServiceAccount{ID: minidb.NewID(servicePrefix), Workspace: workspace, Name: p.keyName(in.Name), Maker: actor.UserID, CreatedAt: now, UpdatedAt: now}
	made.ExpiresAt = p.end(in.ExpiresAt, now)
	if err := p.err(); err != nil {
		return ServiceAccount{}, err
	}
	err := s.write(ctx, func(tx adapter.Tx) error {
		if err := requireSession(ctx, tx, actor); err != nil {
			return err
		}
		var n int64
		err := each(ctx, tx, `SELECT count(*) FROM auth_service WHERE workspace_id = ?`, texts(workspace), func(r row) error {
			n = r.int(0)
			return nil
		})
		if err != nil {
			return err
		}
		if n >= maxServices {
			return tooManyOf("name", "a workspace has at most %d service accounts", maxServices)
		}
		_, err = tx.Exec(ctx, `INSERT INTO auth_service (id, workspace_id, name, disabled, maker_id, created_at, updated_at, expires_at)
			VALUES (?, ?, ?, 0, ?, ?, ?, ?)`, lqp.TextValue(made.ID), lqp.TextValue(workspace), lqp.TextValue(made.Name),
			lqp.TextValue(made.Maker), timeValue(now), timeValue(now), optionalTimeValue(made.ExpiresAt))
		if err != nil {
			return err
		}
		return s.noteService(ctx, tx, actor, from, "service_account.create", workspace, made.ID, "")
	})
	if err != nil {
		return ServiceAccount{}, wrapOwn(err, "create service account")
	}
	return made, nil
}

// ServiceAccounts lists the service accounts of a workspace in the order of their making.
func (s *Service) ServiceAccounts(ctx context.Context, workspace string) ([]ServiceAccount, error) {
	var out []ServiceAccount
	err := s.store.Read(ctx, func(tx adapter.Tx) error {
		out = nil
		return each(ctx, tx, `SELECT `+serviceColumns+` FROM auth_service v WHERE v.workspace_id = ? ORDER BY v.id`, texts(workspace), func(r row) error {
			out = append(out, scanService(r))
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list service accounts: %w", err)
	}
	return out, nil
}

// ServiceAccount returns one service account of a workspace; ErrNotFound when the workspace has no such one.
func (s *Service) ServiceAccount(ctx context.Context, workspace, id string) (found ServiceAccount, err error) {
	err = s.store.Read(ctx, func(tx adapter.Tx) error {
		found, err = findService(ctx, tx, workspace, id)
		return err
	})
	if err != nil {
		return ServiceAccount{}, wrapOwn(err, "read service account")
	}
	return found, nil
}

func findService(ctx context.Context, tx adapter.Tx, workspace, id string) (found ServiceAccount, err error) {
	err = each(ctx, tx, `SELECT `+serviceColumns+` FROM auth_service v WHERE v.id = ? AND v.workspace_id = ?`, texts(id, workspace), func(r row) error {
		found = scanService(r)
		return nil
	})
	if err == nil && found.ID == "" {
		err = ErrNotFound
	}
	return found, err
}

// UpdateServiceAccount changes a service account. What is disabled is out with the next request.
func (s *Service) UpdateServiceAccount(ctx context.Context, actor Identity, workspace, id string, in ServiceUpdate, from Client) (out ServiceAccount, err error) {
	if actor.Key != "" {
		return ServiceAccount{}, ErrForbidden
	}
	now := s.clock().UTC().Truncate(time.Millisecond)
	var p problems
	var name string
	var end *time.Time
	if in.Name != nil {
		name = p.keyName(*in.Name)
	}
	if in.ExpiresAt != nil {
		end = p.end(*in.ExpiresAt, now)
	}
	if err := p.err(); err != nil {
		return ServiceAccount{}, err
	}
	defer s.keys.forget(id)
	err = s.write(ctx, func(tx adapter.Tx) error {
		if err := requireSession(ctx, tx, actor); err != nil {
			return err
		}
		if out, err = findService(ctx, tx, workspace, id); err != nil {
			return err
		}
		if in.Name != nil {
			out.Name = name
		}
		if in.Disabled != nil {
			out.Disabled = *in.Disabled
		}
		if in.ExpiresAt != nil {
			out.ExpiresAt = end
		}
		out.UpdatedAt = now
		_, err = tx.Exec(ctx, `UPDATE auth_service SET name = ?, disabled = ?, expires_at = ?, updated_at = ? WHERE id = ?`,
			lqp.TextValue(out.Name), flagValue(out.Disabled), optionalTimeValue(out.ExpiresAt), timeValue(now), lqp.TextValue(id))
		if err != nil {
			return err
		}
		return s.noteService(ctx, tx, actor, from, "service_account.update", workspace, id, "")
	})
	if err != nil {
		return ServiceAccount{}, wrapOwn(err, "update service account")
	}
	return out, nil
}

// DeleteServiceAccount removes a service account with its keys for good. Its membership is the engine's to end.
func (s *Service) DeleteServiceAccount(ctx context.Context, actor Identity, workspace, id string, from Client) error {
	if actor.Key != "" {
		return ErrForbidden
	}
	defer s.keys.forget(id)
	err := s.write(ctx, func(tx adapter.Tx) error {
		if _, err := findService(ctx, tx, workspace, id); err != nil {
			return err
		}
		if err := deleteServices(ctx, tx, `id = ?`, id); err != nil {
			return err
		}
		return s.noteService(ctx, tx, actor, from, "service_account.delete", workspace, id, "")
	})
	if err != nil {
		return wrapOwn(err, "delete service account")
	}
	return nil
}

// ForgetWorkspace removes the service accounts of a workspace that was deleted, with their keys, and the audit entries about it
// that were not handed over yet.
func (s *Service) ForgetWorkspace(ctx context.Context, workspace string) error {
	found, err := s.ServiceAccounts(ctx, workspace)
	if err != nil {
		return err
	}
	err = s.write(ctx, func(tx adapter.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM auth_outbox WHERE workspace = ?`, lqp.TextValue(workspace)); err != nil {
			return err
		}
		return deleteServices(ctx, tx, `workspace_id = ?`, workspace)
	})
	for _, one := range found {
		s.keys.forget(one.ID)
	}
	if err != nil {
		return fmt.Errorf("forget workspace %s: %w", workspace, err)
	}
	return nil
}

func deleteServices(ctx context.Context, tx adapter.Tx, where, arg string) error {
	_, err := tx.Exec(ctx, `DELETE FROM auth_key WHERE owner_id IN (SELECT id FROM auth_service WHERE `+where+`)`, lqp.TextValue(arg))
	if err == nil {
		_, err = tx.Exec(ctx, `DELETE FROM auth_service WHERE `+where, lqp.TextValue(arg))
	}
	return err
}

// end checks an end that may be absent.
func (p *problems) end(at *time.Time, now time.Time) *time.Time {
	if at == nil {
		return nil
	}
	if !at.After(now) {
		p.add("expires_at", "invalid", "the time is past")
	}
	t := at.UTC().Truncate(time.Millisecond)
	return &t
}
