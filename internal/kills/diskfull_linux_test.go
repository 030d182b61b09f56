package kills

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/daemontest"
	"github.com/livetables/livetables/internal/testenv"
)

// smallDisk is a file system of its own with so many MiB, in a test that may mount one.
func smallDisk(t *testing.T, size int) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "disk")
	require.NoError(t, err)
	require.NoError(t, syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dm,mode=755", size)))
	t.Cleanup(func() {
		require.NoError(t, syscall.Unmount(dir, syscall.MNT_DETACH))
		require.NoError(t, os.Remove(dir))
	})
	return dir
}

// ballast takes room on a disk, until it is removed.
func ballast(t *testing.T, dir string, size int) (remove func()) {
	t.Helper()
	file := filepath.Join(dir, "ballast")
	require.NoError(t, os.WriteFile(file, make([]byte, size<<20), 0o600))
	return func() { require.NoError(t, os.Remove(file)) }
}

// filler writes rows to a daemon whose disk is small.
type filler struct {
	t      *testing.T
	client *daemontest.Client
	path   string          // of the table
	done   map[string]bool // by write: that was acknowledged
	failed map[string]int  // that was not, with the status
	codes  map[string]int  // of refusals, how often
}

// batch is how many rows one write has.
const batch = 20

// fill writes until so many writes in a row have failed, or all have been sent.
func (f *filler) fill(name string, most, failures int) (failed bool) {
	f.t.Helper()
	left := failures
	for i := 0; i < most && left > 0; i++ {
		op := fmt.Sprint(name, " ", i)
		noise := make([]byte, 8<<10) // a database packs what repeats itself
		_, _ = rand.Read(noise)
		row := fmt.Sprintf(`{"fields":{"Op":%q,"Text":%q}}`, op, hex.EncodeToString(noise))
		answer, err := f.client.Send(f.t.Context(), http.MethodPost, f.path+"/rows/bulk", []byte(`{"op":"insert","rows":[`+strings.Repeat(row+",", batch-1)+row+`]}`))
		require.NoError(f.t, err, "it answers, whatever the disk says")
		if answer.Status == http.StatusOK {
			f.done[op] = true
			left = failures
			continue
		}
		f.failed[op] = answer.Status
		require.GreaterOrEqual(f.t, answer.Status, 500, "%s", answer.Body)
		require.NotEmpty(f.t, answer.Code(), "a refusal says what it is: %s", answer.Body)
		f.codes[answer.Code()]++
		left--
	}
	return left == 0
}

// check compares what is there with what was acknowledged.
func (f *filler) check() {
	f.t.Helper()
	there := map[string]int{}
	for cursor := ""; ; {
		var page struct {
			Data []struct {
				Fields struct{ Op string }
			}
			Page struct {
				Next string `json:"next_cursor"`
			}
		}
		answer, err := f.client.Send(f.t.Context(), http.MethodGet, f.path+"/rows?limit=1000&fields=Op"+cursor, nil)
		require.NoError(f.t, err)
		require.Equal(f.t, http.StatusOK, answer.Status, "%s", answer.Body)
		require.NoError(f.t, json.Unmarshal(answer.Body, &page))
		for _, row := range page.Data {
			there[row.Fields.Op]++
		}
		if page.Page.Next == "" {
			break
		}
		cursor = "&cursor=" + page.Page.Next
	}
	for op := range f.done {
		require.Equal(f.t, batch, there[op], "%s was acknowledged", op)
	}
	for op, status := range f.failed {
		require.Contains(f.t, []int{0, batch}, there[op], "%s, answered with %d, is there by half", op, status)
	}
	require.LessOrEqual(f.t, len(there), len(f.done)+len(f.failed))
}

func newFiller(t *testing.T, p *daemontest.Process) *filler {
	t.Helper()
	f := &filler{t: t, client: daemontest.NewClient(p.URL, 4), done: map[string]bool{}, failed: map[string]int{}, codes: map[string]int{}}
	workspace, err := f.client.SignUp(t.Context(), p.SetupToken())
	require.NoError(t, err)
	table, err := f.client.MakeTable(t.Context(), workspace, "T", map[string]any{"name": "Op", "type": "text"}, map[string]any{"name": "Text", "type": "long_text"})
	require.NoError(t, err)
	f.path = "/api/v1/tables/" + table
	return f
}

// TestDiskFull fills the disk of a daemon with files: writes are refused and reads go on, nothing that was acknowledged is
// lost, and with room again everything goes on without a restart. The daemon is killed on the full disk, too.
func TestDiskFull(t *testing.T) {
	if mounting(t) {
		return
	}
	disk := smallDisk(t, 40)
	free := ballast(t, disk, 12)
	data := filepath.Join(disk, "data")
	start := func() (*daemontest.Process, error) {
		return daemontest.Start(t.Context(), program, "--data-dir", data, "--listen", "127.0.0.1:0", "--rate-limit", "0")
	}
	p, err := start()
	require.NoError(t, err)
	f := newFiller(t, p)
	require.True(t, f.fill("first", 1000, 5), "the disk is full at last")
	require.NotEmpty(t, f.done)
	t.Logf("full after %d writes; refusals: %v", len(f.done), f.codes)
	f.check()
	free()
	before := len(f.done)
	require.False(t, f.fill("second", 5, 5), "there is room again")
	require.Equal(t, before+5, len(f.done))
	f.check()
	require.True(t, f.fill("third", 1000, 5))
	p.Kill()
	// Not even a file of a few bytes may have room: then it does not start, and says why.
	if p, err = start(); err != nil {
		require.Regexp(t, "no space|full|failed|unavailable", err.Error())
	} else {
		f.client.Base = p.URL
		f.check()
		require.NoError(t, p.Stop())
	}
	require.NoError(t, syscall.Mount("tmpfs", disk, "tmpfs", syscall.MS_REMOUNT, "size=80m"))
	p, err = start()
	require.NoError(t, err)
	f.client.Base = p.URL
	f.check()
	require.False(t, f.fill("fourth", 3, 1))
	f.check()
	require.NoError(t, p.Stop())
	out, err := exec.CommandContext(t.Context(), program, "audit", "verify", "--data-dir", data).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// TestDatabaseDiskFull fills the disk of the database server: it refuses, or stops when not even its log has room. With room
// again it goes on, and the daemon with it, which was not restarted.
func TestDatabaseDiskFull(t *testing.T) {
	if mounting(t) {
		return
	}
	disk := smallDisk(t, 110)
	t.Setenv("TMPDIR", disk) // where the server's directory is made
	server, err := testenv.NewKillable()
	require.NoError(t, err)
	defer func() { require.NoError(t, server.Close()) }()
	data := t.TempDir()
	p, err := daemontest.Start(t.Context(), program, "--data-dir", data, "--listen", "127.0.0.1:0", "--rate-limit", "0", "--database-url", server.URL)
	require.NoError(t, err)
	f := newFiller(t, p)
	require.True(t, f.fill("first", 2000, 5), "the disk is full at last")
	t.Logf("full after %d writes; refusals: %v", len(f.done), f.codes)
	require.NotEmpty(t, f.done)
	require.NoError(t, syscall.Mount("tmpfs", disk, "tmpfs", syscall.MS_REMOUNT, "size=300m"))
	require.NoError(t, server.Kill()) // it may have stopped already
	require.NoError(t, server.Start())
	require.NoError(t, p.AwaitReady(t.Context()))
	f.check()
	require.False(t, f.fill("second", 5, 5), "there is room again")
	f.check()
	require.NoError(t, p.Stop())
	out, err := exec.CommandContext(t.Context(), program, "audit", "verify", "--data-dir", data, "--database-url", server.URL).CombinedOutput()
	require.NoError(t, err, "%s", out)
}
