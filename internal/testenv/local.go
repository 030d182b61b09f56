package testenv

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Where scripts/testservers.sh puts what Debian 12 has no package for. Keep in
// step with that script.
func homeDir() string {
	if dir := os.Getenv("LIVETABLES_TEST_HOME"); dir != "" {
		return dir
	}
	return "/opt/livetables-test"
}
func treeDir() string { return filepath.Join(homeDir(), "sid") }
func binDir() string  { return filepath.Join(homeDir(), "bin") }

// instance is the directory and the processes of one server.
type instance struct {
	dir      string // owned by us; the server writes to data only
	root     string // the directory tree its processes are confined to, or empty
	patience time.Duration
	lock     *os.File
	procs    []*process
	closers  []func() error // run by stop after the processes ended
}

type process struct {
	name string
	cmd  *exec.Cmd
	stop syscall.Signal
	done chan struct{}
	err  error // valid once done is closed
}

const instancePrefix = "livetables-test-"

// instanceParent is where directories of servers outside the tree go.
func instanceParent() string {
	dir := os.TempDir()
	// As root we start servers as nobody, who has to get there.
	if os.Geteuid() == 0 {
		for d := dir; ; d = filepath.Dir(d) {
			info, err := os.Stat(d)
			if err != nil || info.Mode().Perm()&1 == 0 {
				return "/tmp"
			}
			if d == filepath.Dir(d) {
				break
			}
		}
	}
	return dir
}

func newInstance(kind Kind) (*instance, error) {
	in := &instance{patience: time.Minute}
	if err := in.makeDir(instanceParent(), kind); err != nil {
		return nil, err
	}
	return in, nil
}

// confine moves the instance into a directory tree, where its processes see
// only that.
func (in *instance) confine(root string, kind Kind) error {
	in.removeDir() //nolint:errcheck // it is empty, and sweep gets it otherwise
	parent := filepath.Join(root, "lt")
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	in.root = root
	return in.makeDir(parent, kind)
}

func (in *instance) makeDir(parent string, kind Kind) (err error) {
	in.dir, err = os.MkdirTemp(parent, instancePrefix+string(kind)+"-")
	if err != nil {
		return err
	}
	if err := os.Chmod(in.dir, 0o755); err != nil {
		return err
	}
	in.lock, err = lockDir(in.dir)
	return err
}

func (in *instance) removeDir() error {
	if in.lock != nil {
		in.lock.Close()
	}
	return os.RemoveAll(in.dir)
}

// seen is how the server calls a path inside the instance's directory.
func (in *instance) seen(elem ...string) string {
	path := filepath.Join(append([]string{in.dir}, elem...)...)
	if in.root != "" {
		path = strings.TrimPrefix(path, filepath.Clean(in.root))
	}
	return path
}

// mkdir makes a directory that the server may write to and returns the
// server's name for it.
func (in *instance) mkdir(name string) (string, error) {
	path := filepath.Join(in.dir, name)
	if err := os.Mkdir(path, 0o700); err != nil {
		return "", err
	}
	return in.seen(name), giveAway(path)
}

func (in *instance) command(path string, args ...string) *exec.Cmd {
	cmd := exec.Command(path, args...)
	cmd.Dir = in.seen() // the chroot comes first
	// Nothing of the tests' own environment: PGPORT and friends would be obeyed.
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "HOME=" + in.seen(), "DO_NOT_TRACK=1"}
	return cmd
}

// run runs a command to its end.
func (in *instance) run(path string, args ...string) error {
	cmd := in.command(path, args...)
	drop(cmd, in.root, syscall.SIGKILL)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(path), err, tail(out))
	}
	return nil
}

// start starts a server process. The signal is the one that makes it end at
// once and still clean up what lies outside the instance's directory.
func (in *instance) start(stop syscall.Signal, path string, args ...string) error {
	name := filepath.Base(path)
	log, err := os.Create(filepath.Join(in.dir, name+".log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := in.command(path, args...)
	cmd.Stdout, cmd.Stderr = log, log
	drop(cmd, in.root, stop)
	if err := cmd.Start(); err != nil {
		return err
	}
	p := &process{name: name, cmd: cmd, stop: stop, done: make(chan struct{})}
	in.procs = append(in.procs, p)
	go func() {
		p.err = cmd.Wait()
		if p.err == nil {
			p.err = errors.New("exit status 0")
		}
		close(p.done)
	}()
	return nil
}

func (in *instance) exited() *process {
	for _, p := range in.procs {
		select {
		case <-p.done:
			return p
		default:
		}
	}
	return nil
}

// stop ends the processes, last one first, and removes the directory.
func (in *instance) stop() error {
	var errs []error
	for i := len(in.procs) - 1; i >= 0; i-- {
		p := in.procs[i]
		p.cmd.Process.Signal(p.stop) //nolint:errcheck // it may have ended
		select {
		case <-p.done:
		case <-time.After(10 * time.Second):
			p.cmd.Process.Kill() //nolint:errcheck // it may have ended
			<-p.done
		}
	}
	for _, f := range in.closers {
		errs = append(errs, f())
	}
	// A server's helper processes may outlive it for a moment and write on.
	var err error
	for range 50 {
		if err = in.removeDir(); err == nil {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	return errors.Join(append(errs, err)...)
}

// logTail is the end of what the server's processes wrote, for an error message.
func (in *instance) logTail() string {
	var s string
	logs, _ := filepath.Glob(filepath.Join(in.dir, "*.log"))
	for _, path := range logs {
		if text, err := os.ReadFile(path); err == nil && len(text) > 0 {
			s += "\n" + filepath.Base(path) + ":\n" + tail(text)
		}
	}
	return s
}

func tail(text []byte) string {
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-15):], []byte("\n")))
}

// sweep removes what supervisors left that were killed themselves.
func sweep() {
	for _, parent := range []string{instanceParent(), filepath.Join(treeDir(), "lt")} {
		dirs, _ := filepath.Glob(filepath.Join(parent, instancePrefix+"*"))
		for _, dir := range dirs {
			// Between making a directory and locking it is less than a minute.
			info, err := os.Lstat(dir)
			if err != nil || !info.IsDir() || time.Since(info.ModTime()) < time.Minute {
				continue
			}
			lock, err := lockDir(dir)
			if err != nil {
				continue // in use
			}
			if id, err := os.ReadFile(filepath.Join(dir, containerFile)); err == nil {
				removeContainer(strings.TrimSpace(string(id))) //nolint:errcheck // it may be gone
			}
			os.RemoveAll(dir) // somebody else's is left alone
			lock.Close()
		}
	}
}

// freePort returns a loopback port that nobody listens on.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// look finds an executable in PATH and in directories that often are not in it.
func look(names ...string) (string, bool) {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, true
		}
		for _, dir := range []string{"/usr/sbin", "/usr/libexec", "/usr/local/sbin", "/opt/homebrew/bin"} {
			if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
				return path, true
			}
		}
	}
	return "", false
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
