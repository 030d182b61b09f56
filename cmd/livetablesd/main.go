// Livetablesd serves Live Tables over HTTP and WebSocket: by default on an embedded database in one directory, with no
// other service. Run it with --help for its settings, with --demo for something to look at; "livetablesd keys" looks after
// the keys that secrets are encrypted with, "livetablesd audit" after the change log.
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

Without a command it serves: "livetablesd --demo" is "livetablesd serve --demo".

Every setting can also be given in the environment, as LIVETABLES_ and the flag's name in capitals with _ for -.`

// gcPercent trades memory, of which a daemon this size has enough, for processor time, unless GOGC says otherwise: a page's
// cost is a sixth less with it.
const gcPercent = 400

// commands is the command line. Serving is what happens when no command is named.
type commands struct {
	Serve           serve           `cmd:"" default:"withargs" help:"Serve the API. This is what happens without a command."`
	Keys            keys            `cmd:"" help:"Look after the keys that stored secrets are encrypted with."`
	Audit           auditLog        `cmd:"" help:"Look after the change log, which is also the audit log."`
	ExportWorkspace exportWorkspace `cmd:"" help:"Write a whole workspace, with its history and its files, into one archive."`
	ImportWorkspace importWorkspace `cmd:"" help:"Make the workspace of an archive, with all that it had. Members, publications and passwords are not in archives."`
	Version         version         `cmd:"" help:"Print the version of this program."`
}

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	var line commands
	chosen := kong.Parse(&line, kong.Name("livetablesd"), kong.Description(description),
		kong.DefaultEnvars("LIVETABLES"), kong.ShortUsageOnError(), kong.ConfigureHelp(kong.HelpOptions{Compact: false, WrapUpperBound: 110}))
	if err := chosen.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "livetablesd:", err)
		os.Exit(1)
	}
}

// untilStopped is a context that ends with SIGINT or SIGTERM; a second signal ends the process at once.
func untilStopped() (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

type serve struct{ daemon.Config }

// Run serves until the process is told to stop.
func (s serve) Run() error {
	ctx, stop := untilStopped()
	defer stop()
	began := time.Now()
	d, err := daemon.Open(ctx, s.Config, os.Stdout)
	if err != nil {
		return err
	}
	slog.Info("ready", "address", "http://"+d.Address(), "data_dir", s.DataDir, "after", time.Since(began).Round(time.Millisecond))
	return d.Run(ctx)
}

type version struct{}

// Run prints what the build knows of itself.
func (version) Run() error {
	text, revision := "unknown", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		text = info.Main.Version
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = " " + s.Value
			}
		}
		text += revision + " " + info.GoVersion
	}
	_, err := fmt.Println("livetablesd", text)
	return err
}
