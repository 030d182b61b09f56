//go:build !linux

package testenv

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// Elsewhere there is no signal on a parent's death and nobody tests as root:
// what a killed supervisor leaves stays.

func drop(*exec.Cmd, string, syscall.Signal) {}
func giveAway(string) error                  { return nil }
func detach(*exec.Cmd)                       {}
func killGroup(int)                          {}

func lockDir(dir string) (*os.File, error) {
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil, errors.New("in use")
	}
	return lock, err
}
