package auth

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter/sqlite"
	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/minidb"
)

// crashDir tells the test binary that it is the process that is to be killed, and where its files are.
const crashDir = "LIVETABLES_AUTH_CRASH"

// node is a service with the log that it hands its entries to, as a daemon has them.
type node struct {
	*Service
	db    *minidb.DB
	close func() error
}

func openNode(ctx context.Context, dir string, record func(context.Context, *minidb.DB, audit.Entry) error) (*node, error) {
	data, err := sqlite.OpenStore(ctx, filepath.Join(dir, "data.db"), sqlite.StoreOptions{Relaxed: true})
	if err != nil {
		return nil, err
	}
	accounts, err := sqlite.OpenStore(ctx, filepath.Join(dir, "accounts.db"), sqlite.StoreOptions{Relaxed: true})
	if err != nil {
		return nil, errors.Join(err, data.Close())
	}
	n := &node{}
	n.close = func() error {
		if n.db != nil {
			return errors.Join(n.db.Close(), accounts.Close(), data.Close())
		}
		return errors.Join(accounts.Close(), data.Close())
	}
	if n.db, err = minidb.Open(ctx, data, minidb.Options{}); err != nil {
		return nil, errors.Join(err, n.close())
	}
	o, err := Options{Keys: testKeys("crash"), Limits: Limits{PerAddress: 1e6, PerAccount: 1e6},
		Record: func(ctx context.Context, e audit.Entry) error { return record(ctx, n.db, e) }}.withDefaults()
	if err == nil {
		o.Hash = weakHash
		n.Service, err = open(ctx, accounts, o)
	}
	if err != nil {
		return nil, errors.Join(err, n.close())
	}
	return n, nil
}

func takeOver(ctx context.Context, db *minidb.DB, e audit.Entry) error { return db.TakeOver(ctx, e) }

// crash is the process that dies: it makes accounts until something kills it.
func crash(dir, when string) error {
	ctx := context.Background()
	die := func() { _ = syscall.Kill(os.Getpid(), syscall.SIGKILL) }
	seen := 0
	n, err := openNode(ctx, dir, func(ctx context.Context, db *minidb.DB, e audit.Entry) error {
		if seen++; when == "before it is taken" && seen == 3 {
			die()
		}
		err := db.TakeOver(ctx, e)
		if when == "after it is taken" && seen == 3 {
			die()
		}
		return err
	})
	if err != nil {
		return err
	}
	token, first, err := n.SetupToken(ctx)
	if err != nil {
		return err
	}
	var tokens Tokens
	if first {
		tokens, err = n.Register(ctx, Registration{Email: "root@example.com", Password: secret(rootPassword), SetupToken: secret(token)}, home)
	} else {
		tokens, err = n.Login(ctx, Credentials{Email: "root@example.com", Password: secret(rootPassword)}, home)
	}
	if err != nil {
		return err
	}
	root, err := n.Verify(ctx, tokens.Access.Reveal())
	if err != nil {
		return err
	}
	go func() { _ = n.RunAudit(ctx) }()
	for i := 0; ; i++ {
		if _, err := n.CreateUser(ctx, root, NewUser{Email: fmt.Sprintf("n%d-%d@example.com", os.Getpid(), i), Password: secret("some password")}); err != nil {
			return err
		}
	}
}

// TestKilledBetweenCommitAndLog kills a process at the worst moments and at any: every account that is there has its entry in
// the log, once, and the log has no other.
func TestKilledBetweenCommitAndLog(t *testing.T) {
	dir, random := t.TempDir(), rand.New(rand.NewPCG(testseed.Of(t), 0))
	for _, when := range []string{"before it is taken", "after it is taken", "at any time", "after it is taken", "at any time", "at any time"} {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), crashDir+"="+dir, crashDir+"_WHEN="+when)
		cmd.Stderr = os.Stderr
		require.NoError(t, cmd.Start())
		if when == "at any time" {
			time.AfterFunc(time.Duration(300+random.IntN(700))*time.Millisecond, func() { _ = cmd.Process.Kill() })
		}
		err := cmd.Wait()
		var exit *exec.ExitError
		require.ErrorAs(t, err, &exit)
		require.True(t, exit.Sys().(syscall.WaitStatus).Signaled(), "it was killed and did not give up: %v", err)
	}
	n, err := openNode(t.Context(), dir, takeOver)
	require.NoError(t, err)
	waiting, err := n.AuditCounts(t.Context())
	require.NoError(t, err)
	require.NoError(t, n.HandOver(t.Context()))
	made := map[string]int{}
	total := 0
	for after := int64(0); ; {
		entries, err := n.db.Changes(t.Context(), after, 0)
		require.NoError(t, err)
		if len(entries) == 0 {
			break
		}
		for _, e := range entries {
			after = e.Position
			if e.Action == "user.create" || e.Action == "auth.register" {
				made[e.Resource]++
				total++
			}
		}
	}
	f := &fixture{t: t, Service: n.Service}
	f.store = n.Service.store
	require.Equal(t, f.count("auth_account", everyRow), int64(total))
	require.Len(t, made, total, "each once")
	require.Greater(t, total, 10)
	t.Logf("%d accounts, %d entries waited after the last kill", total, waiting.Waiting)
	require.NoError(t, n.close())
}
