// Command differential asks random plans of all engines and reports where their answers differ. The servers are those of the
// tests: named in variables, or started here (see CONTRIBUTING.md).
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/livetables/livetables/internal/campaign"
	"github.com/livetables/livetables/internal/differential"
)

func main() { campaign.Main(run) }

// summaryEvery is how many lines of progress stand between two summaries.
const summaryEvery = 12

func run(ctx context.Context) int {
	n := flag.Int("n", 10_000, "how many `plans` are asked")
	seed := flag.Uint64("seed", 0, "the `seed` of the plans, 0 for a new one")
	first := flag.Int("first", 0, "the `number` of the first plan")
	engines := flag.String("engines", strings.Join(differential.Engines, ","), "the `engines` that take part")
	workers := flag.Int("workers", 3, "how many plans are asked at the same time")
	keepGoing := flag.Bool("keep-going", false, "go on after a difference")
	shrink := flag.Duration("shrink", time.Minute, "how `long` a difference may be made smaller")
	out := flag.String("out", "", "the `folder` for seeds of differences, none by default")
	every := flag.Duration("every", 10*time.Second, "the time between two lines of progress")
	flag.Parse()
	if *seed == 0 {
		*seed = rand.Uint64()
	}
	fmt.Printf("seed %d\n", *seed)
	due, lines := campaign.Every(*every), 0
	stats, err := differential.Run(ctx, differential.Options{
		Seed: *seed, First: *first, Plans: *n, Engines: strings.Split(*engines, ","), Workers: *workers, KeepGoing: *keepGoing, Shrink: *shrink,
		Progress: func(s *differential.Stats) {
			if due() {
				fmt.Println(s.Line())
				if lines++; lines%summaryEvery == 0 {
					fmt.Print(s)
				}
			}
		},
		Found: func(f *differential.Failure) {
			fmt.Println(f)
			if *out == "" {
				return
			}
			file := filepath.Join(*out, fmt.Sprintf("%d-%d.json", f.Seed, f.Plan))
			if err := f.Case.Write(file); err != nil {
				fmt.Fprintln(os.Stderr, "differential:", err)
				return
			}
			fmt.Println("kept in", file)
		},
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "differential:", err)
		return campaign.Broken
	}
	fmt.Print(stats)
	if len(stats.Failures) > 0 {
		return campaign.Found
	}
	return campaign.Clean
}
