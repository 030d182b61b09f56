package httpapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// leaves calls f with every way to put v in the place of a scalar or a list inside a document.
func leaves(doc any, v any, f func(path string, changed any)) {
	switch d := doc.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(d)) {
			leaves(d[k], v, func(path string, inner any) {
				c := map[string]any{}
				for name, value := range d {
					c[name] = value
				}
				c[k] = inner
				f("."+k+path, c)
			})
		}
		return
	case []any:
		for i := range d {
			leaves(d[i], v, func(path string, inner any) {
				c := slices.Clone(d)
				c[i] = inner
				f(fmt.Sprintf("[%d]%s", i, path), c)
			})
		}
	}
	f("", v)
}

// TestAttack5ScalarsAreNoObjects sends an object or a list for every scalar in the body of every route that takes JSON, keys
// in other letters and keys that there are none of (R11).
func TestAttack5ScalarsAreNoObjects(t *testing.T) {
	in := newInstance(t, nil, "root", "owner", "admin", "editor", "viewer", "stranger")
	p := newPlace(t, in)
	path, known := pathOf(t, p), bodies(p)
	state := p.stored(t)
	for _, r := range routes() {
		if r.body == bodyNone || r.body == bodyFile || slices.Contains(withoutBody, r.pattern()) {
			continue
		}
		t.Run(r.pattern(), func(t *testing.T) {
			body, ok := known[r.pattern()]
			if !ok {
				t.Fatalf("%s takes a body that this test does not know: add one to bodies", r.pattern())
			}
			var doc any
			require.NoError(t, json.Unmarshal([]byte(body), &doc))
			who := "owner"
			if strings.HasPrefix(r.path, "/api/v1/users") {
				who = "root"
			}
			send := func(what string, body any, code string) {
				p.refused(t, state, attack{name: what, who: who, method: r.method, path: path(r), body: body, code: code})
			}
			for _, other := range []any{map[string]any{"raw": "1=1"}, map[string]any{"$ne": nil}, map[string]any{"$gt": ""}, []any{map[string]any{}}, []any{[]any{"x"}}} {
				leaves(doc, other, func(place string, changed any) {
					if place == "" {
						return
					}
					send("$"+place, changed, "")
				})
			}
			for key := range doc.(map[string]any) {
				value, err := json.Marshal(doc.(map[string]any)[key])
				require.NoError(t, err)
				rest := strings.TrimPrefix(body, "{")
				send("repeated "+key, fmt.Sprintf(`{%q:%s,%s`, key, value, rest), "duplicate_key")
				send("in capitals "+key, fmt.Sprintf(`{%q:%s,%s`, strings.ToUpper(key), value, rest), "unknown_key")
				send("long s "+key, fmt.Sprintf(`{%q:%s,%s`, strings.ReplaceAll(key, "s", "ſ")+"ſ", value, rest), "unknown_key")
			}
			for _, key := range []string{"role_", "is_admin", "workspace_id", "tenant_id", "__proto__", "constructor", "$where", "created_by"} {
				send("unknown "+key, fmt.Sprintf(`{%q:true,%s`, key, strings.TrimPrefix(body, "{")), "unknown_key")
			}
		})
	}
}

// TestAttack8OperatorsAreNoValues sends operators of Mongo as values of filters, to every kind of database.
func TestAttack8OperatorsAreNoValues(t *testing.T) {
	p := newPlace(t, shared)
	for _, b := range besiege(t, p) {
		t.Run(b.name, func(t *testing.T) {
			p.must(t, 200, "owner", "POST", b.query, b.plan(""))
			state, rows := p.stored(t), b.dump()
			for _, op := range []string{`{"$ne":null}`, `{"$gt":""}`, `{"$regex":".*"}`, `{"$where":"1"}`, `{"$expr":true}`, `{"$oid":"5f5f5f5f5f5f5f5f5f5f5f5f"}`, `{"$in":["bolt"]}`, `{}`, `{"k":"raw","sql":"1"}`, `[["x"]]`,
				`{"$function":{"body":"return 1","args":[],"lang":"js"}}`, `{"v":{"$ne":null}}`, `{"k":"lit","v":{"$ne":null}}`} {
				for place, body := range map[string]string{
					"a comparison": b.plan(`,"filters":{"k":"call","f":"eq","a":[{"k":"col","id":"name"},` + op + `]}`),
					"a list":       b.plan(`,"filters":{"k":"call","f":"in","a":[{"k":"col","id":"name"},{"k":"list","a":[{"k":"lit","v":"a"},` + op + `]}]}`),
					"the filter":   b.plan(`,"filters":` + op),
					"the filters":  b.plan(`,"filters":["TRUE()",` + op + `]`),
					"a page":       b.plan(`,"sorts":["id"],"pagination":{"after":[` + op + `]}`),
					"a join":       b.plan(`,"joins":[{"source":{"table":"` + b.table + `","alias":"j"},"on":` + op + `}]`),
				} {
					if op == `[["x"]]` && place == "the filter" || op == "{}" && place == "the filter" {
						continue
					}
					p.refused(t, state, attack{name: place + " " + op, who: "viewer", method: "POST", path: b.query, body: body})
				}
			}
			require.Equal(t, rows, b.dump())
		})
	}
}

// TestAttack9FieldsAreThoseOfTheSchema names operators, paths into documents and parts of a hidden field as columns.
func TestAttack9FieldsAreThoseOfTheSchema(t *testing.T) {
	p := newPlace(t, shared)
	for _, b := range besiege(t, p) {
		if b.connection == "" {
			continue
		}
		t.Run(b.name, func(t *testing.T) {
			columns := map[string]string{"secret": "hidden"}
			if b.name == "mongodb" {
				columns["inner.hidden"] = "hidden"
				require.Contains(t, p.must(t, 200, "viewer", "POST", b.query, b.plan("")).body, "below")
			}
			p.must(t, 200, "owner", "PUT", p.at("/rules"), map[string]any{"connection": b.connection, "table": b.table, "role": "viewer", "columns": columns})
			require.NotContains(t, p.must(t, 200, "viewer", "POST", b.query, b.plan("")).body, "below")
			state, rows := p.stored(t), b.dump()
			for _, name := range []string{"$expr", "a.$where", "$where", "name.$where", "secret", "secret.x", "$secret", "inner.hidden", "inner.hidden.x", "inner.$hidden", "inner..hidden", ".inner.hidden", "inner", "inner.", "$$ROOT", "$$CURRENT.secret", "_id.$oid", "name\u0000"} {
				id := jsonText(name)
				for place, body := range map[string]string{
					"column": b.plan(`,"columns":[{"name":"x","expr":{"k":"col","id":` + id + `}}]`), "filter": b.plan(`,"filters":{"k":"call","f":"is_null","a":[{"k":"col","id":` + id + `}]}`),
					"sort": b.plan(`,"sorts":[{"expr":{"k":"col","id":` + id + `}}]`), "group": b.plan(`,"group_by":[{"name":"g","expr":{"k":"col","id":` + id + `}}]`),
					"formula": b.plan(`,"filters":` + jsonText("IS_BLANK({"+name+"})")),
				} {
					got := p.refused(t, state, attack{name: place + " " + name, who: "viewer", method: "POST", path: b.query, body: body, unwanted: []string{"below"}})
					if place != "formula" && name != "name\u0000" {
						require.Contains(t, got.body, "unknown_column")
					}
				}
			}
			require.Equal(t, rows, b.dump())
		})
	}
}

// TestAttack10CellsAreText writes documents of Mongo's extended JSON into cells: refused as objects, kept as texts.
func TestAttack10CellsAreText(t *testing.T) {
	p := newPlace(t, shared)
	p.fill()
	row := p.insert(`{"Name":"n"}`)
	for _, doc := range []string{`{"_bsontype":"a"}`, `{"$oid":"5f5f5f5f5f5f5f5f5f5f5f5f"}`, `{"$date":"2020-01-01"}`, `{"$numberDecimal":"1"}`, `{"__proto__":{"x":1}}`, `{"toString":"x"}`, `["a"]`, `{"$binary":{"base64":"","subType":"00"}}`} {
		t.Run(doc, func(t *testing.T) {
			state := p.stored(t)
			for _, column := range []string{"Name", "Price", "Left", "Status", "Day", "Live"} {
				fields := fmt.Sprintf(`{%q:%s}`, column, doc)
				for _, a := range []attack{
					{method: "POST", path: p.rows(""), body: `{"fields":` + fields + `}`},
					{method: "PATCH", path: p.rows("/" + row), body: `{"fields":` + fields + `}`},
					{method: "POST", path: p.rows("/bulk"), body: `{"op":"insert","rows":[{"fields":{"Name":"x"}},{"fields":` + fields + `}]}`},
					{method: "POST", path: p.rows("/bulk"), body: `{"op":"upsert","key":["Name"],"rows":[{"fields":` + fields + `}]}`},
					{method: "POST", path: p.rows("/bulk"), body: `{"op":"update","all_rows":true,"rows":[{"fields":` + fields + `}]}`},
					{method: "POST", path: "/api/v1/tables/" + p.table + "/columns", body: `{"name":"New","type":"text","default":` + doc + `}`},
				} {
					a.who = "owner"
					p.refused(t, state, a)
				}
			}
			// As a text it is a text, everywhere.
			made := p.must(t, 201, "owner", "POST", p.rows(""), map[string]any{"fields": map[string]any{"Name": doc}})
			require.Equal(t, doc, made.text(t, "fields.Name"))
			require.Equal(t, []string{doc}, names(t, p.must(t, http.StatusOK, "viewer", "GET", p.rows("?Name.eq="+url.QueryEscape(doc)), nil)))
			p.must(t, 204, "owner", "DELETE", p.rows("/"+made.text(t, "id")), nil)
		})
	}
}
