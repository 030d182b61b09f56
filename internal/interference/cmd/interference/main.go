// Command interference goes through random worlds of tables, rules and people and reports what somebody learned of what the
// rules keep from them.
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"github.com/livetables/livetables/internal/campaign"
	"github.com/livetables/livetables/internal/interference"
)

func main() { campaign.Main(run) }

func run(ctx context.Context) int {
	n := flag.Int("n", 100_000, "how many `cases` there are")
	seed := flag.Uint64("seed", 0, "the `seed` of the cases, 0 for a new one")
	first := flag.Int("first", 0, "the `number` of the first case")
	workers := flag.Int("workers", 2, "how many worlds are looked at at the same time")
	keepGoing := flag.Bool("keep-going", false, "go on after a finding")
	store := flag.String("store", "", "the `URL` of a PostgreSQL database to keep the mini-DB in, a file by default")
	postgres := flag.String("postgres", "", "the `URL` of a PostgreSQL database to keep the external tables in, memory by default")
	every := flag.Duration("every", 10*time.Second, "the time between two lines of progress")
	flag.Parse()
	if *seed == 0 {
		*seed = rand.Uint64()
	}
	fmt.Printf("seed %d\n", *seed)
	opt := interference.Options{Seed: *seed, First: *first, Cases: *n, Workers: *workers, KeepGoing: *keepGoing,
		Found: func(f *interference.Finding) { fmt.Println(f) }}
	if *postgres != "" {
		opt.Source = interference.Postgres(*postgres)
	}
	if *store != "" {
		opt.Store = interference.PostgresStore(*store)
	}
	due := campaign.Every(*every)
	opt.Progress = func(s *interference.Stats) {
		if due() {
			fmt.Println(s.Line())
		}
	}
	stats, err := interference.Run(ctx, opt)
	if err != nil {
		fmt.Fprintln(os.Stderr, "interference:", err)
		return campaign.Broken
	}
	fmt.Print(stats)
	if len(stats.Findings) > 0 {
		return campaign.Found
	}
	return campaign.Clean
}
