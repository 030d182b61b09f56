package testenv

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// nobody is the user and the group that own nothing on every Linux.
const nobody = 65534

// drop makes a server's process confined, unprivileged when we are root (which
// PostgreSQL insists on), and mortal: it gets the signal when we die.
func drop(cmd *exec.Cmd, root string, death syscall.Signal) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Pdeathsig: death}
	if os.Geteuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
}

func giveAway(path string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	return os.Chown(path, nobody, nobody)
}

// detach keeps the terminal's signals from a supervisor, which has to outlive
// its parent.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

func killGroup(group int) {
	syscall.Kill(-group, syscall.SIGKILL) //nolint:errcheck // it may be gone
}

// lockDir marks a directory as in use for as long as the file is open.
func lockDir(dir string) (*os.File, error) {
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		return nil, err
	}
	return lock, nil
}
