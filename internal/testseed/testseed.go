package testseed

import (
	"hash/fnv"
	"math/rand/v2"
	"os"
	"strconv"
)

// Variable is the environment variable that says which seed tests take. Unset, each takes that of its name; a number from 1
// is the seed of all that run, to repeat a failure; [New] has each draw one.
const Variable = "LIVETABLES_TEST_SEED"

// New is what [Variable] is set to for seeds that nobody has tried.
const New = "new"

// T is what is needed of a test, benchmark or fuzz target: testing.TB has it.
type T interface {
	Helper()
	Name() string
	Logf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// Of is the seed of a test, never 0. Unless [Variable] says otherwise it depends on the test's name alone, sub-tests with
// theirs, and so is the same on every machine. It is logged with what repeats it. What else [Variable] may hold ends the test.
func Of(t T) uint64 {
	t.Helper()
	seed, err := choose(os.Getenv(Variable), t.Name())
	if err != nil {
		t.Fatalf("%s: %v: it takes a number from 1, or %q", Variable, err, New)
	}
	t.Logf("repeat with %s=%d", Variable, seed)
	return seed
}

func choose(setting, name string) (uint64, error) {
	switch setting {
	case "":
		h := fnv.New64a()
		_, _ = h.Write([]byte(name)) // a hash takes everything
		return max(h.Sum64(), 1), nil
	case New:
		return max(rand.Uint64(), 1), nil
	}
	seed, err := strconv.ParseUint(setting, 10, 64)
	if err == nil && seed == 0 { // which campaigns take for "a new one"
		err = strconv.ErrRange
	}
	return seed, err
}
