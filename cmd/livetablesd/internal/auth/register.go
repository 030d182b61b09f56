package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/minidb"
)

// Registration is what a person makes an account of their own with.
type Registration struct {
	Email    string
	Name     string // may be empty
	Password livetables.Secret
	// SetupToken is needed for the first account of an instance, which becomes its admin, and ignored afterwards.
	SetupToken livetables.Secret
}

// SetupToken returns the token for making the instance's first account; ok is false when there is one already. The token
// is kept in memory only: it is another one after a restart.
func (s *Service) SetupToken(ctx context.Context) (token string, ok bool, err error) {
	var accounts int64
	err = s.store.Read(ctx, func(tx adapter.Tx) error {
		accounts, err = countAccounts(ctx, tx, everyRow)
		return err
	})
	if err != nil {
		return "", false, fmt.Errorf("count accounts: %w", err)
	}
	s.setupMu.Lock()
	defer s.setupMu.Unlock()
	if accounts > 0 {
		s.setup = livetables.Secret{}
		return "", false, nil
	}
	if s.setup.IsZero() {
		var random [32]byte
		_, _ = rand.Read(random[:])
		s.setup = livetables.NewSecret("lts_" + base64.RawURLEncoding.EncodeToString(random[:]))
	}
	return s.setup.Reveal(), true, nil
}

// setupMatches compares in constant time; nothing matches before SetupToken was called.
func (s *Service) setupMatches(given livetables.Secret) bool {
	s.setupMu.Lock()
	defer s.setupMu.Unlock()
	want, got := sha256.Sum256([]byte(s.setup.Reveal())), sha256.Sum256([]byte(given.Reveal()))
	return !s.setup.IsZero() && subtle.ConstantTimeCompare(want[:], got[:]) == 1
}

// Register makes an account and opens its first session. The errors are *ValidationError, ErrSetup, ErrRegistrationClosed,
// ErrEmailTaken, *RateError and ErrBusy.
func (s *Service) Register(ctx context.Context, in Registration, from Client) (Tokens, error) {
	if err := s.byClient.take(addressKey(from.Address)); err != nil {
		return Tokens{}, err
	}
	// Whoever may not register learns nothing about the fields and costs no hash.
	var accounts int64
	err := s.store.Read(ctx, func(tx adapter.Tx) (err error) {
		accounts, err = countAccounts(ctx, tx, everyRow)
		return err
	})
	if err != nil {
		return Tokens{}, fmt.Errorf("count accounts: %w", err)
	}
	if err := s.mayRegister(accounts, in.SetupToken); err != nil {
		return Tokens{}, err
	}
	acc, err := s.newAccount(ctx, in.Email, in.Name, in.Password)
	if err != nil {
		return Tokens{}, err
	}
	var tokens Tokens
	err = s.write(ctx, func(tx adapter.Tx) error {
		accounts, err := countAccounts(ctx, tx, everyRow)
		if err != nil {
			return err
		}
		// Asked again: of two holders of the setup token one makes the first account.
		if err := s.mayRegister(accounts, in.SetupToken); err != nil {
			return err
		}
		if accounts == 0 {
			acc.Admin, acc.VerifiedAt = true, &acc.CreatedAt // who runs the instance need not prove the address to it
		}
		if err := insertAccount(ctx, tx, acc); err != nil {
			return err
		}
		if tokens, err = s.openSession(ctx, tx, acc, from); err != nil {
			return err
		}
		return s.note(ctx, tx, from, acc.ID, "auth.register", acc.ID, "")
	})
	if err != nil {
		return Tokens{}, wrapUnless(err, "register", ErrEmailTaken, ErrRegistrationClosed, ErrSetup)
	}
	return tokens, nil
}

func (s *Service) mayRegister(accounts int64, setup livetables.Secret) error {
	switch {
	case accounts == 0 && !s.setupMatches(setup):
		return ErrSetup
	case accounts > 0 && s.options.Registration != RegistrationOpen:
		return ErrRegistrationClosed
	}
	return nil
}

// newAccount checks the fields of a new account and hashes its password.
func (s *Service) newAccount(ctx context.Context, email, name string, password livetables.Secret) (account, error) {
	var p problems
	email, name = p.email(email), p.name(name)
	p.password("password", password.Reveal())
	if err := p.err(); err != nil {
		return account{}, err
	}
	hash, err := s.hasher.hash(ctx, password.Reveal())
	if err != nil {
		return account{}, fmt.Errorf("hash password: %w", err)
	}
	now := s.clock().UTC().Truncate(time.Millisecond)
	return account{
		User:     User{ID: minidb.NewID("usr"), Email: email, Name: name, CreatedAt: now, UpdatedAt: now},
		password: hash, epoch: 1,
	}, nil
}

// wrapUnless adds the operation to an error that is none of the service's own.
func wrapUnless(err error, op string, own ...error) error {
	for _, target := range own {
		if errors.Is(err, target) {
			return err
		}
	}
	return fmt.Errorf("%s: %w", op, err)
}
