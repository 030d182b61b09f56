//go:build unix

package testenv

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// helperEnv makes the test binary start a server, print it as JSON, and end in
// the way the variable says.
const helperEnv = "LIVETABLES_TESTENV_HELPER"

func TestMain(m *testing.M) {
	kind, end, ok := strings.Cut(os.Getenv(helperEnv), ",")
	if !ok {
		os.Exit(m.Run())
	}
	os.Unsetenv(helperEnv)
	server, err := Start(Kind(kind))
	if err != nil {
		panic(err)
	}
	if end == "group" { // a process in a group of its own that we do not stop
		sleep := exec.Command("sleep", "1000")
		sleep.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		if err := sleep.Start(); err != nil {
			panic(err)
		}
		server.KillGroupOnExit(sleep.Process.Pid)
		server.Via = strconv.Itoa(sleep.Process.Pid)
	}
	json.NewEncoder(os.Stdout).Encode(helped{*server, server.supervisor.Process.Pid})
	switch end {
	case "exit":
		os.Exit(0)
	case "panic":
		panic("as asked")
	case "close":
		if err := server.Close(); err != nil {
			panic(err)
		}
		return
	}
	select {}
}

type helped struct {
	Server
	Supervisor int
}

// help starts the helper and reads what it says.
func help(t *testing.T, kind Kind, end string) (helped, *exec.Cmd) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), helperEnv+"="+string(kind)+","+end, kind.Env()+"=")
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadBytes('\n')
	must(t, err)
	var h helped
	must(t, json.Unmarshal(line, &h))
	return h, cmd
}

func TestNothingIsLeft(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("looks at /proc")
	}
	for _, kind := range Kinds() {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			needLocal(t, kind)
			ends := []string{"kill"}
			if kind == KindRedis { // starts in no time; the ends differ in nothing that depends on the kind
				ends = []string{"kill", "exit", "close", "panic"}
			}
			for _, end := range ends {
				h, cmd := help(t, kind, end)
				if end == "kill" {
					must(t, cmd.Process.Kill())
				}
				gone(t, kind, h)
			}
		})
	}
}

func TestGroupIsKilled(t *testing.T) {
	needLocal(t, KindRedis)
	h, cmd := help(t, KindRedis, "group")
	must(t, cmd.Process.Kill())
	gone(t, KindRedis, h)
	if pid, _ := strconv.Atoi(h.Via); alive(pid) {
		t.Errorf("process %d is still there", pid)
	}
}

// A supervisor that is killed itself cannot clean up: its server goes at once
// and its directory with the next server that is started.
func TestSupervisorIsKilled(t *testing.T) {
	for _, kind := range []Kind{KindRedis, KindPostgres} {
		needLocal(t, kind)
		h, _ := help(t, kind, "wait")
		servers := processesIn(h.Dir)
		if len(servers) == 0 {
			t.Fatalf("found no process of the server in %s", h.Dir)
		}
		must(t, syscall.Kill(h.Supervisor, syscall.SIGKILL))
		eventually(t, "the server ends", func() bool { return len(processesIn(h.Dir)) == 0 })
		old := time.Now().Add(-time.Hour)
		must(t, os.Chtimes(h.Dir, old, old))
		// The lock goes with the last of the processes that have it, and another test may be sweeping right now.
		eventually(t, "the directory goes", func() bool {
			sweep()
			return !exists(h.Dir)
		})
	}
}

func TestSweepLeavesWhatIsInUse(t *testing.T) {
	in, err := newInstance(KindRedis)
	must(t, err)
	defer in.stop()
	old := time.Now().Add(-time.Hour)
	must(t, os.Chtimes(in.dir, old, old))
	sweep()
	if !exists(in.dir) {
		t.Error("it is gone")
	}
}

func needLocal(t *testing.T, kind Kind) {
	t.Helper()
	recipe, err := findRecipe(kind)
	if err != nil && kind.Required() {
		t.Fatal(err)
	}
	if err != nil || strings.HasPrefix(recipe.via, "docker") {
		t.Skip("there is no binary: ", err)
	}
}

func gone(t *testing.T, kind Kind, h helped) {
	t.Helper()
	eventually(t, "its supervisor ends", func() bool { return !alive(h.Supervisor) })
	if exists(h.Dir) {
		t.Errorf("%s is still there", h.Dir)
	}
	if pids := processesIn(h.Dir); len(pids) > 0 {
		t.Errorf("processes %v are still there", pids)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := providerOf(kind).ping(ctx, h.URL); err == nil {
		t.Errorf("%s still answers", h.URL)
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not after 30 s", what)
		}
	}
}

// alive reports whether a process is there and not just waited for.
func alive(pid int) bool {
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	return err == nil && !strings.Contains(string(status), "\nState:\tZ")
}

// processesIn returns the processes whose arguments or working directory name
// a server's directory.
func processesIn(dir string) []int {
	var pids []int
	procs, _ := filepath.Glob("/proc/[0-9]*")
	for _, proc := range procs {
		pid, _ := strconv.Atoi(filepath.Base(proc))
		args, _ := os.ReadFile(filepath.Join(proc, "cmdline"))
		cwd, _ := os.Readlink(filepath.Join(proc, "cwd"))
		if alive(pid) && (strings.Contains(string(args), filepath.Base(dir)) || strings.HasPrefix(cwd, dir)) {
			pids = append(pids, pid)
		}
	}
	return pids
}
