package livetables

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/internal/seal"
	"github.com/livetables/livetables/minidb"
)

// ErrSecretUnreadable says that a stored password does not open: it was damaged, taken from another place or an older
// version, or its key is gone. Entering the password again is what helps.
var ErrSecretUnreadable = errors.New("the stored password cannot be opened")

// maxPassword is the longest password of a connection in bytes; tokens that some clouds use as passwords fit.
const maxPassword = 16 << 10

// secretPlace is what the sealed password of a connection is bound to in the connection's version: on another row, in
// another workspace or beside settings of another version it does not open.
func secretPlace(c *minidb.Connection, version int64) []byte {
	return seal.Binding{Workspace: c.Workspace, ID: c.ID, Field: "connection password", Version: version}.AAD()
}

// unversionedPlace is what passwords were bound to before their version was part of it.
func unversionedPlace(c *minidb.Connection) []byte {
	return []byte("connection\x00" + c.Workspace + "\x00" + c.ID + "\x00password")
}

// seal puts the spec into the stored connection, the password encrypted and bound to the version that the connection will
// have.
func (e *Engine) seal(ctx context.Context, c *minidb.Connection, spec ConnectionSpec, version int64) error {
	password := spec.Password
	spec.Password = nil
	settings, err := json.Marshal(spec)
	if err != nil {
		return fmt.Errorf("connection settings: %w", err)
	}
	c.Settings, c.Secret = settings, nil
	if password == nil || password.IsZero() {
		return nil
	}
	if e.sealer == nil {
		return &minidb.ValidationError{Fields: []minidb.FieldError{{Column: "password", Code: "no_key",
			Message: "this engine has no key to keep passwords with (Options.Sealer)"}}}
	}
	if c.Secret, err = e.sealer.Seal(ctx, []byte(password.Reveal()), secretPlace(c, version)); err != nil {
		return fmt.Errorf("seal password: %w", err)
	}
	return nil
}

// openSecret gives the password of a connection that has one. The result is the caller's, who overwrites it.
func (e *Engine) openSecret(ctx context.Context, c *minidb.Connection) ([]byte, error) {
	if e.sealer == nil {
		return nil, fmt.Errorf("connection %s: no key to open its password with: %w", c.ID, ErrSecretUnreadable)
	}
	place := secretPlace(c, c.Version)
	if seal.Unversioned(c.Secret) {
		place = unversionedPlace(c)
	}
	plain, err := e.sealer.Open(ctx, c.Secret, place)
	if errors.Is(err, seal.ErrOpen) || errors.Is(err, seal.ErrUnknownKey) {
		e.log.ErrorContext(ctx, "a stored password does not open", "connection", c.ID, "workspace", c.Workspace, "error", err)
		return nil, fmt.Errorf("connection %s: %w: %w", c.ID, ErrSecretUnreadable, err)
	}
	if err != nil {
		return nil, fmt.Errorf("connection %s: open password: %w", c.ID, err)
	}
	return plain, nil
}

// connectionSettings is what an adapter needs to connect, password included.
func (e *Engine) connectionSettings(ctx context.Context, c *minidb.Connection) (adapter.Settings, error) {
	spec, err := storedSpec(c)
	if err != nil {
		return adapter.Settings{}, err
	}
	s := adapter.Settings{Driver: c.Driver, Host: spec.Host, Port: spec.Port, Database: spec.Database, User: spec.User, TLS: spec.TLS,
		RootCA: spec.RootCA, File: spec.File, Schemas: spec.Schemas, TimeZone: spec.TimeZone, ReadOnly: true, Timeout: e.limits.QueryTime}
	if len(c.Secret) > 0 {
		plain, err := e.openSecret(ctx, c)
		if err != nil {
			return s, err
		}
		s.Password = string(plain)
		clear(plain)
	}
	return s, nil
}

// leadsElsewhere reports whether a change of settings could bring the password to somebody who has not had it, or have it
// used in another way. The name, the schemas that are shown and the time zone of its clock do not; whatever may be added to
// the settings does until it is listed here.
func leadsElsewhere(before, after ConnectionSpec) bool {
	for _, s := range []*ConnectionSpec{&before, &after} {
		s.Name, s.Schemas, s.TimeZone, s.Password = "", nil, "", nil
		if s.TLS == "" {
			s.TLS = "verify" // the default
		}
	}
	// The driver is checked before and not part of what is stored.
	before.Driver, after.Driver = "", ""
	was, err := json.Marshal(before)
	is, err2 := json.Marshal(after)
	return err != nil || err2 != nil || string(was) != string(is)
}
