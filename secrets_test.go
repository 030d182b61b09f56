package livetables_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/internal/seal"
	"github.com/livetables/livetables/lqp"
)

func (w *secretWorld) keys() *livetables.Keys {
	w.t.Helper()
	keys, err := livetables.LoadKeys(filepath.Join(w.dir, "key"))
	require.NoError(w.t, err)
	return keys
}

// TestAttack64CopiedCredential copies sealed passwords in the metadata store: onto another row, into another workspace, and
// an older version back. None of them opens; entering the password again heals the connection.
func TestAttack64CopiedCredential(t *testing.T) {
	w := newSecretWorld(t)
	w.open(w.keys())
	ctx := t.Context()
	other, err := w.owner.CreateWorkspace(ctx, "Other")
	require.NoError(t, err)
	victim := w.connect(w.workspace, "victim", "hunter2-victim")
	sibling := w.connect(w.workspace, "sibling", "hunter2-sibling")
	foreign := w.connect(other.ID, "foreign", "hunter2-foreign")
	code, password := w.test(victim.ID)
	require.Empty(t, code)
	require.Equal(t, "hunter2-victim", password)

	first := w.secret(victim.ID)
	spec := w.spec
	spec.Name = "renamed"
	renamed, err := w.owner.UpdateConnection(ctx, victim.ID, victim.Version, spec)
	require.NoError(t, err)
	second := w.secret(victim.ID)
	require.False(t, bytes.Equal(first, second), "every version has a box of its own")
	changed := livetables.NewSecret("hunter2-new")
	spec.Password = &changed
	_, err = w.owner.UpdateConnection(ctx, victim.ID, renamed.Version, spec)
	require.NoError(t, err)
	third := w.secret(victim.ID)
	code, password = w.test(victim.ID)
	require.Empty(t, code)
	require.Equal(t, "hunter2-new", password)

	attacks := []struct {
		name, id string
		secret   []byte
	}{
		{"onto another row", sibling.ID, third},
		{"into another workspace", foreign.ID, third},
		{"from another workspace", victim.ID, w.secret(foreign.ID)},
		{"the first version back", victim.ID, first},
		{"the second version back", victim.ID, second},
		{"cut", victim.ID, third[:len(third)-1]},
		{"of a form without a version", victim.ID, append([]byte{1}, third[1:]...)},
	}
	for _, attack := range attacks {
		t.Run(attack.name, func(t *testing.T) {
			before := w.secret(attack.id)
			w.overwrite(`UPDATE lt_connection SET secret = ? WHERE id = ?`, lqp.BytesValue(attack.secret), lqp.TextValue(attack.id))
			w.open(w.keys())
			code, password := w.test(attack.id)
			require.Equal(t, livetables.CodeSecretUnreadable, code)
			require.Empty(t, password, "no adapter is opened")
			_, err := w.owner.Schema(ctx, attack.id, true)
			require.Equal(t, livetables.CodeSecretUnreadable, livetables.Code(err))
			w.overwrite(`UPDATE lt_connection SET secret = ? WHERE id = ?`, lqp.BytesValue(before), lqp.TextValue(attack.id))
			w.open(w.keys())
			code, _ = w.test(attack.id)
			require.Empty(t, code)
		})
	}
	t.Run("a row moved to another workspace", func(t *testing.T) {
		w.overwrite(`UPDATE lt_connection SET workspace = ? WHERE id = ?`, lqp.TextValue(other.ID), lqp.TextValue(sibling.ID))
		w.open(w.keys())
		code, _ := w.test(sibling.ID)
		require.Equal(t, livetables.CodeSecretUnreadable, code)
	})
	t.Run("healed by entering it again", func(t *testing.T) {
		spec := w.spec
		again := livetables.NewSecret("hunter2-again")
		spec.Name, spec.Password = "sibling", &again
		_, err := w.owner.UpdateConnection(ctx, sibling.ID, 0, spec)
		require.NoError(t, err)
		code, password := w.test(sibling.ID)
		require.Empty(t, code)
		require.Equal(t, "hunter2-again", password)
	})
	require.NotContains(t, w.everything(), "hunter2")
}

// unversionedForm is a box as it was written before the id of its key stood in front of it.
func unversionedForm(t *testing.T, box []byte) []byte {
	t.Helper()
	require.Equal(t, []byte{2, 16}, box[:2])
	id, err := hex.DecodeString(string(box[2:18]))
	require.NoError(t, err)
	n := binary.BigEndian.Uint16(box[18:20])
	old := binary.BigEndian.AppendUint16([]byte{1}, n+uint16(len(id)))
	return append(append(old, id...), box[20:]...)
}

// TestUnversionedPasswords: those from before the version was bound still open, and are bound by the next write.
func TestUnversionedPasswords(t *testing.T) {
	w := newSecretWorld(t)
	w.open(w.keys())
	c := w.connect(w.workspace, "old", "hunter2")
	old, err := w.keys().Seal(t.Context(), []byte("hunter2"), []byte("connection\x00"+w.workspace+"\x00"+c.ID+"\x00password"))
	require.NoError(t, err)
	old = unversionedForm(t, old)
	w.overwrite(`UPDATE lt_connection SET secret = ?`, lqp.BytesValue(old))
	w.open(w.keys())
	code, password := w.test(c.ID)
	require.Empty(t, code)
	require.Equal(t, "hunter2", password)
	spec := w.spec
	spec.Name = "renamed"
	_, err = w.owner.UpdateConnection(t.Context(), c.ID, 0, spec)
	require.NoError(t, err)
	require.False(t, seal.Unversioned(w.secret(c.ID)))
	code, password = w.test(c.ID)
	require.Empty(t, code)
	require.Equal(t, "hunter2", password)

	w.overwrite(`UPDATE lt_connection SET secret = ?, version = 1`, lqp.BytesValue(old))
	w.open(w.keys())
	r, err := w.engine.RotateSecrets(t.Context(), livetables.RotateOptions{})
	require.NoError(t, err)
	require.Equal(t, livetables.Rotation{Looked: 1, Changed: 1}, r, "a rotation binds them too")
	require.False(t, seal.Unversioned(w.secret(c.ID)))
	code, password = w.test(c.ID)
	require.Empty(t, code)
	require.Equal(t, "hunter2", password)
}

// TestWhatNeedsThePasswordAgain changes every setting of a connection by itself (18).
func TestWhatNeedsThePasswordAgain(t *testing.T) {
	w := newSecretWorld(t)
	w.open(w.keys())
	c := w.connect(w.workspace, "c", "hunter2")
	version := c.Version
	for _, tc := range []struct {
		field  string
		change func(*livetables.ConnectionSpec)
		needs  bool
	}{
		{"host", func(s *livetables.ConnectionSpec) { s.Host = "db.example.com" }, true},
		{"port", func(s *livetables.ConnectionSpec) { s.Port++ }, true},
		{"database", func(s *livetables.ConnectionSpec) { s.Database += "2" }, true},
		{"user", func(s *livetables.ConnectionSpec) { s.User = "postgres2" }, true},
		{"tls", func(s *livetables.ConnectionSpec) { s.TLS = "verify" }, true},
		{"root_ca", func(s *livetables.ConnectionSpec) { s.RootCA = "PEM of somebody" }, true},
		{"name", func(s *livetables.ConnectionSpec) { s.Name = "d" }, false},
		{"schemas", func(s *livetables.ConnectionSpec) { s.Schemas = []string{"public"} }, false},
		{"time_zone", func(s *livetables.ConnectionSpec) { s.TimeZone = "Europe/Oslo" }, false},
	} {
		t.Run(tc.field, func(t *testing.T) {
			before := w.secret(c.ID)
			spec := w.spec
			spec.Name = "c"
			tc.change(&spec)
			stored, err := w.owner.UpdateConnection(t.Context(), c.ID, version, spec)
			if tc.needs {
				require.Equal(t, livetables.CodeInvalid, livetables.Code(err))
				require.ErrorContains(t, err, "needs the password again")
				require.Equal(t, before, w.secret(c.ID), "the stored secret is unchanged")
				return
			}
			require.NoError(t, err)
			version = stored.Version
			code, password := w.test(c.ID)
			require.Empty(t, code)
			require.Equal(t, "hunter2", password)
			spec = w.spec
			spec.Name = "c"
			stored, err = w.owner.UpdateConnection(t.Context(), c.ID, version, spec)
			require.NoError(t, err)
			version = stored.Version
		})
	}
	elsewhere := w.spec
	empty := livetables.NewSecret("")
	elsewhere.Name, elsewhere.Host, elsewhere.Password = "c", "db.example.com", &empty
	stored, err := w.owner.UpdateConnection(t.Context(), c.ID, version, elsewhere)
	require.NoError(t, err)
	require.False(t, stored.HasPassword, "an empty password is none, and leaves with the change")
	require.Empty(t, w.secret(c.ID))
}
