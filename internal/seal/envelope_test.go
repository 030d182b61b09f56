package seal

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func testKeys(t testing.TB, seed byte) *Keys {
	t.Helper()
	master := make([]byte, KeySize)
	for i := range master {
		master[i] = byte(i*7) ^ seed ^ 0x80
	}
	keys, err := NewKeys(master)
	require.NoError(t, err)
	return keys
}

var place = Binding{Workspace: "wsp_1", ID: "con_1", Field: "password", Version: 3}.AAD()

func TestSealRoundTrip(t *testing.T) {
	keys := testKeys(t, 0)
	for _, size := range []int{0, 1, 15, 16, 17, 4096, MaxPlaintext} {
		plaintext := bytes.Repeat([]byte{0xA5}, size)
		box, err := keys.Seal(t.Context(), plaintext, place)
		require.NoError(t, err)
		again, err := keys.Seal(t.Context(), plaintext, place)
		require.NoError(t, err)
		require.NotEqual(t, box, again, "two boxes of one secret must differ")
		if size >= 15 {
			require.False(t, bytes.Contains(box, plaintext))
		}
		opened, err := keys.Open(t.Context(), box, place)
		require.NoError(t, err)
		require.True(t, bytes.Equal(plaintext, opened))
	}
	_, err := keys.Seal(t.Context(), make([]byte, MaxPlaintext+1), place)
	require.Error(t, err)
}

// TestSealedBoxOpensOnlyInItsPlace is the attack of copying a sealed credential onto another row or workspace.
func TestSealedBoxOpensOnlyInItsPlace(t *testing.T) {
	keys := testKeys(t, 0)
	box, err := keys.Seal(t.Context(), []byte("secret"), place)
	require.NoError(t, err)
	elsewhere := map[string]Binding{
		"workspace": {"wsp_2", "con_1", "password", 3},
		"row":       {"wsp_1", "con_2", "password", 3},
		"field":     {"wsp_1", "con_1", "token", 3},
		"version":   {"wsp_1", "con_1", "password", 2},
		"shifted":   {"wsp_1c", "on_1", "password", 3},
		"empty":     {},
	}
	for name, where := range elsewhere {
		t.Run(name, func(t *testing.T) {
			_, err := keys.Open(t.Context(), box, where.AAD())
			require.ErrorIs(t, err, ErrOpen)
		})
	}
	_, err = testKeys(t, 1).Open(t.Context(), box, place)
	require.ErrorIs(t, err, ErrUnknownKey)
}

func TestOpenRefusesDamage(t *testing.T) {
	keys := testKeys(t, 0)
	box, err := keys.Seal(t.Context(), []byte("secret"), place)
	require.NoError(t, err)
	for i := range box {
		for _, bit := range []byte{1, 0x80} {
			bad := bytes.Clone(box)
			bad[i] ^= bit
			_, err := keys.Open(t.Context(), bad, place)
			require.Truef(t, errors.Is(err, ErrOpen) || errors.Is(err, ErrUnknownKey), "byte %d: %v", i, err)
		}
		_, err := keys.Open(t.Context(), box[:i], place)
		require.Errorf(t, err, "cut to %d bytes", i)
	}
	_, err = keys.Open(t.Context(), append(bytes.Clone(box), 0), place)
	require.ErrorIs(t, err, ErrOpen)
}

// downManager is a key service that cannot be reached.
type downManager struct{}

var errDown = errors.New("key service is down")

func (downManager) KeyID(context.Context) (string, error) { return "", errDown }
func (downManager) Wrap(context.Context, []byte, []byte) ([]byte, string, error) {
	return nil, "", errDown
}
func (downManager) Unwrap(context.Context, string, []byte, []byte) ([]byte, error) {
	return nil, errDown
}

func newSealer(t testing.TB, m KeyManager) *Sealer {
	t.Helper()
	s, err := NewSealer(m, randomKey())
	require.NoError(t, err)
	return s
}

func TestSealerWithoutKeyServiceRefuses(t *testing.T) {
	down := newSealer(t, downManager{})
	box, err := down.Seal(t.Context(), []byte("secret"), place)
	require.ErrorIs(t, err, ErrUnavailable)
	require.ErrorIs(t, err, errDown)
	require.Nil(t, box)
	box, err = testKeys(t, 0).Seal(t.Context(), []byte("secret"), place)
	require.NoError(t, err)
	plaintext, err := down.Open(t.Context(), box, place)
	require.ErrorIs(t, err, ErrUnavailable)
	require.Nil(t, plaintext)
	_, err = down.Rewrap(t.Context(), box, place)
	require.ErrorIs(t, err, ErrUnavailable)
	_, err = NewSealer(nil, randomKey())
	require.Error(t, err)
	_, err = NewSealer(downManager{}, make([]byte, KeySize))
	require.ErrorIs(t, err, ErrWeakKey)
}

// looseManager is a key service that does not look at aad, and remembers it.
type looseManager struct {
	id   string
	last []byte
}

func (m *looseManager) KeyID(context.Context) (string, error) { return m.id, nil }

func (m *looseManager) Wrap(_ context.Context, key, aad []byte) ([]byte, string, error) {
	m.last = aad
	return bytes.Clone(key), m.id, nil
}

func (m *looseManager) Unwrap(_ context.Context, _ string, wrapped, aad []byte) ([]byte, error) {
	m.last = aad
	return bytes.Clone(wrapped), nil
}

// TestBothLayersAreBound: the data key and the secret are each bound to their place, so that a weak key service is not the
// end of it.
func TestBothLayersAreBound(t *testing.T) {
	loose := &looseManager{id: "loose"}
	s := newSealer(t, loose)
	box, err := s.Seal(t.Context(), []byte("secret"), place)
	require.NoError(t, err)
	require.True(t, bytes.HasSuffix(loose.last, place))
	_, err = s.Open(t.Context(), box, Binding{}.AAD())
	require.ErrorIs(t, err, ErrOpen)
	require.True(t, bytes.HasSuffix(loose.last, Binding{}.AAD()))
	for _, id := range []string{"", string(make([]byte, 256))} {
		loose.id = id
		_, err = s.Seal(t.Context(), []byte("secret"), place)
		require.Error(t, err, "an id that the envelope cannot hold")
	}
}

// TestUnversionedBoxes opens what was sealed before a key's id stood in front, byte by byte as it was then.
func TestUnversionedBoxes(t *testing.T) {
	keys := testKeys(t, 0)
	old := unversioned(t, keys, []byte("secret"), place)
	require.True(t, Unversioned(old))
	plain, err := keys.Open(t.Context(), old, place)
	require.NoError(t, err)
	require.Equal(t, "secret", string(plain))
	id, err := KeyOf(old)
	require.NoError(t, err)
	require.Equal(t, keys.ID(), id)
	_, err = keys.Rewrap(t.Context(), old, place)
	require.ErrorIs(t, err, ErrOpen, "it is sealed anew, never taken over as it is")
	box, err := keys.Seal(t.Context(), []byte("secret"), place)
	require.NoError(t, err)
	require.False(t, Unversioned(box))
}

// unversioned seals in form 1.
func unversioned(t testing.TB, keys *Keys, plain, aad []byte) []byte {
	t.Helper()
	dataKey := randomKey()
	wrapped, id, err := keys.Wrap(context.Background(), dataKey, aadOfKey(aad))
	require.NoError(t, err)
	prefix, err := hex.DecodeString(id)
	require.NoError(t, err)
	wrapped = append(prefix, wrapped...)
	aead, err := newGCM(dataKey)
	require.NoError(t, err)
	box := binary.BigEndian.AppendUint16([]byte{formUnversioned}, uint16(len(wrapped)))
	return sealInto(append(box, wrapped...), aead, plain, aadOfSecret(aad))
}

// FuzzOpen: nothing opens that was not sealed, nothing panics, and what can be taken apart is put together again alike.
func FuzzOpen(f *testing.F) {
	keys := testKeys(f, 0)
	box, err := keys.Seal(context.Background(), []byte("secret"), place)
	require.NoError(f, err)
	f.Add(box)
	f.Add(unversioned(f, keys, []byte("secret"), place))
	f.Add([]byte{})
	f.Add([]byte{1, 0xff, 0xff})
	f.Add([]byte{2, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		plaintext, err := keys.Open(t.Context(), data, place)
		// Fuzzing runs in several processes, each with a box of its own under the same key: any of them may open.
		if err == nil && string(plaintext) != "secret" {
			t.Fatalf("forged box opened to %q", plaintext)
		}
		if err != nil && !errors.Is(err, ErrOpen) && !errors.Is(err, ErrUnknownKey) {
			t.Fatalf("error of another kind: %v", err)
		}
		if e, err := parse(data); err == nil && e.form == formPresent {
			again, err := e.encode()
			if err != nil || !bytes.Equal(again, data) {
				t.Fatalf("%x became %x: %v", data, again, err)
			}
		}
	})
}

func ExampleKeys_Seal() {
	master := []byte{ // comes from a key file, see LoadOrCreate
		0x9f, 0x12, 0x7c, 0x55, 0xe3, 0x08, 0xd1, 0x6a, 0x44, 0xbe, 0x21, 0xf7, 0x3d, 0x90, 0xc8, 0x5b,
		0x02, 0xaf, 0x76, 0xe9, 0x1d, 0x83, 0x4c, 0xd5, 0x60, 0xfb, 0x37, 0xa2, 0x8e, 0x19, 0xc4, 0x71,
	}
	keys, err := NewKeys(master)
	if err != nil {
		panic(err)
	}
	box, err := keys.Seal(context.Background(), []byte("tiger"), Binding{Workspace: "wsp_1", ID: "con_1", Field: "password", Version: 1}.AAD())
	if err != nil {
		panic(err)
	}
	_, err = keys.Open(context.Background(), box, Binding{Workspace: "wsp_2", ID: "con_1", Field: "password", Version: 1}.AAD())
	fmt.Println(errors.Is(err, ErrOpen))
	plaintext, err := keys.Open(context.Background(), box, Binding{Workspace: "wsp_1", ID: "con_1", Field: "password", Version: 1}.AAD())
	fmt.Println(string(plaintext), err)
	// Output:
	// true
	// tiger <nil>
}
