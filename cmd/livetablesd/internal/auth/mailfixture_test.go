package auth

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/cmd/livetablesd/internal/mail"
	"github.com/livetables/livetables/internal/storetest"
	"github.com/livetables/livetables/lqp"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		fmt.Fprintln(os.Stderr, crash(dir, os.Getenv(crashDir+"_WHEN")))
		os.Exit(1)
	}
	goleak.VerifyTestMain(onEveryStore{m})
}

// onEveryStore runs the tests on each database that accounts can be kept in.
type onEveryStore struct{ *testing.M }

// Run implements goleak.TestingM.
func (m onEveryStore) Run() int {
	return storetest.Run(m.M, "TestRunAudit", "TestAttack37IDTokens", "TestOIDCWhoMayComeIn", "TestOIDCIssuerIsHostile", "TestRunMailWaits",
		"TestKilledBetweenCommitAndLog", "TestUnknownAccountsCostTheSame", "TestAttack40ResetTiming", "TestOIDCKeysRotate")
}

// postbox is a mailer that keeps what it is given, unless told to fail.
type postbox struct {
	mu   sync.Mutex
	got  []mail.Message
	fail func(mail.Message) error
}

func (p *postbox) Send(_ context.Context, m mail.Message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fail != nil {
		if err := p.fail(m); err != nil {
			return err
		}
	}
	p.got = append(p.got, m)
	return nil
}

// take empties the box.
func (p *postbox) take() []mail.Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	got := p.got
	p.got = nil
	return got
}

// deliver hands over everything that is due.
func (f *fixture) deliver(p *postbox) []mail.Message {
	f.t.Helper()
	require.NoError(f.t, f.deliverDue(f.t.Context(), p))
	return p.take()
}

var tokenLine = regexp.MustCompile(`(?m)^  token: (\S+)$`)

// tokenIn finds the token of a mail.
func tokenIn(t testing.TB, m mail.Message) livetables.Secret {
	t.Helper()
	found := tokenLine.FindStringSubmatch(m.Text)
	require.NotNil(t, found, m.Text)
	return livetables.NewSecret(found[1])
}

// mailed delivers and demands one mail with a token.
func (f *fixture) mailed(to string) livetables.Secret {
	f.t.Helper()
	got := f.deliver(&postbox{})
	require.Len(f.t, got, 1)
	require.Equal(f.t, to, got[0].To)
	return tokenIn(f.t, got[0])
}

// count counts rows of a table.
func (f *fixture) count(table, where string) (n int64) {
	f.t.Helper()
	require.NoError(f.t, f.store.Read(f.t.Context(), func(tx adapter.Tx) error {
		return each(f.t.Context(), tx, `SELECT count(*) FROM `+table+` WHERE `+where, nil, func(r row) error {
			n = r.int(0)
			return nil
		})
	}))
	return n
}

// fill puts n mails into the queue.
func (f *fixture) fill(n int) {
	f.t.Helper()
	require.NoError(f.t, f.store.Write(f.t.Context(), func(tx adapter.Tx) error {
		_, err := tx.Exec(f.t.Context(), `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
			INSERT INTO auth_mail (id, address, purpose, subject, cause, nonce, state, tries, created_at, next_at, lease_until)
			SELECT 'mal_' || i, 'x@example.org', 'reset', '', '', '', 0, 0, ?, ?, 0 FROM n`, lqp.IntValue(int64(n)), timeValue(f.clock.Now()), timeValue(f.clock.Now()))
		return err
	}))
}
