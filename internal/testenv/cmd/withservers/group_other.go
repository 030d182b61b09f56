//go:build !unix

package main

import (
	"os"
	"os/exec"
)

const gateEnv = "LIVETABLES_TESTENV_GATE"

func startGroup(cmd *exec.Cmd) (open func(), err error) { return func() {}, cmd.Start() }

func passGate() {}

func signalGroup(cmd *exec.Cmd, sig os.Signal) {
	cmd.Process.Signal(sig) //nolint:errcheck // it may be gone
}
