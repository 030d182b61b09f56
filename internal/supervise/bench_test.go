package supervise

import (
	"testing"

	"github.com/livetables/livetables/adapter"
)

// BenchmarkRead compares a read of nothing with the same read behind a guard.
func BenchmarkRead(b *testing.B) {
	db := always(nil)
	for name, a := range map[string]adapter.Adapter{"bare": db, "guarded": New(Options{Workspace: NewShare(16, 1000)}).Wrap(db)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := read(b.Context(), a); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
