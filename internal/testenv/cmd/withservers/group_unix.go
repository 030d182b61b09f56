//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// gateEnv makes this program wait for a byte on file 3 and then become the
// command in its arguments.
const gateEnv = "LIVETABLES_TESTENV_GATE"

// startGroup starts the command as the leader of a process group, but lets it
// wait until open is called: nothing of it runs before somebody knows that the
// group has to be killed if we are.
func startGroup(cmd *exec.Cmd) (open func(), err error) {
	if cmd.Err != nil {
		return nil, cmd.Err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	gate, opener, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer gate.Close()
	cmd.Args = append([]string{"withservers", cmd.Path}, cmd.Args...)
	cmd.Path = self
	cmd.Env = append(cmd.Env, gateEnv+"=1")
	cmd.ExtraFiles = []*os.File{gate}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		opener.Close()
		return nil, err
	}
	return func() {
		opener.Write([]byte{0}) //nolint:errcheck // if it is gone, Wait tells why
		opener.Close()
	}, nil
}

func passGate() {
	gate := os.NewFile(3, "gate")
	if n, _ := gate.Read(make([]byte, 1)); n == 0 {
		os.Exit(1) // whoever should have opened it is gone
	}
	gate.Close()
	os.Unsetenv(gateEnv) //nolint:errcheck // it is set, so its name is a good one
	err := syscall.Exec(os.Args[1], os.Args[2:], os.Environ())
	fmt.Fprintln(os.Stderr, "withservers:", err)
	os.Exit(127)
}

func signalGroup(cmd *exec.Cmd, sig os.Signal) {
	syscall.Kill(-cmd.Process.Pid, sig.(syscall.Signal)) //nolint:errcheck // it may be gone
}
