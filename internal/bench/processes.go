package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// tick is the unit of the times in /proc, the same for all programs on Linux.
const tick = 10 * time.Millisecond

// processStat reads the fields of a process from its state on: index 0 is the third field of proc(5).
func processStat(pid int) ([]string, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return nil, err
	}
	// The name of the program, in parentheses, may hold anything.
	if i := bytes.LastIndexByte(text, ')'); i >= 0 {
		text = text[i+1:]
	}
	fields := strings.Fields(string(text))
	if len(fields) < 20 {
		return nil, fmt.Errorf("/proc/%d/stat is not understood", pid)
	}
	return fields, nil
}

func ticks(fields []string, from, to int) (d time.Duration) {
	for _, f := range fields[from:to] {
		n, _ := strconv.ParseInt(f, 10, 64) // proc(5) has numbers there
		d += time.Duration(n) * tick
	}
	return d
}

// The positions in processStat.
const (
	statParent   = 1
	statUser     = 11 // user and system time follow each other, then those of children that have ended
	statSystem   = 12
	statChildren = 14
)

// processCPU is the CPU time that a process has used, 0 when it cannot be known.
func processCPU(pid int) time.Duration {
	fields, err := processStat(pid)
	if err != nil {
		return 0
	}
	return ticks(fields, statUser, statSystem+1)
}

func ownCPU() time.Duration { return processCPU(os.Getpid()) }

// residentKiB is the memory of a process that is in RAM, in KiB.
func residentKiB(pid int) (int, error) { return statusKiB(pid, "VmRSS:") }

// statusKiB reads an amount of memory from the status of a process.
func statusKiB(pid int, name string) (int, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0, err
	}
	for l := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(l, name); ok {
			return strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")))
		}
	}
	return 0, fmt.Errorf("/proc/%d/status does not tell %s", pid, strings.TrimSuffix(name, ":"))
}

// peakMiB is the most memory that a process has in RAM while f runs, in MiB; 0 when it cannot be known.
func peakMiB(pid int, f func() error) (int, error) {
	if pid == os.Getpid() {
		debug.FreeOSMemory()
	}
	// proc(5): 5 sets the peak back to what is in use.
	if err := os.WriteFile("/proc/"+strconv.Itoa(pid)+"/clear_refs", []byte("5"), 0); err != nil {
		return 0, f()
	}
	if err := f(); err != nil {
		return 0, err
	}
	kib, err := statusKiB(pid, "VmHWM:")
	if err != nil {
		return 0, nil //nolint:nilerr // not known
	}
	return kib / 1024, nil
}

// serverCPU reads the CPU time of a database server on this machine: of a process and of its children, which PostgreSQL
// has one of for each connection. nil stands for no server, which costs nothing.
type serverCPU struct {
	process int // 0 when the server is elsewhere or in a container
}

// listenerCPU finds the process that listens on a port.
func listenerCPU(port int) *serverCPU {
	inodes := map[string]bool{}
	for _, file := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, _ := os.ReadFile(file) // without it the server stays unknown
		for l := range strings.Lines(string(text)) {
			// proc(5): slot, local address, remote address, state (0A is listening), …, inode in the tenth field
			if f := strings.Fields(l); len(f) > 9 && f[3] == "0A" && strings.HasSuffix(f[1], fmt.Sprintf(":%04X", port)) {
				inodes["socket:["+f[9]+"]"] = true
			}
		}
	}
	files, _ := filepath.Glob("/proc/[0-9]*/fd/*") // the pattern is right
	for _, file := range files {
		if to, err := os.Readlink(file); err == nil && inodes[to] {
			pid, _ := strconv.Atoi(strings.Split(file, "/")[2]) // the pattern has a number there
			return &serverCPU{process: pid}
		}
	}
	return &serverCPU{}
}

// findServer finds the processes behind a connection.
func findServer(ctx context.Context, conn *pgx.Conn) *serverCPU {
	var backend int
	if err := conn.QueryRow(ctx, "SELECT pg_backend_pid()").Scan(&backend); err != nil {
		return &serverCPU{}
	}
	name, err := os.ReadFile("/proc/" + strconv.Itoa(backend) + "/comm")
	if err != nil || strings.TrimSpace(string(name)) != "postgres" {
		return &serverCPU{}
	}
	fields, err := processStat(backend)
	if err != nil {
		return &serverCPU{}
	}
	parent, _ := strconv.Atoi(fields[statParent]) // proc(5) has a number there
	return &serverCPU{process: parent}
}

// cpu is the time used so far by the server and its backends, the ended ones included; below 0 when it cannot be known.
func (s *serverCPU) cpu() time.Duration {
	if s == nil {
		return 0
	}
	if s.process == 0 {
		return -1
	}
	fields, err := processStat(s.process)
	if err != nil {
		return -1
	}
	total := ticks(fields, statUser, statChildren+1)
	processes, _ := filepath.Glob("/proc/[0-9]*") // the pattern is right
	for _, dir := range processes {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		child, err := processStat(pid)
		if err == nil && child[statParent] == strconv.Itoa(s.process) {
			total += ticks(child, statUser, statSystem+1)
		}
	}
	return total
}

func (s *serverCPU) since(before time.Duration) time.Duration {
	now := s.cpu()
	if before < 0 || now < 0 {
		return -1
	}
	return now - before
}
