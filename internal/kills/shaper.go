package kills

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/livetables/livetables/internal/daemontest"
)

// shaper is one client that changes definitions in a base of its own: tables, columns, formulas, links, indexes.
type shaper struct {
	c               *campaign
	number          int
	workspace, base string
	random          *rand.Rand
	known           shapes // what it has read last
	n               int
}

// change is one change of definitions.
type change struct {
	kind, method, path string
	body               string
	media              string
	// done tells from what is there whether it was made. Nil when that cannot be seen there.
	done func(shapes) bool
}

const (
	mostTables  = 6
	mostColumns = 12
)

// run changes definitions until everything else has ended.
func (s *shaper) run(ctx context.Context, end <-chan struct{}) {
	for ctx.Err() == nil {
		select {
		case <-end:
			return
		default:
			s.one(ctx)
		}
	}
}

// one sends one change, and looks at what there is after it.
func (s *shaper) one(ctx context.Context) {
	s.c.pause.RLock()
	defer s.c.pause.RUnlock()
	if !s.c.await(ctx) {
		return
	}
	s.n++
	o := s.next(ctx)
	end := lost
	answer, err := s.c.client.Send(ctx, o.method, o.path, []byte(o.body), "Content-Type", o.media)
	switch {
	case err != nil, answer.Status >= 500:
	case answer.Status < 300:
		end = acknowledged
	default:
		end = refused
		s.c.count(fmt.Sprintf("%d %s of %s", answer.Status, answer.Code(), o.kind))
	}
	s.c.shaped(o.kind, end)
	found := s.c.readShapes(ctx, s.base)
	if found == nil {
		return
	}
	s.judge(o, end, answer, found)
	s.known = found
}

// judge compares what a change was answered with and what there is.
func (s *shaper) judge(o *change, end ending, answer *daemontest.Answer, found shapes) {
	same := maps.EqualFunc(s.known, found, (*shape).equal)
	done := o.done == nil || o.done(found)
	switch {
	case end == acknowledged && !done:
		s.c.violation("%s %s was acknowledged (%s) and is lost: %v, before %v", o.kind, o.path, answer.Body, found, s.known)
	case end == refused && !same:
		s.c.violation("%s %s was refused, and there is something else than before: %v, %v", o.kind, o.path, s.known, found)
	case end == lost && !same && !done:
		s.c.violation("%s %s was done by half: %v, before %v", o.kind, o.path, found, s.known)
	}
}

// next makes up the next change.
func (s *shaper) next(ctx context.Context) *change {
	r := s.random
	name := fmt.Sprintf("s%d %d", s.number, s.n)
	ids := slices.Sorted(maps.Keys(s.known))
	roll := r.IntN(100)
	switch {
	case len(ids) == 0 || roll < 12 && len(ids) < mostTables:
		return s.table(name)
	case roll < 17 && len(ids) < mostTables:
		return &change{kind: "import", method: http.MethodPost, path: "/api/v1/bases/" + s.base + "/import?name=" + url.QueryEscape(name), media: "text/csv",
			body: "A,N\n" + strings.Repeat("text,12\n", imports), done: func(f shapes) bool { return f.named(name) != nil }}
	case roll < 25:
		if o := s.restore(ctx); o != nil {
			return o
		}
	}
	id := ids[r.IntN(len(ids))]
	t := s.known[id]
	path := "/api/v1/tables/" + id
	switch {
	case roll < 32:
		return &change{kind: "rename table", method: http.MethodPatch, path: path, media: jsonMedia, body: fmt.Sprintf(`{"name":%q}`, name), done: func(f shapes) bool { return f.named(name) != nil }}
	case roll < 38:
		return &change{kind: "delete table", method: http.MethodDelete, path: path, media: jsonMedia, done: func(f shapes) bool { return f[id] == nil }}
	case roll < 50:
		rows := strings.Repeat(`{"fields":{}},`, 5)
		return &change{kind: "rows", method: http.MethodPost, path: path + "/rows/bulk", media: jsonMedia, body: `{"op":"insert","rows":[` + rows[:len(rows)-1] + `]}`}
	case roll < 66 && len(t.Columns) < mostColumns || len(t.Columns) == 0:
		return s.column(id, name)
	}
	column := slices.Sorted(maps.Keys(t.Columns))[r.IntN(len(t.Columns))]
	at := path + "/columns/" + column
	switch is := t.Columns[column]; {
	case roll < 72:
		return &change{kind: "rename column", method: http.MethodPatch, path: at, media: jsonMedia, body: fmt.Sprintf(`{"name":%q}`, name), done: func(f shapes) bool { return f[id].column(name).Name != "" }}
	case roll < 84 && is.Type != "formula" && is.Type != "link":
		to := []string{"text", "integer", "decimal", "long_text"}[r.IntN(4)]
		return &change{kind: "retype", method: http.MethodPost, path: at + "/type", media: jsonMedia, body: fmt.Sprintf(`{"type":%q,"accept_loss":true}`, to),
			done: func(f shapes) bool { return f[id] != nil && f[id].Columns[column].Type == to }}
	case roll < 92:
		return &change{kind: "index", method: http.MethodPost, path: path + "/indexes", media: jsonMedia, body: fmt.Sprintf(`{"columns":[{"column":%q}]}`, column)}
	}
	return &change{kind: "delete column", method: http.MethodDelete, path: at + "?force=true", media: jsonMedia, done: func(f shapes) bool {
		if f[id] == nil {
			return false
		}
		_, there := f[id].Columns[column]
		return !there
	}}
}

const jsonMedia = "application/json"

// table makes a table with a formula.
func (s *shaper) table(name string) *change {
	return &change{kind: "make table", method: http.MethodPost, path: "/api/v1/bases/" + s.base + "/tables", media: jsonMedia,
		body: fmt.Sprintf(`{"name":%q,"columns":[{"name":"A","type":"text"},{"name":"N","type":"integer"},{"name":"F","type":"formula","options":{"formula":"N*2"}}]}`, name),
		done: func(f shapes) bool { t := f.named(name); return t != nil && len(t.Columns) == 3 }}
}

// column makes a column of a table: of values, of a formula, or a link with its other side in another table.
func (s *shaper) column(table, name string) *change {
	o := &change{kind: "make column", method: http.MethodPost, path: "/api/v1/tables/" + table + "/columns", media: jsonMedia,
		done: func(f shapes) bool { return f[table].column(name).Name != "" }}
	switch s.random.IntN(5) {
	case 0:
		o.body = fmt.Sprintf(`{"name":%q,"type":"integer","default":7}`, name)
	case 1:
		o.kind, o.body = "make unique column", fmt.Sprintf(`{"name":%q,"type":"text","unique":true}`, name)
	case 2:
		o.kind, o.body = "make formula", fmt.Sprintf(`{"name":%q,"type":"formula","options":{"formula":"1+1"}}`, name)
	default:
		ids := slices.Sorted(maps.Keys(s.known))
		target, back := ids[s.random.IntN(len(ids))], name+" back"
		o.kind, o.body = "make link", fmt.Sprintf(`{"name":%q,"type":"link","options":{"link":{"table_id":%q}},"inverse":{"name":%q}}`, name, target, back)
		o.done = func(f shapes) bool { return f[table].column(name).Name != "" && f[target].column(back).Name != "" }
	}
	return o
}

// restore brings something back from the trash, or nothing when there is nothing.
func (s *shaper) restore(ctx context.Context) *change {
	var page struct {
		Data []struct {
			ID       string `json:"id"`
			Kind     string `json:"kind"`
			Resource string `json:"resource_id"`
			Place    string `json:"place_id"`
		} `json:"data"`
	}
	answer, err := s.c.client.Send(ctx, http.MethodGet, "/api/v1/workspaces/"+s.workspace+"/trash", nil)
	if err != nil || answer.Status != http.StatusOK || json.Unmarshal(answer.Body, &page) != nil {
		return nil
	}
	s.random.Shuffle(len(page.Data), func(i, j int) { page.Data[i], page.Data[j] = page.Data[j], page.Data[i] })
	for _, e := range page.Data {
		column := e.Kind == "column" && s.known[e.Place] != nil
		if !column && (e.Kind != "table" || e.Place != s.base || len(s.known) >= mostTables) {
			continue
		}
		var version int64
		if column {
			version = s.known[e.Place].Version
		}
		return &change{kind: "restore " + e.Kind, method: http.MethodPost, path: "/api/v1/trash/" + e.ID + "/restore", media: jsonMedia,
			body: fmt.Sprintf(`{"name":"s%d %d","loose":true}`, s.number, s.n), done: func(f shapes) bool {
				if !column {
					return f[e.Resource] != nil
				}
				return f[e.Place] != nil && f[e.Place].Version > version // a formula may be broken, and not be shown
			}}
	}
	return nil
}

// shaped counts a change of definitions.
func (c *campaign) shaped(kind string, end ending) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.report.Shapings++
	c.report.Shapes[kind+map[ending]string{lost: " of unknown end", refused: " refused"}[end]]++
}
