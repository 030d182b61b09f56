package adaptertest_test

import (
	"testing"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/adaptertest"
	"github.com/livetables/livetables/adapter/memory"
	"github.com/livetables/livetables/lqp"
)

// shelf is the adapter under test here: tables in memory that Load puts there.
type shelf struct{ adapter.Adapter }

// The test of an adapter that only scans, on a source without lists. Run it as
// func TestConformance(t *testing.T).
func ExampleRun() {
	_ = func(t *testing.T) {
		adaptertest.Run(t, adaptertest.Harness{
			Open: func(testing.TB) adapter.Adapter { return &shelf{memory.New(nil, memory.Options{})} },
			Load: func(_ testing.TB, a adapter.Adapter, fixtures []*adaptertest.Fixture) {
				var tables []memory.Table
				for _, f := range fixtures {
					tables = append(tables, memory.Table{Schema: f.Table(), Rows: f.Rows})
				}
				a.(*shelf).Adapter = memory.New(tables, memory.Options{})
			},
			Holds: func(t lqp.Type) bool { return t.Kind != lqp.List },
		})
	}
}
