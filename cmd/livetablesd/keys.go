package main

import (
	"os"

	"github.com/livetables/livetables/cmd/livetablesd/internal/daemon"
)

// keys are the commands for the keys of a data directory.
type keys struct {
	Show   showKeys   `cmd:"" help:"Print the ids of the keys and how many stored secrets each encrypts. Nothing secret is printed."`
	Rotate rotateKeys `cmd:"" help:"Encrypt the stored secrets under a new key. It may be stopped or killed at any moment and goes on when it is run again."`
}

type showKeys struct{ daemon.KeysConfig }

// Run prints the keys.
func (s showKeys) Run() error {
	ctx, stop := untilStopped()
	defer stop()
	return daemon.ShowKeys(ctx, s.KeysConfig, os.Stdout)
}

type rotateKeys struct{ daemon.RotateConfig }

// Run rotates the keys.
func (r rotateKeys) Run() error {
	ctx, stop := untilStopped()
	defer stop()
	return daemon.RotateKeys(ctx, r.RotateConfig, os.Stdout)
}
