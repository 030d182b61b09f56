// Command canaries looks for leaks between the tenants of a daemon: it fills one with texts that occur nowhere else, sends
// random requests to every route as everybody there is, and looks for those texts where they do not belong. It ends with
// status 1 when it finds something.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/livetables/livetables/cmd/livetablesd/internal/canary"
	"github.com/livetables/livetables/internal/campaign"
)

func main() { campaign.Main(run) }

func run(ctx context.Context) int {
	n := flag.Int("n", 100_000, "how many `requests` are sent")
	seed := flag.Uint64("seed", 0, "the `seed` of what is made up, 0 for a new one")
	workers := flag.Int("workers", 4, "how many requests are sent at the same time")
	tenants := flag.Int("tenants", 3, "how many `workspaces` there are")
	keepGoing := flag.Bool("keep-going", false, "go on after a finding")
	most := flag.Duration("for", 0, "how `long` requests are sent at most, 0 until all are")
	every := flag.Duration("every", 10*time.Second, "the time between two lines of progress")
	flag.Parse()
	if *most > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, *most)
		defer cancel()
	}
	due, printed := campaign.Every(*every), false
	report, err := canary.Run(ctx, canary.Options{Requests: *n, Seed: *seed, Workers: *workers, Tenants: *tenants, KeepGoing: *keepGoing,
		Progress: func(r *canary.Report) {
			if !printed {
				printed = true
				fmt.Printf("seed %d, %d canaries\n", r.Seed, r.Canaries)
			}
			if due() {
				fmt.Println(r.Line())
			}
		}})
	if err != nil {
		fmt.Fprintln(os.Stderr, "canaries:", err)
		return campaign.Broken
	}
	fmt.Print(report)
	if report.Found > 0 {
		return campaign.Found
	}
	return campaign.Clean
}
