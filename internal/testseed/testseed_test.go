package testseed

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// recorded is a test that keeps what it is told.
type recorded struct {
	name   string
	logged []string
	failed bool
}

func (r *recorded) Helper()                   {}
func (r *recorded) Name() string              { return r.name }
func (r *recorded) Logf(f string, a ...any)   { r.logged = append(r.logged, fmt.Sprintf(f, a...)) }
func (r *recorded) Fatalf(f string, a ...any) { r.failed = true; r.Logf(f, a...) }

func TestOf(t *testing.T) {
	t.Setenv(Variable, "")
	one, again, other := &recorded{name: "TestOne"}, &recorded{name: "TestOne"}, &recorded{name: "TestOne/sub"}
	seed := Of(one)
	require.NotZero(t, seed)
	require.Equal(t, seed, Of(again), "a test's name is all that its seed depends on")
	require.NotEqual(t, seed, Of(other))
	require.Equal(t, []string{fmt.Sprintf("repeat with LIVETABLES_TEST_SEED=%d", seed)}, one.logged)
	require.Equal(t, uint64(0xc0e27672a61330af), seed, "and it is the same on every machine")

	t.Setenv(Variable, "17")
	require.EqualValues(t, 17, Of(one))
	require.EqualValues(t, 17, Of(other), "a number is for all tests that run")

	t.Setenv(Variable, New)
	require.NotEqual(t, Of(one), Of(one))
	require.False(t, one.failed || again.failed || other.failed)
}

func TestOfRefuses(t *testing.T) {
	for _, setting := range []string{"0", "-1", "random", "1e3", "99999999999999999999"} {
		t.Setenv(Variable, setting)
		r := &recorded{name: "TestOne"}
		Of(r)
		require.True(t, r.failed, setting)
		require.Contains(t, r.logged[0], Variable)
	}
}

// drawn is what a test says that draws random numbers without a seed, or a seed from the clock.
var drawn = regexp.MustCompile(`\brand\.(Uint64|Uint32|Int|IntN|Int32|Int64|Int32N|Int64N|UintN|Uint32N|Uint64N|N|Float32|Float64|NormFloat64|Perm|Shuffle)\(|NewPCG\([^\n]*(rand\.|time\.)|[sS]eed :?= [^\n]*time\.Now`)

// TestEveryTestHasItsSeedFromHere reads the tests of all packages.
func TestEveryTestHasItsSeedFromHere(t *testing.T) {
	root, files := filepath.Join("..", ".."), 0
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, "testseed_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		if found := drawn.Find(source); found != nil && !strings.Contains(string(source), `"crypto/rand"`) {
			t.Errorf("%s: %s: a random test takes its seed from testseed.Of", path, found)
		}
		return nil
	}))
	require.Greater(t, files, 500, "the tests of the module are there")
}
