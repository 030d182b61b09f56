package postgres

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/internal/testenv"
	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
	"github.com/stretchr/testify/require"
)

// The crash test runs this test binary again as a process that writes and acknowledges without end, and kills it.
const crashVariable = "LIVETABLES_TEST_CRASH_STORE"

// crashWriters is how many goroutines write at the same time.
const crashWriters = 6

func TestMain(m *testing.M) {
	if text := os.Getenv(crashVariable); text != "" {
		crashWrite(text)
		return
	}
	os.Exit(m.Run())
}

const ackTable = "CREATE TABLE ack (pid bigint NOT NULL, w bigint NOT NULL, n bigint NOT NULL)"

// writePair writes two rows in one transaction.
func writePair(s *Store, pid, w, n int64) error {
	ctx := context.Background()
	return s.Write(ctx, func(tx adapter.Tx) error {
		for range 2 {
			if _, err := tx.Exec(ctx, "INSERT INTO ack VALUES (?, ?, ?)", lqp.IntValue(pid), lqp.IntValue(w), lqp.IntValue(n)); err != nil {
				return err
			}
		}
		return nil
	})
}

// crashWrite commits pairs of rows and prints each acknowledged one, until it is killed.
func crashWrite(text string) {
	opt, err := optionsOf(text)
	var s *Store
	if err == nil {
		s, err = OpenStore(context.Background(), opt)
	}
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	pid := int64(os.Getpid())
	for w := range int64(crashWriters) {
		wg.Go(func() {
			for n := int64(0); ; n++ {
				err := writePair(s, pid, w, n)
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

// TestKilledProcessKeepsAcknowledgedWrites kills two writing processes again and again. Every write that was acknowledged
// must be there, whole, and those who go on must not wait for the dead.
func TestKilledProcessKeepsAcknowledgedWrites(t *testing.T) {
	kills := 8
	if testing.Short() {
		kills = 2
	}
	url := testenv.Postgres(t)
	s := openStoreAt(t, url, nil)
	mustExec(t, s, ackTable)
	var mu sync.Mutex
	var acked []string
	var wg sync.WaitGroup
	for k := range 2 {
		wg.Go(func() {
			for i := range kills / 2 {
				got := killOne(t, url, time.Duration(5+i*17+k*9)*time.Millisecond)
				mu.Lock()
				acked = append(acked, got...)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	require.NotEmpty(t, acked)
	mustExec(t, s, "INSERT INTO ack VALUES (0, 0, 0), (0, 0, 0)") // nobody holds the lock any more
	found := pairs(t, s)
	for _, a := range acked {
		require.True(t, found[a], "acknowledged write %s is lost", a)
	}
	t.Logf("%d kills, %d acknowledged writes, %d found", kills, len(acked), len(found))
}

// pairs are the writes that are there, none of them by half.
func pairs(t *testing.T, s *Store) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for _, r := range queryAll(t, s, "SELECT pid, w, n, count(*) FROM ack GROUP BY pid, w, n") {
		require.Equal(t, "2", r[3], "half of write %v, or twice", r[:3])
		found[strings.Join(r[:3], " ")] = true
	}
	return found
}

// killOne runs the process until the first acknowledgement and some time longer, kills it and returns what it
// acknowledged.
func killOne(t *testing.T, url string, after time.Duration) (acked []string) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashVariable+"="+url)
	out, err := cmd.StdoutPipe()
	if err != nil || cmd.Start() != nil {
		t.Errorf("start a writer: %v", err)
		return nil
	}
	defer func() { _ = cmd.Wait() }()
	watchdog := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer watchdog.Stop()
	for lines := bufio.NewScanner(out); lines.Scan(); {
		ack, ok := strings.CutPrefix(lines.Text(), "ack ")
		if !ok {
			t.Errorf("writer said %q", lines.Text())
			break
		}
		if len(acked) == 0 {
			time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
		}
		if strings.Count(ack, " ") == 2 { // the last line may be cut
			acked = append(acked, ack)
		}
	}
	return acked[:max(0, len(acked)-1)]
}

// outcome is what the writers of a test were told.
type outcome struct {
	mu                      sync.Mutex
	acked, refused, unknown map[string]bool
}

// hammer lets some goroutines write through s until stop is closed, and notes the answers.
func hammer(t *testing.T, s *Store, stop <-chan struct{}) *outcome {
	o := &outcome{acked: map[string]bool{}, refused: map[string]bool{}, unknown: map[string]bool{}}
	var wg sync.WaitGroup
	for w := range int64(crashWriters) {
		wg.Go(func() {
			for n := int64(0); ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				err := writePair(s, 1, w, n)
				key := fmt.Sprint(1, " ", w, " ", n)
				o.mu.Lock()
				switch {
				case err == nil:
					o.acked[key] = true
				case errors.Is(err, adapter.ErrUncertain):
					o.unknown[key] = true
				case errors.Is(err, adapter.ErrUnavailable):
					o.refused[key] = true
				default:
					t.Errorf("write %s: %v", key, err)
				}
				o.mu.Unlock()
			}
		})
	}
	wg.Wait()
	return o
}

func (o *outcome) check(t *testing.T, s *Store) {
	t.Helper()
	found := pairs(t, s)
	for key := range o.acked {
		require.True(t, found[key], "acknowledged write %s is lost", key)
	}
	for key := range o.refused {
		require.False(t, found[key], "refused write %s is there", key)
	}
	t.Logf("%d acknowledged, %d refused, %d unknown; %d found", len(o.acked), len(o.refused), len(o.unknown), len(found))
	require.NotEmpty(t, o.acked)
	require.NotEmpty(t, o.refused)
	require.Empty(t, o.unknown, "the server came back, and could tell")
}

// TestCrashedServerKeepsItsWord kills processes of a server of its own with SIGKILL, after which PostgreSQL throws away its
// memory and recovers from its log, and ends sessions from outside.
func TestCrashedServerKeepsItsWord(t *testing.T) {
	t.Setenv(testenv.KindPostgres.Env(), "")
	server, err := testenv.Start(testenv.KindPostgres)
	if missing := (*testenv.MissingError)(nil); errors.As(err, &missing) && !testenv.KindPostgres.Required() {
		t.Skip(err)
	}
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	s := openStoreAt(t, server.URL, nil)
	mustExec(t, s, ackTable)
	seed := testseed.Of(t)
	rng := rand.New(rand.NewPCG(seed, 2))
	rounds := 8
	if testing.Short() {
		rounds = 2
	}
	stop := make(chan struct{})
	killed := 0
	go func() {
		defer close(stop)
		for i := range rounds {
			time.Sleep(time.Duration(100+rng.IntN(150)) * time.Millisecond)
			if endWriter(t, server, i%2 == 0) {
				killed++
			}
		}
	}()
	hammer(t, s, stop).check(t, s)
	t.Logf("%d of %d times by SIGKILL", killed, rounds)
}

// endWriter ends the process of the writer: by a signal that it cannot catch, if the process is one of this machine that
// belongs to the server, or as an administrator does.
func endWriter(t *testing.T, server *testenv.Server, crash bool) (killed bool) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var conn *pgx.Conn
	for conn == nil && ctx.Err() == nil {
		if conn, _ = pgx.Connect(ctx, server.URL); conn == nil {
			time.Sleep(20 * time.Millisecond)
		}
	}
	if conn == nil {
		t.Errorf("the server did not come back")
		return false
	}
	defer func() { _ = conn.Close(ctx) }()
	const writers = "SELECT pid FROM pg_stat_activity WHERE application_name = 'livetables writer'"
	var pid int
	if err := conn.QueryRow(ctx, writers+" LIMIT 1").Scan(&pid); err != nil {
		return false // between two connections
	}
	// The processes of a server in a container have other numbers here, which may be anybody's.
	where, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/cwd")
	if !crash || err != nil || server.Dir == "" || !strings.HasPrefix(where, server.Dir+"/") {
		_, _ = conn.Exec(ctx, "SELECT pg_terminate_backend($1)", pid)
		return false
	}
	process, err := os.FindProcess(pid)
	return err == nil && process.Kill() == nil
}
