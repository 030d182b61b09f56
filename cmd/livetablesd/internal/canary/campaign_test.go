package canary

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/cmd/livetablesd/internal/httpapi"
	"github.com/livetables/livetables/internal/testseed"
)

// setting is a number in the environment, or else the one given.
func setting(t *testing.T, name string, def uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return def
	}
	n, err := strconv.ParseUint(text, 10, 64)
	require.NoError(t, err, name)
	return n
}

// TestNothingCrossesTenants is a short campaign (promise P4, attacks 20, 21, 22, 46 and 47). A longer one is "make canaries
// N=1000000"; here LIVETABLES_CANARY_REQUESTS says how many.
func TestNothingCrossesTenants(t *testing.T) {
	n := int(setting(t, "LIVETABLES_CANARY_REQUESTS", 3000))
	r, err := Run(t.Context(), Options{Requests: n, Seed: testseed.Of(t), Workers: 2, KeepGoing: true})
	require.NoError(t, err)
	t.Log(r)
	require.Empty(t, r.Findings)
	require.Equal(t, n, r.Requests)
	require.Greater(t, r.Statuses[200], n/20, "most requests come to nothing: the campaign looks at refusals only")
	require.Positive(t, r.Frames)
	require.Greater(t, r.LogLines, int64(n))
	require.Positive(t, r.Files)
	// What cannot be asked is not asked for: everything else is, the more the longer.
	asked, served := 0, 0
	for _, route := range httpapi.Routes() {
		got := r.Routes[route.Method+" "+route.Path]
		if got.Requests > 0 {
			asked++
		}
		if got.Succeeded > 0 {
			served++
		}
	}
	require.Greater(t, 10*asked, 8*len(httpapi.Routes()), "of %d routes only %d were asked", len(httpapi.Routes()), asked)
	require.Greater(t, served, 25, "only %d routes ever had an answer", served)
}

// TestTheSameSeedSendsTheSame makes up requests twice and compares them.
func TestTheSameSeedSendsTheSame(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts two daemons")
	}
	run := func() (list []string) {
		r, err := Run(t.Context(), Options{Requests: 400, Seed: 5, Workers: 1, Tenants: 1, bare: true})
		require.NoError(t, err)
		for route, n := range r.Routes {
			list = append(list, route+" "+strconv.Itoa(n.Requests))
		}
		return list
	}
	require.ElementsMatch(t, run(), run())
}

func TestFlockFindsCanariesInAnyCase(t *testing.T) {
	w := newTestFlock()
	c := w.plant("a row", 1<<3)
	other := w.plant("another", 1<<4)
	for name, text := range map[string]string{
		"as it is": c.text, "in capitals": strings.ToUpper(c.text), "in the middle": `{"a":"x` + c.text + `y"}`, "with a capital": strings.ToUpper(c.text[:1]) + c.text[1:],
		"after a false start": "cnrycnry" + c.text, "behind another": other.text + c.text, "at the end": "cnr " + c.text,
	} {
		found := map[string]bool{}
		w.each([]byte(text), func(c *canary) { found[c.text] = true })
		require.True(t, found[c.text], name)
		require.NotNil(t, w.strange([]byte(text), 9), name)
	}
	require.Nil(t, w.strange([]byte("x "+c.text), 3))
	require.Equal(t, c, w.strange([]byte("x "+c.text), 4))
	for _, text := range []string{"", "c", "cnry", "nry", c.text[1:], c.text[:len(c.text)-1], "xnry" + c.text[4:]} {
		require.Nil(t, w.strange([]byte(text), 9), text)
	}
}
