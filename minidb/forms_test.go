package minidb

import (
	"encoding/json"
	"testing"

	"github.com/livetables/livetables/lqp"
)

// FuzzCanonicalJSON: the canonical form is a document that says the same, and its own canonical form.
func FuzzCanonicalJSON(f *testing.F) {
	for _, seed := range []string{`{"b":[1,2.50,{"a":null}],"a":"\ud83d\ude00"}`, `"\ud800"`, `1e999`, ` [ ] `, `{"a":1,"a":2}`, `[1`, `{} {}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, doc string) {
		v := lqp.JSONValue(doc)
		canonical, err := canonicalJSON(doc)
		if v.IsNull() || err != nil {
			return
		}
		again, err := canonicalJSON(canonical)
		if err != nil || again != canonical {
			t.Fatalf("%q becomes %q becomes %q: %v", doc, canonical, again, err)
		}
		if !json.Valid([]byte(canonical)) || lqp.JSONValue(canonical).IsNull() {
			t.Fatalf("%q becomes %q, which is no document", doc, canonical)
		}
	})
}

// FuzzForms: what a form accepts is in canonical form afterwards and fits the column.
func FuzzForms(f *testing.F) {
	for _, seed := range []string{"Ana@EXAMPLE.com", "https://[::1]:1/%zz", "HTTP://A.b?#", "+1 (2) 3.4/5 ext 6", "{0190b5a2-7c4e-7d3a-9f21-5b6c7d8e9f00}", "x\u2028y@a.b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for kind, form := range formats {
			canonical, ok := form.canonical(text)
			if !ok {
				continue
			}
			if again, ok := form.canonical(canonical); !ok || again != canonical {
				t.Fatalf("%s: %q becomes %q becomes %q", kind, text, canonical, again)
			}
		}
	})
}

// FuzzDuration: a duration is written so that it is read back.
func FuzzDuration(f *testing.F) {
	for _, seed := range []string{"1:30:00", "-0:00:07.5", "1h 30m", "P2DT1S", "99999999999999999999", "0.0000000001", "-", "p"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, ok := parseDuration(text)
		if !ok {
			return
		}
		if again, ok := parseDuration(formatDuration(d)); !ok || again.Cmp(d) != 0 {
			t.Fatalf("%q is %s, written %q, read %s", text, d, formatDuration(d), again)
		}
	})
}
