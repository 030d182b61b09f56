// Package campaign is what those commands share that look for something for a long time: an interrupt ends them early, and the
// status of the process says whether they found anything.
package campaign

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"time"
)

// The statuses that a campaign ends with.
const (
	Clean  = 0 // nothing was found
	Found  = 1
	Broken = 2 // it could not be run
)

// Main runs a campaign, whose context ends with an interrupt, and ends the process with the status that run answers.
func Main(run func(ctx context.Context) (status int)) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	status := run(ctx)
	stop()
	os.Exit(status)
}

// Stores are the databases that a campaign is run on, one after the other, by the value of its flag: sqlite, postgres or both.
// Each is true for PostgreSQL.
func Stores(name string) (postgres []bool, err error) {
	switch name {
	case "sqlite":
		return []bool{false}, nil
	case "postgres":
		return []bool{true}, nil
	case "both":
		return []bool{false, true}, nil
	}
	return nil, fmt.Errorf("there is no store %q", name)
}

// StoreUsage is the usage of that flag.
const StoreUsage = "where the daemon keeps its data: sqlite, postgres or both, one after the other"

// Every answers true when so much time has passed since it last did, or since it was made. It belongs to one goroutine.
func Every(pause time.Duration) func() bool {
	last := time.Now()
	return func() bool {
		if time.Since(last) < pause {
			return false
		}
		last = time.Now()
		return true
	}
}
