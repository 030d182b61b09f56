package main

import (
	"os"

	"github.com/livetables/livetables/cmd/livetablesd/internal/daemon"
)

// auditLog are the commands for the change log of a data directory.
type auditLog struct {
	Verify verifyAudit `cmd:"" help:"Look whether every entry of the change log is what was written, and name the first one that is not. The exit status is 0 when all are."`
	Forget forgetSink  `cmd:"" name:"forget-sink" help:"Forget how far an audit sink has read that is not used any more. Until then, nothing that it has not read is cut from the change log."`
}

type forgetSink struct{ daemon.ForgetSinkConfig }

// Run forgets a sink.
func (f forgetSink) Run() error {
	ctx, stop := untilStopped()
	defer stop()
	return daemon.ForgetSink(ctx, f.ForgetSinkConfig, os.Stdout)
}

type verifyAudit struct{ daemon.VerifyConfig }

// Run verifies the change log.
func (v verifyAudit) Run() error {
	ctx, stop := untilStopped()
	defer stop()
	return daemon.VerifyAudit(ctx, v.VerifyConfig, os.Stdout)
}
