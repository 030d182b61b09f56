package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// User is an account as others may see it.
type User struct {
	ID          string
	Email       string // normalised
	Name        string
	Admin       bool // of the instance
	Disabled    bool
	CreatedAt   time.Time
	UpdatedAt   time.Time
	LastLoginAt *time.Time // nil before the first login
	// VerifiedAt is since when the address is known to be the account's: its holder brought a token that was sent there, or
	// an instance admin set it. nil until then.
	VerifiedAt *time.Time
}

// account is a User with what nobody may see.
type account struct {
	User
	password string // encoded hash
	epoch    int64  // access tokens of another epoch are dead
}

const accountColumns = `a.id, a.email, a.name, a.password, a.admin, a.disabled, a.epoch, a.created_at, a.updated_at, a.last_login_at, a.verified_at`

const accountWidth = 11

// scanAccount reads accountColumns.
func scanAccount(r row) account {
	return account{
		User: User{
			ID: r.text(0), Email: r.text(1), Name: r.text(2), Admin: r.bool(4), Disabled: r.bool(5),
			CreatedAt: r.time(7), UpdatedAt: r.time(8), LastLoginAt: r.optionalTime(9), VerifiedAt: r.optionalTime(10),
		},
		password: r.text(3), epoch: r.int(6),
	}
}

// findAccount reads one account by "id" or "email"; ErrNotFound when there is none.
func findAccount(ctx context.Context, tx adapter.Tx, column, value string) (account, error) {
	var found account
	err := each(ctx, tx, `SELECT `+accountColumns+` FROM auth_account a WHERE a.`+column+` = ?`, texts(value), func(r row) error {
		found = scanAccount(r)
		return nil
	})
	if err == nil && found.ID == "" {
		err = ErrNotFound
	}
	return found, err
}

// insertAccount adds an account, unless its address is taken.
func insertAccount(ctx context.Context, tx adapter.Tx, a account) error {
	if _, err := findAccount(ctx, tx, "email", a.Email); err == nil {
		return ErrEmailTaken
	} else if !errors.Is(err, ErrNotFound) {
		return err
	}
	_, err := tx.Exec(ctx, `INSERT INTO auth_account
		(id, email, name, password, admin, disabled, epoch, created_at, updated_at, verified_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		lqp.TextValue(a.ID), lqp.TextValue(a.Email), lqp.TextValue(a.Name), lqp.TextValue(a.password), flagValue(a.Admin),
		flagValue(a.Disabled), lqp.IntValue(a.epoch), timeValue(a.CreatedAt), timeValue(a.UpdatedAt), optionalTimeValue(a.VerifiedAt))
	return taken(err)
}

// updateAccount writes everything of an account that can change.
func updateAccount(ctx context.Context, tx adapter.Tx, a account) error {
	_, err := tx.Exec(ctx, `UPDATE auth_account SET email = ?, name = ?, password = ?, admin = ?, disabled = ?, epoch = ?,
		updated_at = ?, verified_at = ? WHERE id = ?`,
		lqp.TextValue(a.Email), lqp.TextValue(a.Name), lqp.TextValue(a.password), flagValue(a.Admin), flagValue(a.Disabled),
		lqp.IntValue(a.epoch), timeValue(a.UpdatedAt), optionalTimeValue(a.VerifiedAt), lqp.TextValue(a.ID))
	return taken(err)
}

// taken translates the unique index: another process may have written since we looked.
func taken(err error) error {
	if errors.Is(err, adapter.ErrConstraint) {
		return ErrEmailTaken
	}
	return err
}

func countAccounts(ctx context.Context, tx adapter.Tx, where string, args ...lqp.Value) (n int64, err error) {
	err = each(ctx, tx, `SELECT count(*) FROM auth_account a WHERE `+where, args, func(r row) error {
		n = r.int(0)
		return nil
	})
	return n, err
}

// HasAccount reports whether a store of accounts has the one of an id, whatever its state. It is for commands beside the
// daemon, which have a store and none of the keys that a Service needs. The store must be one that a Service was opened on.
func HasAccount(ctx context.Context, store adapter.Store, id string) (bool, error) {
	n := int64(0)
	err := store.Read(ctx, func(tx adapter.Tx) (err error) {
		n, err = countAccounts(ctx, tx, "a.id = ?", lqp.TextValue(id))
		return err
	})
	if err != nil {
		return false, fmt.Errorf("look for account %s: %w", id, err)
	}
	return n > 0, nil
}

// User returns one account; ErrNotFound when there is none.
func (s *Service) User(ctx context.Context, id string) (User, error) {
	return s.readUser(ctx, "id", id)
}

// UserByEmail returns the account with an address in any spelling; ErrNotFound when there is none.
func (s *Service) UserByEmail(ctx context.Context, email string) (User, error) {
	normal, ok := NormalizeEmail(email)
	if !ok {
		return User{}, ErrNotFound
	}
	return s.readUser(ctx, "email", normal)
}

func (s *Service) readUser(ctx context.Context, column, value string) (User, error) {
	found, err := s.readAccount(ctx, column, value)
	return found.User, err
}

func (s *Service) readAccount(ctx context.Context, column, value string) (found account, err error) {
	err = s.store.Read(ctx, func(tx adapter.Tx) error {
		found, err = findAccount(ctx, tx, column, value)
		return err
	})
	if err != nil && !errors.Is(err, ErrNotFound) {
		err = fmt.Errorf("read account by %s: %w", column, err)
	}
	return found, err
}
