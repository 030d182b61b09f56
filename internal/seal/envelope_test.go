package seal

import (
	"bytes"
	"context"
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
		box, err := keys.Seal(plaintext, place)
		require.NoError(t, err)
		again, err := keys.Seal(plaintext, place)
		require.NoError(t, err)
		require.NotEqual(t, box, again, "two boxes of one secret must differ")
		if size >= 15 {
			require.False(t, bytes.Contains(box, plaintext))
		}
		opened, err := keys.Open(box, place)
		require.NoError(t, err)
		require.True(t, bytes.Equal(plaintext, opened))
	}
	_, err := keys.Seal(make([]byte, MaxPlaintext+1), place)
	require.Error(t, err)
}

// TestSealedBoxOpensOnlyInItsPlace is the attack of copying a sealed credential onto another row or workspace.
func TestSealedBoxOpensOnlyInItsPlace(t *testing.T) {
	keys := testKeys(t, 0)
	box, err := keys.Seal([]byte("secret"), place)
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
			_, err := keys.Open(box, where.AAD())
			require.ErrorIs(t, err, ErrOpen)
		})
	}
	_, err = testKeys(t, 1).Open(box, place)
	require.ErrorIs(t, err, ErrUnknownKey)
}

func TestOpenRefusesDamage(t *testing.T) {
	keys := testKeys(t, 0)
	box, err := keys.Seal([]byte("secret"), place)
	require.NoError(t, err)
	for i := range box {
		for _, bit := range []byte{1, 0x80} {
			bad := bytes.Clone(box)
			bad[i] ^= bit
			_, err := keys.Open(bad, place)
			require.Truef(t, errors.Is(err, ErrOpen) || errors.Is(err, ErrUnknownKey), "byte %d: %v", i, err)
		}
		_, err := keys.Open(box[:i], place)
		require.Errorf(t, err, "cut to %d bytes", i)
	}
	_, err = keys.Open(append(bytes.Clone(box), 0), place)
	require.ErrorIs(t, err, ErrOpen)
}

// downManager is a key service that cannot be reached.
type downManager struct{}

var errDown = errors.New("key service is down")

func (downManager) Wrap(context.Context, []byte, []byte) ([]byte, error)   { return nil, errDown }
func (downManager) Unwrap(context.Context, []byte, []byte) ([]byte, error) { return nil, errDown }

func TestSealerWithoutKeyServiceRefuses(t *testing.T) {
	box, err := NewSealer(downManager{}).Seal(t.Context(), []byte("secret"), place)
	require.ErrorIs(t, err, errDown)
	require.Nil(t, box)
	box, err = testKeys(t, 0).Seal([]byte("secret"), place)
	require.NoError(t, err)
	plaintext, err := NewSealer(downManager{}).Open(t.Context(), box, place)
	require.ErrorIs(t, err, errDown)
	require.Nil(t, plaintext)
}

// looseManager is a key service that does not look at aad, and remembers it.
type looseManager struct{ last []byte }

func (m *looseManager) Wrap(_ context.Context, key, aad []byte) ([]byte, error) {
	m.last = aad
	return bytes.Clone(key), nil
}

func (m *looseManager) Unwrap(_ context.Context, wrapped, aad []byte) ([]byte, error) {
	m.last = aad
	return bytes.Clone(wrapped), nil
}

// TestBothLayersAreBound: the data key and the secret are each bound to their place, so that a weak key service is not the
// end of it.
func TestBothLayersAreBound(t *testing.T) {
	loose := &looseManager{}
	s := NewSealer(loose)
	box, err := s.Seal(t.Context(), []byte("secret"), place)
	require.NoError(t, err)
	require.True(t, bytes.HasSuffix(loose.last, place))
	_, err = s.Open(t.Context(), box, Binding{}.AAD())
	require.ErrorIs(t, err, ErrOpen)
	require.True(t, bytes.HasSuffix(loose.last, Binding{}.AAD()))
}

func FuzzOpen(f *testing.F) {
	keys := testKeys(f, 0)
	box, err := keys.Seal([]byte("secret"), place)
	require.NoError(f, err)
	f.Add(box)
	f.Add([]byte{})
	f.Add([]byte{1, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		plaintext, err := keys.Open(data, place)
		// Fuzzing runs in several processes, each with a box of its own under the same key: any of them may open.
		if err == nil && string(plaintext) != "secret" {
			t.Fatalf("forged box opened to %q", plaintext)
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
	box, err := keys.Seal([]byte("tiger"), Binding{Workspace: "wsp_1", ID: "con_1", Field: "password", Version: 1}.AAD())
	if err != nil {
		panic(err)
	}
	_, err = keys.Open(box, Binding{Workspace: "wsp_2", ID: "con_1", Field: "password", Version: 1}.AAD())
	fmt.Println(errors.Is(err, ErrOpen))
	plaintext, err := keys.Open(box, Binding{Workspace: "wsp_1", ID: "con_1", Field: "password", Version: 1}.AAD())
	fmt.Println(string(plaintext), err)
	// Output:
	// true
	// tiger <nil>
}
