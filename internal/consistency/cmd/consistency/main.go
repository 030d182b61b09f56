// Command consistency lets clients read and write at several daemons that share a PostgreSQL database, and looks for stale
// reads and lost updates in what they saw. It ends with status 1 when it finds something.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/livetables/livetables/internal/campaign"
	"github.com/livetables/livetables/internal/consistency"
)

func main() { campaign.Main(run) }

func run(ctx context.Context) int {
	n := flag.Int("n", 10_000, "how many `operations` are sent")
	seed := flag.Uint64("seed", 0, "the `seed` of what is made up, 0 for a new one")
	clients := flag.Int("clients", 32, "how many clients work at the same time")
	daemons := flag.Int("daemons", 2, "how many daemons share the database")
	program := flag.String("daemon", "", "the `file` of a daemon that was built already")
	flag.Parse()
	report, err := consistency.Run(ctx, consistency.Options{Operations: *n, Seed: *seed, Clients: *clients, Daemons: *daemons, Program: *program})
	if err != nil {
		fmt.Fprintln(os.Stderr, "consistency:", err)
		return campaign.Broken
	}
	fmt.Print(report)
	if report.Found > 0 {
		return campaign.Found
	}
	return campaign.Clean
}
