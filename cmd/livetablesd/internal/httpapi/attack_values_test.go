package httpapi

import (
	"encoding/json"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/internal/testseed"
)

// oddValues are values that are rarely right and sometimes are.
func oddValues(p *place) []any {
	return []any{nil, true, false, 0, -1, 1, 2.5, json.Number("9223372036854775807"), json.Number("-9223372036854775809"), json.Number("1e400"), json.Number("1e-400"),
		json.Number("0.1000000000000000000000000000000000000001"), json.Number("-0.0"), "", " ", "a", "b", "-", "\x00", "\u202e", "\ufffd", "\xff", "é", "𝔘", "%", "..", "/", "null", "=", "(", "{", `"`,
		"TRUE()", "1/0", "NOW()", "0x10", "-0", "1e5", "a,b", `["a"]`, "2024-02-29", "2024-02-30", "0000-00-00", "10000-01-01", "9999-12-31T23:59:60Z", "2024-02-29T10:00:00.123456789+05:30",
		"a@b.example", "https://x.example/ü?q=1#f", "1:30:00", "12.50 EUR", "25 %", "52.5,13.4", "123e4567-e89b-12d3-a456-426614174000",
		strings.Repeat("x", 70_000), strings.Repeat("(", 5000), p.workspace, p.base, p.table, p.columns["Name"], p.id("viewer"),
		[]any{}, []any{nil}, []any{"a"}, []any{"a", "a"}, []any{52.5, 13.4}, []any{91, 0}, []any{p.table, p.table}, map[string]any{}, map[string]any{"a": []any{nil, 1.5}}}
}

// odd sends odd values and fails the test for an answer that is not one.
type odd struct {
	*place
	rng    *rand.Rand
	values []any
}

func newOdd(t *testing.T) *odd {
	p := newPlace(t, newInstance(t, nil, "root", "owner", "admin", "editor", "viewer", "stranger"))
	return &odd{place: p, rng: rand.New(rand.NewPCG(testseed.Of(t), 1)), values: oddValues(p)}
}

func one[T any](o *odd, list []T) T { return list[o.rng.IntN(len(list))] }

func (o *odd) value() any { return one(o, o.values) }

// text is one that fits into an address.
func (o *odd) text() string {
	for {
		if s, ok := o.value().(string); ok && len(s) < 3000 {
			return s
		}
	}
}

func (o *odd) send(t testing.TB, method, path string, body any) *answer {
	t.Helper()
	a := o.do(t, "owner", method, path, body)
	if a.status >= 500 {
		doc, _ := json.Marshal(body) // what was sent, for whoever looks
		t.Errorf("%s %.300s %.900s: %d %.600s", method, path, doc, a.status, a.body)
	}
	return a
}

// intact verifies the log of the workspace.
func (o *odd) intact(t *testing.T) {
	t.Helper()
	report, err := o.engine.VerifyLog(t.Context(), o.workspace, livetables.VerifyOptions{})
	require.NoError(t, err)
	require.Nil(t, report.Fault)
}

// TestAttackOddValues sends odd values in the bodies, parameters and paths of every route but those of accounts and those that
// delete: each is answered.
func TestAttackOddValues(t *testing.T) {
	o := newOdd(t)
	path, known := pathOf(t, o.place), bodies(o.place)
	parameters := []string{"limit", "cursor", "sort", "fields", "count", "as_of", "before", "after", "from", "to", "filter", "format", "change", "expand", "version", "labels", "archived", "Name.eq", "Price.gt"}
	for _, r := range routes() {
		if strings.HasPrefix(r.path, "/api/v1/auth") || strings.HasPrefix(r.path, "/api/v1/users") || r.method == "DELETE" {
			continue
		}
		t.Run(r.pattern(), func(t *testing.T) {
			to := path(r)
			for range 15 {
				at, body := to, any(nil)
				if doc := known[r.pattern()]; doc != "" {
					require.NoError(t, json.Unmarshal([]byte(doc), &body))
					for range 1 + o.rng.IntN(2) {
						var ways []any
						leaves(body, o.value(), func(_ string, changed any) { ways = append(ways, changed) })
						if len(ways) > 0 {
							body = one(o, ways)
						}
					}
				}
				if body == nil || o.rng.IntN(3) == 0 {
					separator := "?"
					if strings.Contains(at, "?") {
						separator = "&"
					}
					at += separator + one(o, parameters) + "=" + url.QueryEscape(o.text())
				}
				if parts := strings.Split(at, "/"); o.rng.IntN(6) == 0 && len(parts) > 4 {
					parts[4+o.rng.IntN(len(parts)-4)] = url.PathEscape(o.text())
					at = strings.Join(parts, "/")
				}
				o.send(t, r.method, at, body)
			}
		})
	}
	o.intact(t)
}
