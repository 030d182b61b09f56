// Command kills kills a daemon that clients write to, again and again, and looks for what is lost, doubled or there by half.
// It ends with status 1 when it finds something.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/livetables/livetables/internal/campaign"
	"github.com/livetables/livetables/internal/kills"
)

func main() { campaign.Main(run) }

func run(ctx context.Context) int {
	n := flag.Int("n", 10_000, "how many `writes` are sent")
	times := flag.Int("kills", 200, "how many `times` something is killed")
	seed := flag.Uint64("seed", 0, "the `seed` of what is made up, 0 for a new one")
	writers := flag.Int("writers", 8, "how many clients write at the same time")
	shapers := flag.Int("shapers", 2, "how many clients change definitions at the same time, -1 for none")
	store := flag.String("store", "both", campaign.StoreUsage)
	disk := flag.Bool("disk", false, "also let the disk under the daemon's files fail, and its power")
	program := flag.String("daemon", "", "the `file` of a daemon that was built already")
	every := flag.Duration("every", 10*time.Second, "the time between two lines of progress")
	flag.Parse()
	places, err := campaign.Stores(*store)
	if err != nil {
		fmt.Fprintln(os.Stderr, "kills:", err)
		return campaign.Broken
	}
	code := campaign.Clean
	for _, postgres := range places {
		due := campaign.Every(*every)
		report, err := kills.Run(ctx, kills.Options{Writes: *n, Kills: *times, Seed: *seed, Writers: *writers, Shapers: *shapers, Postgres: postgres, Disk: *disk && !postgres, Program: *program,
			Progress: func(r *kills.Report) {
				if due() {
					fmt.Printf("seed %d: %s\n", r.Seed, r.Line())
				}
			}})
		if err != nil {
			fmt.Fprintln(os.Stderr, "kills:", err)
			return campaign.Broken
		}
		fmt.Print(report)
		if report.Found > 0 {
			code = campaign.Found
		}
	}
	return code
}
