package interference

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/memory"
	"github.com/livetables/livetables/internal/plantest"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// place is where the tables of worlds are: some in the mini-DB, the others behind a connection. Their schemas stay, for the
// mini-DB, or change with every world.
type place struct {
	workspace, base, connection string
	mini                        []*minidb.Table
	schemas                     []*lqp.Table // of the mini-DB's tables and then of the external ones
	names                       []string     // of the external tables
	external                    [][][]lqp.Value
	parents                     map[string]string
}

func (p *place) connectionOf(i int) string {
	if i < len(p.mini) {
		return ""
	}
	return p.connection
}

// resource is what grants and caps know a table by.
func (p *place) resource(i int) string {
	if i < len(p.mini) {
		return p.mini[i].ID
	}
	return p.connection
}

// furnish makes up new external tables.
func (p *place) furnish(r *rand.Rand, external int) {
	p.schemas, p.external = p.schemas[:len(p.mini):len(p.mini)], nil
	for i := range external {
		t := plantest.NewTable(r, plantest.Spec{Connection: p.connection, Name: p.names[i], Rows: 2 + r.IntN(8)})
		schema := *t.Schema
		// What a source says of its tables differs.
		if r.IntN(3) == 0 {
			schema.Uniques = [][]string{{"id"}}
		}
		if r.IntN(4) == 0 {
			schema.Key = nil
		}
		if r.IntN(4) == 0 {
			schema.ForeignKeys = []lqp.ForeignKey{{Columns: []string{"ref"}, RefTable: p.names[0], RefColumns: []string{"id"}}}
		}
		schema.Comment = "made up"
		p.schemas, p.external = append(p.schemas, &schema), append(p.external, t.Rows)
	}
}

// refill makes up new rows for external tables that keep their schemas.
func (p *place) refill(r *rand.Rand, external int) {
	p.external = nil
	for i := range external {
		p.external = append(p.external, plantest.NewTable(r, plantest.Spec{Name: fmt.Sprintf("ext%d", i), Rows: 2 + r.IntN(8)}).Rows)
	}
}

// rows makes up the rows of a table.
func (p *place) rows(w *world, i int) [][]lqp.Value {
	if i >= len(p.mini) {
		return slices.Clone(p.external[i-len(p.mini)])
	}
	made := plantest.NewTable(w.r, plantest.Spec{Name: "mini", Rows: 2 + w.r.IntN(8), NoEmpty: true})
	out := make([][]lqp.Value, len(made.Rows))
	for n, row := range made.Rows {
		out[n] = p.miniRow(w, i, n, row)
	}
	return out
}

// miniRow is a row of the mini-DB with the values of the own columns in it.
func (p *place) miniRow(w *world, i, n int, own []lqp.Value) []lqp.Value {
	schema := p.schemas[i]
	row := make([]lqp.Value, len(schema.Columns))
	for at, c := range schema.Columns {
		switch c.ID {
		case minidb.ColumnID:
			row[at] = lqp.TextValue(fmt.Sprintf("row_%026d", w.n*1000+n))
		case minidb.ColumnVersion:
			row[at] = lqp.IntValue(1)
		case minidb.ColumnCreatedAt, minidb.ColumnUpdatedAt:
			row[at] = lqp.DateTimeValue(w.now.Add(-time.Hour).UnixMilli())
		case minidb.ColumnCreatedBy, minidb.ColumnUpdatedBy:
			row[at] = lqp.TextValue(ownerID)
		default:
			row[at] = own[slices.Index(columnNames, c.Name)]
		}
	}
	return row
}

// columnNames are those of plantest's tables, in their order.
var columnNames = []string{"id", "ref", "n", "d", "t", "b", "day", "at"}

// memoryTables are the external tables in the form of the memory adapter.
func (w *world) memoryTables() []memory.Table {
	var list []memory.Table
	for _, t := range w.tables {
		if t.ref.Connection == "" {
			continue
		}
		schema := *t.schema
		schema.Rows = int64(len(t.rows))
		list = append(list, memory.Table{Schema: &schema, Rows: slices.Clone(t.rows)})
	}
	return list
}

// prover decides what the external database takes of a query, the same for all questions of a world.
func (w *world) prover() adapter.Prover {
	switch w.n % 3 {
	case 0:
		return memory.Everything
	case 1:
		return memory.Coin(uint64(w.n))
	}
	return nil
}
