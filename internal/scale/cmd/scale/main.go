// Command scale imports a large table into a daemon, reads and changes it, and says how long each step took and what memory
// the daemon had.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/livetables/livetables/internal/campaign"
	"github.com/livetables/livetables/internal/scale"
)

func main() { campaign.Main(run) }

func run(ctx context.Context) int {
	n := flag.Int("n", 1_000_000, "how many `rows` the table has")
	store := flag.String("store", "both", campaign.StoreUsage)
	program := flag.String("daemon", "", "the `file` of a daemon that was built already")
	dir := flag.String("dir", "", "an existing `directory` for all files, on the kind of disk to be measured")
	flag.Parse()
	places, err := campaign.Stores(*store)
	if err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		return campaign.Broken
	}
	for _, postgres := range places {
		where, err := os.MkdirTemp(*dir, "scale")
		if err != nil {
			fmt.Fprintln(os.Stderr, "scale:", err)
			return campaign.Broken
		}
		report, err := scale.Run(ctx, scale.Options{Rows: *n, Postgres: postgres, Program: *program, Dir: where,
			Progress: func(s scale.Step) { fmt.Fprintln(os.Stderr, s) }})
		if report != nil {
			fmt.Print(report)
		}
		if gone := os.RemoveAll(where); err == nil {
			err = gone
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return campaign.Found
		}
	}
	return campaign.Clean
}
