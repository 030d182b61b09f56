package kills

import (
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// mounting runs a test where it may mount file systems: here, or in a process of its own with a user namespace in which it
// has the right to. Then it reports true, and what that process found is the result. Where there is neither the test is
// skipped, and with CI set it fails.
func mounting(t *testing.T) (elsewhere bool) {
	t.Helper()
	dir := t.TempDir()
	err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m")
	if err == nil {
		require.NoError(t, syscall.Unmount(dir, syscall.MNT_DETACH))
		return false
	}
	if os.Getenv(apart) != "" {
		t.Fatal("nothing can be mounted in a namespace of its own: ", err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), apart+"="+program)
	cmd.SysProcAttr = namespaces()
	out, failed := cmd.CombinedOutput()
	if cmd.ProcessState == nil { // it was not even started
		if os.Getenv("CI") != "" {
			t.Fatal("nothing can be mounted here, and there are no user namespaces: ", err, ", ", failed)
		}
		t.Skip("nothing can be mounted here, and there are no user namespaces: ", err, ", ", failed)
	}
	t.Logf("%s", out)
	require.NoError(t, failed)
	return true
}

// namespaces give a process its own view of users and mounts. Its user stays who he is, because PostgreSQL refuses to run
// as root, with the right to mount; root keeps the other users too, which servers are run as.
func namespaces() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS}
	uid, gid, users := os.Getuid(), os.Getgid(), 1
	if uid == 0 {
		users = 65536
		attr.GidMappingsEnableSetgroups = true
	} else {
		const capSysAdmin = 21
		attr.AmbientCaps = []uintptr{capSysAdmin}
	}
	attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: users}}
	attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: users}}
	return attr
}
