package kills

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"time"

	"github.com/livetables/livetables/audit"
)

// shapes are the definitions of tables, by their ids.
type shapes map[string]*shape

// shape is what a table looks like.
type shape struct {
	Name    string
	Version int64
	Columns map[string]columnShape // by id
}

type columnShape struct{ Name, Type string }

func (s *shape) equal(o *shape) bool {
	return s == o || s != nil && o != nil && s.Name == o.Name && s.Version == o.Version && maps.Equal(s.Columns, o.Columns)
}

// named is the table of that name, or nil.
func (s shapes) named(name string) *shape {
	for _, t := range s {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// column is the column of that name, or the zero one.
func (s *shape) column(name string) columnShape {
	if s != nil {
		for _, c := range s.Columns {
			if c.Name == name {
				return c
			}
		}
	}
	return columnShape{}
}

// tableDocument is a table as the API and the log have it.
type tableDocument struct {
	ID      string           `json:"id"`
	Name    string           `json:"name"`
	Version int64            `json:"version"`
	Columns []columnDocument `json:"columns"`
}

type columnDocument struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Type string `json:"type"`
}

func (d *tableDocument) shape() *shape {
	s := &shape{Name: d.Name, Version: d.Version, Columns: map[string]columnShape{}}
	for _, c := range d.Columns {
		s.Columns[c.ID] = columnShape{c.Name, c.Type}
	}
	return s
}

// readShapes reads the tables of a base from the daemon, whenever it serves.
func (c *campaign) readShapes(ctx context.Context, base string) shapes {
	for c.await(ctx) {
		var page struct {
			Data []tableDocument `json:"data"`
		}
		answer, err := c.client.Send(ctx, http.MethodGet, "/api/v1/bases/"+base+"/tables", nil)
		if err != nil || answer.Status >= 500 {
			time.Sleep(5 * time.Millisecond)
			continue
		}
		if answer.Status != http.StatusOK || json.Unmarshal(answer.Body, &page) != nil {
			c.violation("the tables of base %s cannot be read: status %d", base, answer.Status)
			return nil
		}
		found := shapes{}
		for i := range page.Data {
			found[page.Data[i].ID] = page.Data[i].shape()
		}
		return found
	}
	return nil
}

// shape takes an entry about a table or a column: it must change what the entries before it have left.
func (k *checker) shape(e *audit.Entry) {
	var before, after tableDocument // a column's has the type beside
	var kind struct{ Before, After columnDocument }
	for doc, into := range map[*json.RawMessage][2]any{&e.Before: {&before, &kind.Before}, &e.After: {&after, &kind.After}} {
		for _, v := range into {
			if len(*doc) > 0 && json.Unmarshal(*doc, v) != nil {
				k.c.violation("position %d: the document of %s cannot be read", e.Position, e.Resource)
				return
			}
		}
	}
	t := k.shapes[e.Table]
	if e.ResourceType == "table" {
		switch {
		case len(e.After) == 0:
			delete(k.shapes, e.Table)
		case after.ID != "":
			k.shapes[e.Table] = after.shape()
		case t == nil:
			k.c.violation("position %d: table %s is changed and not there", e.Position, e.Table)
		default:
			if before.Name != "" && before.Name != t.Name {
				k.c.violation("position %d: table %s was named %q before, not %q", e.Position, e.Table, t.Name, before.Name)
			}
			if after.Name != "" {
				t.Name = after.Name
			}
			t.Version = e.Version
		}
		return
	}
	if t == nil {
		k.c.violation("position %d: a column of table %s is changed, and the table is not there", e.Position, e.Table)
		return
	}
	was := t.Columns[e.Resource]
	if kind.Before.Name != "" && kind.Before.Name != was.Name || kind.Before.Type != "" && kind.Before.Type != was.Type {
		k.c.violation("position %d: column %s was %v before, not %v", e.Position, e.Resource, was, kind.Before)
	}
	t.Version = e.Version
	if len(e.After) == 0 {
		delete(t.Columns, e.Resource)
		return
	}
	if kind.After.Name != "" {
		was.Name = kind.After.Name
	}
	if kind.After.Type != "" {
		was.Type = kind.After.Type
	}
	t.Columns[e.Resource] = was
}

// compareShapes compares definitions that are there with those of the log.
func (k *checker) compareShapes(found shapes) {
	for id, s := range found {
		switch logged := k.shapes[id]; {
		case logged == nil:
			k.c.violation("table %s is there, and not in the log", id)
		case !s.equal(logged):
			k.c.violation("table %s is %s, in the log it is %s", id, s, logged)
		}
	}
	for id := range k.shapes {
		if found[id] == nil {
			k.c.violation("table %s is not there, and the log has it", id)
		}
	}
}

// String implements fmt.Stringer.
func (s *shape) String() string {
	if s == nil {
		return "nothing"
	}
	return fmt.Sprintf("%q of version %d with %v", s.Name, s.Version, s.Columns)
}
