// Command faults lets the disk under a SQLite store fail, and its power, and looks for what is lost, doubled or there by
// half. It ends with status 1 when it finds something.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/livetables/livetables/internal/campaign"
	"github.com/livetables/livetables/internal/faults"
)

func main() { campaign.Main(run) }

func run(ctx context.Context) int {
	n := flag.Int("n", 1000, "how many `times` the power fails")
	writes := flag.Int("writes", 120, "how many writes are begun before a failure at most")
	writers := flag.Int("writers", 4, "how many goroutines write at the same time")
	seed := flag.Uint64("seed", 0, "the `seed` of what is made up, 0 for a new one")
	relaxed := flag.Bool("relaxed", false, "a store that does not wait for the disk, which loses writes")
	every := flag.Duration("every", 10*time.Second, "the time between two lines of progress")
	flag.Parse()
	due := campaign.Every(*every)
	report, err := faults.Run(ctx, faults.Options{Cuts: *n, Writes: *writes, Writers: *writers, Seed: *seed, Relaxed: *relaxed,
		Progress: func(r *faults.Report) {
			if due() {
				fmt.Printf("seed %d: %s\n", r.Seed, r.Line())
			}
		}})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return campaign.Broken
	}
	fmt.Print(report)
	if report.Found > 0 {
		return campaign.Found
	}
	return campaign.Clean
}
