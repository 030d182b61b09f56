package main

import (
	"os"

	"github.com/livetables/livetables/cmd/livetablesd/internal/daemon"
)

// auditLog are the commands for the change log of a data directory.
type auditLog struct {
	Verify verifyAudit `cmd:"" help:"Look whether every entry of the change log is what was written, and name the first one that is not. The exit status is 0 when all are."`
}

type verifyAudit struct{ daemon.VerifyConfig }

// Run verifies the change log.
func (v verifyAudit) Run() error {
	ctx, stop := untilStopped()
	defer stop()
	return daemon.VerifyAudit(ctx, v.VerifyConfig, os.Stdout)
}
