package main

import (
	"os"

	"github.com/livetables/livetables/cmd/livetablesd/internal/daemon"
)

type exportWorkspace struct{ daemon.ExportWorkspaceConfig }

// Run exports a workspace.
func (e exportWorkspace) Run() error {
	ctx, stop := untilStopped()
	defer stop()
	return daemon.ExportWorkspace(ctx, e.ExportWorkspaceConfig, os.Stdout)
}

type importWorkspace struct{ daemon.ImportWorkspaceConfig }

// Run imports a workspace.
func (i importWorkspace) Run() error {
	ctx, stop := untilStopped()
	defer stop()
	return daemon.ImportWorkspace(ctx, i.ImportWorkspaceConfig, os.Stdout)
}
