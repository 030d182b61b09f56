package sqlite

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// The crash test runs this test binary again as a process that writes and acknowledges without end, and kills it.
const crashFile = "LIVETABLES_TEST_CRASH_FILE"

// crashWriters is how many goroutines of the process write at the same time.
const crashWriters = 6

func TestMain(m *testing.M) {
	if path := os.Getenv(crashFile); path != "" {
		crashWrite(path)
		return
	}
	os.Exit(m.Run())
}

// crashWrite commits pairs of rows and prints each acknowledged one, until it is killed.
func crashWrite(path string) {
	ctx := context.Background()
	s, err := OpenStore(ctx, path, StoreOptions{})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	pid := int64(os.Getpid())
	for w := range crashWriters {
		wg.Go(func() {
			for n := int64(0); ; n++ {
				err := s.Write(ctx, func(tx adapter.Tx) error {
					for range 2 {
						if _, err := tx.Exec(ctx, "INSERT INTO ack VALUES (?, ?, ?)", lqp.IntValue(pid), lqp.IntValue(int64(w)), lqp.IntValue(n)); err != nil {
							return err
						}
					}
					return nil
				})
				mu.Lock()
				if err != nil {
					fmt.Println("error", err)
					os.Exit(1)
				}
				fmt.Println("ack", pid, w, n)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

// TestKilledProcessKeepsAcknowledgedWrites kills a writing process again and again. Every write it acknowledged must be
// there, whole, and the file sound.
func TestKilledProcessKeepsAcknowledgedWrites(t *testing.T) {
	kills := 22
	if testing.Short() {
		kills = 3
	}
	path := filepath.Join(t.TempDir(), "crash.db")
	s, err := OpenStore(t.Context(), path, StoreOptions{})
	require.NoError(t, err)
	mustExec(t, s, "CREATE TABLE ack (pid INTEGER, w INTEGER, n INTEGER)")
	require.NoError(t, s.Close())

	var acked [][3]int64
	for i := range kills {
		acked = append(acked, killOne(t, path, time.Duration(5+i*3)*time.Millisecond)...)
	}
	require.NotEmpty(t, acked)

	s, err = OpenStore(t.Context(), path, StoreOptions{})
	require.NoError(t, err)
	defer s.Close()
	require.Equal(t, [][]string{{`"ok"`}}, queryAll(t, s, "PRAGMA integrity_check"))
	found := map[string]bool{}
	for _, r := range queryAll(t, s, "SELECT pid, w, n, count(*) FROM ack GROUP BY 1, 2, 3") {
		require.Equal(t, "2", r[3], "half a write of process %s", r[0])
		found[strings.Join(r[:3], " ")] = true
	}
	for _, a := range acked {
		require.True(t, found[fmt.Sprint(a[0], a[1], a[2])], "acknowledged write %v is lost", a)
	}
	t.Logf("%d kills, %d acknowledged writes, %d found", kills, len(acked), len(found))
}

// killOne runs the process until the first acknowledgement and some time longer, kills it and returns what it
// acknowledged.
func killOne(t *testing.T, path string, after time.Duration) (acked [][3]int64) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashFile+"="+path)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	defer func() { _ = cmd.Wait() }()
	watchdog := time.AfterFunc(30*time.Second, func() { _ = cmd.Process.Kill() })
	defer watchdog.Stop()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) != 4 || f[0] != "ack" {
			t.Errorf("writer said %q", lines.Text())
			break
		}
		if len(acked) == 0 {
			time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
		}
		var a [3]int64
		for i := range a {
			a[i], err = strconv.ParseInt(f[i+1], 10, 64)
			require.NoError(t, err)
		}
		acked = append(acked, a)
	}
	return acked
}
