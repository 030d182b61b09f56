package minidb_test

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// modelRow is a row of the model: a Go map that obeys the same rules.
type modelRow struct {
	name, code string // "" is NULL
	stock      int64  // -1 is NULL
	version    int64
}

// fresh is a new row before it is given values.
var fresh = modelRow{stock: -1}

type model map[string]modelRow

// legal says whether the rows may stand together.
func (m model) legal() bool {
	codes := make(map[string]bool)
	for _, r := range m {
		if r.name == "" || r.code != "" && codes[r.code] {
			return false
		}
		codes[r.code] = true
	}
	return true
}

// patchRow draws values and applies them to a row; the row's version counts only real changes.
func patchRow(t *rapid.T, r *modelRow, isNew bool) values {
	old := *r
	v := values{}
	if isNew || rapid.Bool().Draw(t, "set name") {
		r.name = rapid.SampledFrom([]string{"x", "y", "z", "x", "y", "z", "w", ""}).Draw(t, "name")
		v["Name"] = text(r.name)
	}
	if rapid.Bool().Draw(t, "set code") {
		r.code = rapid.SampledFrom([]string{"", "a", "b", "c", "d", "e"}).Draw(t, "code")
		v["Code"] = text(r.code)
	}
	if rapid.Bool().Draw(t, "set stock") {
		r.stock = rapid.Int64Range(0, 3).Draw(t, "stock")
		v["Stock"] = num(r.stock)
	}
	if isNew {
		r.version = 1
	} else if *r != old {
		r.version++
	}
	return v
}

// history drives the database and the model together.
type history struct {
	*table
	rows    model
	entries int64
}

// step applies a mutation that should bring the model to next, or be refused when legal is false.
func (h *history) step(t *rapid.T, m *lqp.Mutation, next model, legal bool) minidb.Result {
	m.DryRun = rapid.IntRange(0, 9).Draw(t, "dry run") == 0
	r, err := h.try(m, minidb.Guard{})
	if !legal {
		var v *minidb.ValidationError
		var c *minidb.ConflictError
		if err == nil || !errors.As(err, &v) && !errors.As(err, &c) && !errors.Is(err, minidb.ErrNotFound) {
			t.Fatalf("%s %+v: %v; the model refuses it", m.Op, m.Rows, err)
		}
		return r
	}
	if err != nil {
		t.Fatalf("%s %+v: %v; the model allows it", m.Op, m.Rows, err)
	}
	if m.DryRun {
		return r
	}
	for _, row := range r.Rows {
		if row.Op == lqp.Insert {
			if n, ok := next["new"]; ok { // the model learns the id
				delete(next, "new")
				next[row.ID] = n
			}
		}
	}
	h.entries += int64(r.Affected)
	h.rows = next
	return r
}

func (h *history) some(t *rapid.T) string {
	ids := slices.Sorted(maps.Keys(h.rows))
	if len(ids) == 0 || rapid.IntRange(0, 15).Draw(t, "missing row") == 0 {
		return minidb.NewID("row")
	}
	return rapid.SampledFrom(ids).Draw(t, "row")
}

func (h *history) insertOne(t *rapid.T) {
	next := maps.Clone(h.rows)
	r := fresh
	v := patchRow(t, &r, true)
	next["new"] = r
	h.step(t, h.insert(v), next, next.legal())
}

func (h *history) updateSome(t *rapid.T) {
	next := maps.Clone(h.rows)
	m := &lqp.Mutation{Op: lqp.Update}
	legal := true
	seen := make(map[string]bool)
	for range rapid.IntRange(1, 4).Draw(t, "rows") {
		id := h.some(t)
		if seen[id] {
			continue
		}
		seen[id] = true
		r, ok := next[id]
		change := lqp.RowChange{ID: []lqp.Value{text(id)}}
		if rapid.Bool().Draw(t, "check version") {
			change.Version = r.version
			if rapid.IntRange(0, 9).Draw(t, "stale") == 0 {
				change.Version, legal = r.version+1, false
			}
		}
		change.Set = h.set(patchRow(t, &r, false))
		m.Rows = append(m.Rows, change)
		if next[id] = r; !ok {
			legal = false
		}
	}
	h.step(t, m, next, legal && next.legal())
}

func (h *history) deleteOne(t *rapid.T) {
	id := h.some(t)
	next := maps.Clone(h.rows)
	r, ok := next[id]
	delete(next, id)
	h.step(t, h.delete(r.version, id), next, ok)
}

func (h *history) upsertByCode(t *rapid.T) {
	next := maps.Clone(h.rows)
	id := "new"
	code := rapid.SampledFrom([]string{"a", "b", "c", "f"}).Draw(t, "key")
	for k, r := range next {
		if r.code == code {
			id = k
		}
	}
	r := next[id]
	var v values
	if id == "new" {
		r = fresh
		v = patchRow(t, &r, true)
		r.code = code
	} else {
		old := r
		v = patchRow(t, &r, false)
		if r.code = code; r.name == old.name && r.stock == old.stock {
			r.version = old.version
		} else {
			r.version = old.version + 1
		}
	}
	v["Code"] = text(code)
	next[id] = r
	h.step(t, h.upsert([]string{"Code"}, v), next, next.legal())
}

func (h *history) byFilter(t *rapid.T) {
	next := maps.Clone(h.rows)
	stock := rapid.Int64Range(0, 3).Draw(t, "stock below")
	m := &lqp.Mutation{Op: lqp.Delete, Where: h.where("lt", "Stock", num(stock))}
	update := rapid.Bool().Draw(t, "update")
	if update {
		m.Op, m.Rows = lqp.Update, []lqp.RowChange{{Set: h.set(values{"Stock": num(3)})}}
	}
	for id, r := range next {
		if r.stock < 0 || r.stock >= stock { // NULL is not below anything
			continue
		}
		if update {
			r.stock, r.version = 3, r.version+1
			next[id] = r
		} else {
			delete(next, id)
		}
	}
	h.step(t, m, next, true)
}

func (h *history) check(t *rapid.T) {
	stored := h.stored()
	if len(stored) != len(h.rows) {
		t.Fatalf("%d rows, the model has %d", len(stored), len(h.rows))
	}
	for id, r := range h.rows {
		row := stored[id]
		stock, _ := row["Stock"].Decimal().Int64()
		if row["Stock"].IsNull() {
			stock = -1
		}
		version, _ := row["_version"].Decimal().Int64()
		if got := (modelRow{row["Name"].Text(), row["Code"].Text(), stock, version}); got != r {
			t.Fatalf("row %s is %+v, the model has %+v", id, got, r)
		}
	}
	if n := h.count("SELECT count(*) FROM lt_change WHERE resource_type = 'row' AND table_id = ?", text(h.ID)); n != h.entries {
		t.Fatalf("%d log entries, the model has %d", n, h.entries)
	}
}

func TestHistoriesAgreeWithTheModel(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	// The race detector makes SQLite forty times slower: then fewer histories have to do.
	enough := time.Now().Add(8 * time.Second)
	histories := 0
	rapid.Check(t, func(rt *rapid.T) {
		if time.Now().After(enough) {
			return
		}
		histories++
		tb, err := f.CreateTable(f.ctx, alice, f.base.ID, minidb.TableSpec{Name: minidb.NewID("t"), Columns: goods.Columns[:3]})
		require.NoError(t, err)
		h := &history{table: &table{fixture: f, Table: tb}, rows: model{}}
		rt.Repeat(map[string]func(*rapid.T){
			"insert": h.insertOne, "update": h.updateSome, "delete": h.deleteOne, "upsert": h.upsertByCode, "filter": h.byFilter,
			"": h.check,
		})
	})
	t.Logf("%d histories", histories)
	readLog(t, f.DB)
}
