package differential_test

import (
	"context"
	"fmt"

	"github.com/livetables/livetables/internal/differential"
)

func ExampleRun() {
	stats, err := differential.Run(context.Background(), differential.Options{
		Seed: 1, Plans: 50, Engines: []string{differential.Memory, differential.SQLite},
		Found: func(f *differential.Failure) { fmt.Println(f) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(stats.Plans, "plans,", len(stats.Failures), "differences")
	// Output: 50 plans, 0 differences
}
