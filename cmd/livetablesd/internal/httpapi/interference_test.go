package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/sqlite"
	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/minidb"
)

// read is a request that changes nothing.
type read struct{ method, path, body string }

// reads are many ways to look at what a member without power may see.
func (a *aviary) reads() []read {
	row, table, workspace := a.ids["row"][1], "/api/v1/tables/"+a.table, a.at("")
	shop := "/api/v1/connections/" + a.ids["connection"][0]
	query := func(rest string) read {
		return read{"POST", workspace + "/query", `{"source":{"table":"` + a.table + `","alias":"t"}` + rest + `}`}
	}
	filter := func(f string) string { return "?count=exact&filter=" + url.QueryEscape(f) }
	list := []read{
		{"GET", workspace, ""}, {"GET", workspace + "/members", ""}, {"GET", workspace + "/bases", ""}, {"GET", workspace + "/views", ""},
		{"GET", workspace + "/connections", ""}, {"GET", table, ""}, {"GET", table + "/columns", ""}, {"GET", a.rows("?count=exact"), ""},
		{"GET", a.rows("?count=exact&sort=-Left,Name&limit=2"), ""}, {"GET", a.rows(filter(`Left < 3 OR TRUE`)), ""}, {"GET", a.rows(filter(`Status = "done"`)), ""},
		{"GET", a.rows("/" + row), ""}, {"GET", a.rows("/" + a.ids["row"][3]), ""}, {"GET", table + "/history", ""}, {"GET", table + "/history?limit=3", ""},
		{"GET", a.rows("/" + row + "/history"), ""}, {"GET", a.rows("/" + a.ids["row"][3] + "/history"), ""}, {"GET", table + "/export.csv", ""},
		{"GET", table + "/export.csv?sort=Name", ""}, {"GET", a.rows("?Secret.starts_with=s"), ""}, {"GET", a.rows("?sort=Secret"), ""},
		query(`,"count":"exact","sorts":["-Price"]`), query(`,"group_by":["Left"],"aggregates":[{"name":"n","function":"countall"},{"name":"m","function":"max","expr":"Name"}],"sorts":["Left"]`),
		query(`,"aggregates":[{"name":"n","function":"countall"},{"name":"s","function":"sum","expr":"Price"},{"name":"u","function":"count_unique","expr":"Name"}]`),
		query(`,"joins":[{"kind":"full","source":{"table":"` + a.table + `","alias":"u"},"on":"t.Left = u.Left AND t.Name < u.Name"}],"columns":["t.Name","u.Name"],"sorts":["t.Name","u.Name"]`),
		query(`,"joins":[{"kind":"left","source":{"connection":"shop","table":"customer","alias":"c"},"on":"t.Left = c.id"}],"columns":["t.Name","c.name"],"sorts":["t.Name"]`),
		query(`,"aggregates":[{"name":"m","function":"max","expr":"Secret"}]`),
		{"POST", workspace + "/query/explain", `{"source":{"table":"` + a.table + `"},"filters":"Left > 1"}`},
		{"POST", workspace + "/query/export.csv", `{"source":{"table":"` + a.table + `"},"sorts":["Name"]}`},
		{"GET", shop + "/schema", ""}, {"GET", shop + "/schema?refresh=true", ""}, {"POST", shop + "/query", `{"source":{"table":"customer"},"count":"exact"}`},
		{"POST", shop + "/query", `{"source":{"table":"invoice","alias":"i"},"joins":[{"kind":"left","source":{"table":"customer","alias":"c"},"on":"c.id = i.customer_id"}],"group_by":["c.name"],"aggregates":[{"name":"n","function":"countall"}],"sorts":["n","c.name"]}`},
		{"POST", shop + "/query/explain", `{"source":{"table":"customer"}}`},
		{"GET", "/public/views/aviary-key/data", ""}, {"GET", "/public/views/aviary-public/data", ""},
		// What writers are told, and nothing of it done.
		{"POST", a.rows("/bulk"), `{"op":"delete","all_rows":true,"dry_run":true}`}, {"POST", a.rows("/bulk"), `{"op":"update","filter":"Left >= 0","rows":[{"fields":{"Left":1}}],"dry_run":true}`},
		{"POST", a.rows("/bulk"), `{"op":"upsert","key":["Name"],"rows":[{"fields":{"Name":"a row out of sight","Left":1}}],"dry_run":true}`},
		{"PATCH", a.rows("/" + row + "?dry_run=true"), `{"fields":{"Left":1},"version":77}`}, {"DELETE", a.rows("/" + a.ids["row"][3] + "?dry_run=true"), ""},
	}
	for _, v := range a.ids["view"] {
		list = append(list, read{"GET", "/api/v1/views/" + v, ""}, read{"GET", "/api/v1/views/" + v + "/data?count=exact&sort=Name", ""},
			read{"POST", workspace + "/query", `{"source":{"table":"` + v + `"},"count":"exact"}`})
	}
	return list
}

// What differs between two answers to the same question: ids of requests and rows made up for a dry run, times, and cursors,
// which are sealed anew each time. The length of a cursor must not differ.
var (
	madeUp  = regexp.MustCompile(`req_[0-9a-z]{26}|"(created_at|updated_at|read_at)":"[^"]*"`)
	fresh   = regexp.MustCompile(`("op":"insert"[^}]*"id":")row_[0-9a-z]{26}`)
	cursors = regexp.MustCompile(`"next_cursor":"[^"]*"`)
)

// look asks everything as somebody and answers with every byte that came back.
func (a *aviary) look(who string) map[string]string {
	seen := map[string]string{}
	for _, r := range a.reads() {
		var body any
		if r.body != "" {
			body = r.body
		}
		got := a.do(a.t, who, r.method, r.path, body)
		got.header.Del("Date")
		got.header.Del("X-Request-Id")
		got.header.Del("Content-Length") // that of the body, in which times are shorter now and then
		head, err := json.Marshal(got.header)
		require.NoError(a.t, err)
		text := madeUp.ReplaceAllString(fmt.Sprint(got.status, string(head), got.body), "$1")
		text = cursors.ReplaceAllStringFunc(fresh.ReplaceAllString(text, "$1"), func(c string) string { return fmt.Sprint("cursor of ", len(c)) })
		seen[r.method+" "+r.path+" "+r.body] = text
	}
	return seen
}

// TestNonInterference changes what some may not see, and nothing else, and compares every byte of what they are answered
// before and after (promise P5). A change of a hidden cell through the API is not invisible, since its row gets a new version
// and time: hidden cells are changed below it. Rows out of sight are changed both ways.
func TestNonInterference(t *testing.T) {
	a := newAviary(t, rand.New(rand.NewPCG(testseed.Of(t), 2)))
	everybody := []string{"viewer", "editor", "stranger", "former", "root", ""}
	before := map[string]map[string]string{}
	for _, who := range everybody {
		before[who] = a.look(who)
	}
	unchanged := func(what string) {
		t.Helper()
		for _, who := range everybody {
			after := a.look(who)
			for question, answer := range before[who] {
				require.Equal(t, answer, after[question], "%s: %q asks %s", what, who, question)
			}
		}
	}
	unchanged("nothing")
	require.NotEqual(t, "", a.look("viewer"))

	hidden, status := a.columns["Secret"], a.columns["Status"]
	below := func(sql string, args ...any) {
		t.Helper()
		require.NoError(t, a.data.Write(t.Context(), func(tx adapter.Tx) error {
			_, err := tx.Exec(t.Context(), fmt.Sprintf(sql, args...))
			return err
		}))
	}
	below(`UPDATE "%s" SET "%s" = 'a much longer secret ' || random()`, a.table, hidden)
	unchanged("hidden cells")
	below(`UPDATE "%s" SET "%s" = NULL`, a.table, hidden)
	unchanged("hidden cells emptied")
	below(`UPDATE "%s" SET "%s" = 'a row out of sight', "%s" = 3, "%s" = 100 WHERE "%s" <> 'open'`, a.table, a.columns["Name"], a.columns["Left"], a.columns["Price"], status)
	unchanged("rows out of sight")

	out := a.ids["row"][3]
	a.must(t, 200, "owner", "PATCH", a.rows("/"+out), `{"fields":{"Name":"changed out of sight","Left":2,"Secret":"x"}}`)
	unchanged("a row out of sight by the API")
	for range 3 {
		a.insert(`{"Name":"a row out of sight","Status":"done","Left":1,"Price":7}`)
	}
	unchanged("new rows out of sight")
	a.must(t, 200, "owner", "POST", a.rows("/"+out+"/lock"), nil)
	unchanged("a lock out of sight")
	a.must(t, 204, "owner", "DELETE", a.rows("/"+a.ids["row"][6]), nil)
	unchanged("a row out of sight deleted")

	a.shop(func(ctx context.Context, tx adapter.Tx) error {
		for _, sql := range []string{`UPDATE customer SET name = 'somebody else' WHERE country <> 'SE'`, `INSERT INTO customer VALUES (77, 'new', 'NO')`} {
			if _, err := tx.Exec(ctx, sql); err != nil {
				return err
			}
		}
		return nil
	})
	unchanged("customers out of sight")

	// In the stranger's workspace anything may happen.
	theirs := "/api/v1/tables/" + a.foreign["table"][0] + "/rows"
	everybody = slices.DeleteFunc(everybody, func(who string) bool { return who == "stranger" })
	a.must(t, 201, "stranger", "POST", theirs, `{"fields":{"Name":"more"}}`)
	a.must(t, 200, "stranger", "PATCH", "/api/v1/workspaces/"+a.foreign["workspace"][0], `{"name":"renamed"}`)
	unchanged("another workspace")

	// The other way about: what they see does change with what they may see.
	below(`UPDATE "%s" SET "%s" = 'seen' WHERE "%s" = 'open'`, a.table, a.columns["Name"], status)
	require.NotEqual(t, before["viewer"]["GET "+a.rows("?count=exact")+" "], a.look("viewer")["GET "+a.rows("?count=exact")+" "])
}

// shop writes to the connected file.
func (a *aviary) shop(f func(ctx context.Context, tx adapter.Tx) error) {
	a.t.Helper()
	files, err := filepath.Glob(filepath.Join(a.dir, "files", "canary*.db"))
	require.NoError(a.t, err)
	require.Len(a.t, files, 1)
	store, err := sqlite.OpenStore(bg, files[0], sqlite.StoreOptions{})
	require.NoError(a.t, err)
	require.NoError(a.t, store.Write(bg, func(tx adapter.Tx) error { return f(bg, tx) }))
	require.NoError(a.t, store.Close())
}

// TestPublicationEndsWithThePublisher closes the account of somebody who has published a view (R22, R23).
func TestPublicationEndsWithThePublisher(t *testing.T) {
	in := newInstance(t, nil, "root", "owner", "admin")
	p := newPlace(t, in)
	p.fill()
	view := p.must(t, 201, "admin", "POST", "/api/v1/views", `{"base_id":"`+p.base+`","name":"V","query":{"source":{"table":"Things"}}}`).text(t, "id")
	p.must(t, 201, "admin", "POST", "/api/v1/views/"+view+"/api", `{"slug":"of-admin","mode":"public"}`)
	public := "/public/views/of-admin/data"
	p.must(t, 200, "", "GET", public, nil)
	p.must(t, 200, "root", "PATCH", "/api/v1/users/"+p.id("admin"), `{"disabled":true}`)
	p.must(t, 404, "", "GET", public, nil)
	p.must(t, 200, "root", "PATCH", "/api/v1/users/"+p.id("admin"), `{"disabled":false}`)
	p.must(t, 200, "", "GET", public, nil)
	p.must(t, 204, "root", "DELETE", "/api/v1/users/"+p.id("admin"), nil)
	p.must(t, 404, "", "GET", public, nil)
}

// TestKeysAreCounted sends the same key until it has had enough, from wherever it comes.
func TestKeysAreCounted(t *testing.T) {
	in := newInstance(t, func(o *Options) {
		o.RateLimit.Public = 0.5
		o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		o.Clock = sync.OnceValue(time.Now)
	}, "root", "owner", "admin")
	p := newPlace(t, in)
	view := p.must(t, 201, "admin", "POST", "/api/v1/views", `{"base_id":"`+p.base+`","name":"V","query":{"source":{"table":"Things"}}}`).text(t, "id")
	p.must(t, 201, "admin", "POST", "/api/v1/views/"+view+"/api", `{"slug":"counted"}`)
	made := p.must(t, 201, "admin", "POST", "/api/v1/views/"+view+"/api/keys", nil)
	key, id := made.text(t, "key"), made.text(t, "id")
	for i := range 6 {
		a := p.do(t, "", "GET", "/public/views/counted/data", nil, "X-Api-Key", key, "X-Forwarded-For", fmt.Sprintf("198.51.100.%d", i))
		require.Equal(t, []int{200, 429}[i/5], a.status)
		if i == 5 {
			require.Equal(t, "key", a.text(t, "limit"), "the key has a bucket of its own")
		}
	}
	require.True(t, minidb.ValidID(id, "key"))
	require.Contains(t, in.log.String(), "principal="+id, "the log names the key by its id")
	require.False(t, strings.Contains(in.log.String(), key))
}
