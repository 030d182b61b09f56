package memory_test

import (
	"testing"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/adaptertest"
	"github.com/livetables/livetables/adapter/memory"
)

// swap lets the harness load an adapter that was opened before its tables were known.
type swap struct{ *memory.Adapter }

func harness(p adapter.Prover) adaptertest.Harness {
	return adaptertest.Harness{
		Open: func(testing.TB) adapter.Adapter { return &swap{memory.New(nil, memory.Options{Prover: p})} },
		Load: func(_ testing.TB, a adapter.Adapter, tables []*adaptertest.Fixture) {
			a.(*swap).Adapter = memory.New(held(tables), memory.Options{Prover: p})
		},
		Random: 200,
		Facts:  adaptertest.Facts{Comments: true, Defaults: true, Views: true, Rows: true},
	}
}

func held(fixtures []*adaptertest.Fixture) (tables []memory.Table) {
	for _, f := range fixtures {
		tables = append(tables, memory.Table{Schema: f.Table(), Rows: f.Rows})
	}
	return tables
}

func TestConformance(t *testing.T) {
	for name, p := range map[string]adapter.Prover{"scans only": nil, "everything": memory.Everything, "coin": memory.Coin(7)} {
		t.Run(name, func(t *testing.T) { adaptertest.Run(t, harness(p)) })
	}
}
