package lqp

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/testseed"
)

// Strings are looked at eight bytes at a time: every byte has to be seen wherever it stands.
func TestAppendJSONStringAnywhere(t *testing.T) {
	for c := range 256 {
		for length := range 20 {
			for at := range length {
				s := make([]byte, length)
				for i := range s {
					s[i] = "a~ Z\x7f"[i%5]
				}
				s[at] = byte(c)
				got := AppendJSONString(nil, s)
				require.Equal(t, got, AppendJSONString(nil, string(s)))
				if !utf8.Valid(s) {
					require.Equal(t, `"`+string(s)+`"`, string(got), "other bytes stay")
					require.Equal(t, "null", string(AppendJSONText(nil, s)))
					continue
				}
				var back string
				require.NoError(t, json.Unmarshal(got, &back), "%q", s)
				require.Equal(t, string(s), back)
			}
		}
	}
}

func TestAppendJSONTextIsItsValue(t *testing.T) {
	seed := testseed.Of(t)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 20_000 {
		s := make([]byte, r.IntN(40))
		for i := range s {
			s[i] = []byte("ab\"\\\n\x00\x1f \xc3\xa9\xff")[r.IntN(11)]
		}
		require.Equal(t, string(TextValue(string(s)).AppendJSON(nil)), string(AppendJSONText(nil, s)), "seed %d, %q", seed, s)
	}
	long := make([]byte, MaxText+1)
	for i := range long {
		long[i] = 'x'
	}
	require.Equal(t, "null", string(AppendJSONText(nil, long)))
}
