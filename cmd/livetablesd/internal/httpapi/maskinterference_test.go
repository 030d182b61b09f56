package httpapi

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/internal/testseed"
)

// TestNonInterferenceOfMasks changes masked cells where their masks stay, and compares every byte of what those are answered for
// whom they are masked (promise P5).
func TestNonInterferenceOfMasks(t *testing.T) {
	a := newAviary(t, rand.New(rand.NewPCG(testseed.Of(t), 3)))
	price, left := a.columns["Price"], a.columns["Left"]
	var rules struct{ Data []map[string]json.RawMessage }
	require.NoError(t, json.Unmarshal([]byte(a.must(t, 200, "owner", "GET", a.at("/rules"), nil).body), &rules))
	masked := 0
	for _, r := range rules.Data {
		if string(r["table"]) != `"`+a.table+`"` {
			continue
		}
		var columns map[string]string
		require.NoError(t, json.Unmarshal(r["columns"], &columns))
		columns[price], columns[left] = "masked", "masked"
		r["columns"], _ = json.Marshal(columns) // texts
		r["masks"] = json.RawMessage(`{"` + left + `":"IF(Left > 1, 2, 0)"}`)
		doc, err := json.Marshal(r)
		require.NoError(t, err)
		a.must(t, 200, "owner", "PUT", a.at("/rules"), string(doc))
		masked++
	}
	require.Equal(t, 2, masked, "viewers and editors are bound")

	look := func() map[string]string {
		all := map[string]string{}
		for _, who := range []string{"viewer", "editor"} {
			for question, answer := range a.look(who) {
				if !strings.Contains(question, "/public/") { // read with the rights of the publisher, for whom nothing is masked
					all[who+" asks "+question] = answer
				}
			}
		}
		return all
	}
	before := look()
	change := func(set, where string) {
		t.Helper()
		require.NoError(t, a.data.Write(t.Context(), func(tx adapter.Tx) error {
			_, err := tx.Exec(t.Context(), fmt.Sprintf(`UPDATE %q SET %s WHERE %s`, a.table, set, where))
			return err
		}))
	}
	unchanged := func(what string) {
		t.Helper()
		after := look()
		for question, answer := range before {
			require.Equal(t, answer, after[question], "%s: %s", what, question)
		}
	}
	unchanged("nothing")
	change(fmt.Sprintf(`%q = abs(random() %% 100000)`, price), "1")
	unchanged("cells whose mask is nothing")
	change(fmt.Sprintf(`%q = 1 - %q`, left, left), fmt.Sprintf("%q IN (0, 1)", left))
	unchanged("cells whose mask stays")
	change(fmt.Sprintf(`%q = %q + 7`, left, left), fmt.Sprintf("%q > 1", left))
	unchanged("more cells whose mask stays")

	change(fmt.Sprintf(`%q = 0`, left), "1")
	after := look()
	require.NotEqual(t, before["viewer asks GET "+a.rows("?count=exact")+" "], after["viewer asks GET "+a.rows("?count=exact")+" "], "masks do show what they show")
}
