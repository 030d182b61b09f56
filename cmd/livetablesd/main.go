// Livetablesd serves Live Tables over HTTP and WebSocket: by default on an embedded database in one directory, with no
// other service. Run it with --help for its settings, with --demo for something to look at.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	_ "time/tzdata" // time zones must not depend on what the host has installed

	"github.com/alecthomas/kong"

	"github.com/livetables/livetables/cmd/livetablesd/internal/daemon"
)

const description = `Live Tables: one API over the databases you have and an internal mini-database, with roles, history and live updates.

Every setting can also be given in the environment, as LIVETABLES_ and the flag's name in capitals with _ for -.`

// gcPercent trades memory, of which a daemon this size has enough, for processor time, unless GOGC says otherwise: a page's
// cost is a sixth less with it.
const gcPercent = 400

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	var config daemon.Config
	kong.Parse(&config, kong.Name("livetablesd"), kong.Description(description),
		kong.DefaultEnvars("LIVETABLES"), kong.ShortUsageOnError(), kong.ConfigureHelp(kong.HelpOptions{Compact: false, WrapUpperBound: 110}))
	if err := run(config); err != nil {
		fmt.Fprintln(os.Stderr, "livetablesd:", err)
		os.Exit(1)
	}
}

// run serves until SIGINT or SIGTERM; a second signal ends the process at once.
func run(config daemon.Config) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	began := time.Now()
	d, err := daemon.Open(ctx, config, os.Stdout)
	if err != nil {
		return err
	}
	slog.Info("ready", "address", "http://"+d.Address(), "data_dir", config.DataDir, "after", time.Since(began).Round(time.Millisecond))
	return d.Run(ctx)
}
