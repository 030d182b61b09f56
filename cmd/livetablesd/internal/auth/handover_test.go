package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/minidb"
)

// faulty is a log that answers with an error when told so, and takes an id once.
type faulty struct {
	answer func(audit.Entry) error // nil takes everything
	after  func(audit.Entry) error // fails although the entry was taken; nil never
	taken  []audit.Entry
}

func (l *faulty) record(_ context.Context, e audit.Entry) error {
	if l.answer != nil {
		if err := l.answer(e); err != nil {
			return err
		}
	}
	if !slices.ContainsFunc(l.taken, func(had audit.Entry) bool { return had.ID == e.ID }) {
		l.taken = append(l.taken, e)
	}
	if l.after != nil {
		return l.after(e)
	}
	return nil
}

func (l *faulty) actions() (out []string) {
	for _, e := range l.taken {
		out = append(out, e.Action)
	}
	return out
}

func withLog(t *testing.T, l *faulty) *fixture {
	return newFixture(t, func(o *Options) { o.Record = l.record })
}

// TestEntriesWaitForTheLog lets the log be away while changes are made: they are made, and noted in order when it is back.
func TestEntriesWaitForTheLog(t *testing.T) {
	down := errors.New("disk full")
	log := &faulty{answer: func(audit.Entry) error { return down }}
	f := withLog(t, log)
	root := f.root()
	want := []string{"auth.register"}
	for i := range 3 * auditBatch / 2 {
		f.user(root, fmt.Sprintf("n%d@example.com", i))
		want = append(want, "user.create")
	}
	require.ErrorIs(t, f.HandOver(t.Context()), down)
	require.Empty(t, log.taken)
	log.answer = nil
	// It takes some and then says that it did not: what it took, it has once.
	for i := range 4 {
		log.after = func(audit.Entry) error {
			if len(log.taken) > 30*i {
				return down
			}
			return nil
		}
		require.ErrorIs(t, f.HandOver(t.Context()), down)
	}
	log.after = nil
	require.NoError(t, f.HandOver(t.Context()))
	require.Equal(t, want, log.actions())
	require.Zero(t, f.count("auth_outbox", everyRow))
}

// TestConfirmationFails takes entries whose confirmation cannot be written: they are offered again and taken once.
func TestConfirmationFails(t *testing.T) {
	log := &faulty{}
	f := withLog(t, log)
	root := f.root()
	f.user(root, "ann@example.com")
	room := f.noRoom("DELETE")
	f.lacksRoom(f.HandOver(t.Context()))
	f.lacksRoom(f.HandOver(t.Context()))
	room()
	require.NoError(t, f.HandOver(t.Context()))
	require.Equal(t, []string{"auth.register", "user.create"}, log.actions())
}

// TestPoisonIsSetAside: an entry that is never taken does not keep those behind it back, is not lost, and is tried again by the
// next process.
func TestPoisonIsSetAside(t *testing.T) {
	for name, poison := range map[string]error{
		"invalid": fmt.Errorf("record: %w", &minidb.ValidationError{Fields: []minidb.FieldError{{Column: "image", Code: "invalid"}}}),
		"unknown": errors.New("constraint"),
	} {
		t.Run(name, func(t *testing.T) {
			log := &faulty{answer: func(e audit.Entry) error {
				if e.Action == "user.create" {
					return poison
				}
				return nil
			}}
			f := withLog(t, log)
			ann := f.verify(f.loginNew(f.root(), "ann@example.com"))
			require.NoError(t, f.Logout(t.Context(), ann))
			if name == "unknown" {
				for range auditStuck {
					require.ErrorIs(t, f.HandOver(t.Context()), poison)
				}
				require.Equal(t, []string{"auth.register"}, log.actions(), "in order, as long as it may be a matter of time")
			}
			require.NoError(t, f.HandOver(t.Context()))
			require.Equal(t, []string{"auth.register", "auth.login", "auth.session_end"}, log.actions())
			counts, err := f.AuditCounts(t.Context())
			require.NoError(t, err)
			require.Equal(t, AuditCounts{Refused: 1}, counts)
			require.Contains(t, f.log.String(), "audit entry refused")

			log.answer = nil
			ended, stop := context.WithCancel(t.Context())
			stop()
			require.NoError(t, f.RunAudit(ended))
			require.Equal(t, []string{"auth.register", "auth.login", "auth.session_end"}, log.actions(), "ended before it began")
			require.NoError(t, f.RunAudit(cancelSoon(t)))
			require.Len(t, log.taken, 4)
		})
	}
}

// TestUnreadableEntryIsSetAside: damage in the store stops nothing.
func TestUnreadableEntryIsSetAside(t *testing.T) {
	log := &faulty{}
	f := withLog(t, log)
	f.exec(`INSERT INTO auth_outbox (position, workspace, entry) VALUES (0, '', '{')`)
	f.root()
	require.NoError(t, f.HandOver(t.Context()))
	require.Equal(t, []string{"auth.register"}, log.actions())
	require.Equal(t, int64(1), f.count("auth_outbox", "refused IS NOT NULL"))
}

func cancelSoon(t *testing.T) context.Context {
	ctx, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	t.Cleanup(stop)
	return ctx
}

// TestEntriesOfGoneWorkspaces: they go with the workspace, whether they wait when it is forgotten or come after that.
func TestEntriesOfGoneWorkspaces(t *testing.T) {
	log := &faulty{answer: func(e audit.Entry) error {
		if e.Workspace != "" {
			return fmt.Errorf("workspace %s: %w", e.Workspace, minidb.ErrNotFound)
		}
		return nil
	}}
	f := withLog(t, log)
	root := f.root()
	f.invited(root, "ann@example.com")
	require.Equal(t, int64(1), f.count("auth_outbox", "workspace <> ''"))
	require.NoError(t, f.ForgetWorkspace(t.Context(), place))
	require.Zero(t, f.count("auth_outbox", "workspace <> ''"))
	f.invited(root, "bob@example.com")
	f.user(root, "cia@example.com")
	require.NoError(t, f.HandOver(t.Context()))
	require.Equal(t, []string{"auth.register", "user.create"}, log.actions())
	require.Zero(t, f.count("auth_outbox", everyRow))
}

// TestFullOutboxRefuses: an instance whose log is away for long makes no changes any more, strangers' attempts first.
func TestFullOutboxRefuses(t *testing.T) {
	down := errors.New("disk full")
	log := &faulty{answer: func(audit.Entry) error { return down }}
	f := withLog(t, log)
	ann := f.verify(f.loginNew(f.root(), "ann@example.com"))
	f.outbox.most = 20
	wrong := func(email string) error {
		_, err := f.Login(t.Context(), Credentials{Email: email, Password: secret("wrong password")}, home)
		return err
	}
	for f.count("auth_outbox", everyRow) < 10 {
		require.ErrorIs(t, wrong("ann@example.com"), ErrCredentials)
	}
	for _, email := range []string{"ann@example.com", "nobody@example.com"} {
		require.ErrorIs(t, wrong(email), ErrBusy, "the same for both")
	}
	name := "Ann"
	for f.count("auth_outbox", everyRow) < 20 {
		_, err := f.UpdateProfile(t.Context(), ann, Profile{&name})
		require.NoError(t, err)
	}
	state := f.dump()
	name = "Other"
	_, err := f.UpdateProfile(t.Context(), ann, Profile{&name})
	require.ErrorIs(t, err, ErrBusy)
	require.ErrorIs(t, f.Logout(t.Context(), ann), ErrBusy)
	require.Equal(t, state, f.dump())
	log.answer = nil
	require.NoError(t, f.HandOver(t.Context()))
	require.Len(t, log.taken, 20)
	require.NoError(t, f.Logout(t.Context(), ann))
}

// TestRunAudit: it is told of a commit, tries again by itself when the log was away, and hands over the rest when it ends.
func TestRunAudit(t *testing.T) {
	failures := 0
	log := &faulty{answer: func(audit.Entry) error {
		if failures++; failures <= 3 {
			return errors.New("disk full")
		}
		return nil
	}}
	f := withLog(t, log)
	root := f.root()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.RunAudit(ctx) }()
	for _, name := range []string{"a", "b"} {
		f.user(root, name+"@example.com")
		require.Eventually(t, func() bool { return f.count("auth_outbox", everyRow) == 0 }, 20*time.Second, 5*time.Millisecond)
	}
	stop()
	f.user(root, "c@example.com")
	require.NoError(t, <-ended)
	f.user(root, "d@example.com")
	// Whatever RunAudit did not see any more waits for the next process.
	require.NoError(t, f.another().HandOver(t.Context()))
	require.NoError(t, f.HandOver(t.Context()))
	require.Zero(t, f.count("auth_outbox", everyRow))
}

// TestOutboxOrder: entries of many writers come in the order of their commits, which positions tell.
func TestOutboxOrder(t *testing.T) {
	log := &faulty{}
	f := withLog(t, log)
	root := f.root()
	done := make(chan error)
	for w := range 4 {
		go func() {
			for i := range 20 {
				if _, err := f.CreateUser(t.Context(), root, NewUser{Email: fmt.Sprintf("w%d-%d@example.com", w, i), Password: passwordOf("x")}); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range 4 {
		require.NoError(t, <-done)
	}
	var order []string
	require.NoError(t, f.store.Read(t.Context(), func(tx adapter.Tx) error {
		return each(t.Context(), tx, `SELECT entry FROM auth_outbox ORDER BY position`, nil, func(r row) error {
			var e audit.Entry
			err := json.Unmarshal([]byte(r.text(0)), &e)
			order = append(order, e.ID)
			return err
		})
	}))
	require.Len(t, order, 81)
	require.NoError(t, f.HandOver(t.Context()))
	for i, e := range log.taken {
		require.Equal(t, order[i], e.ID)
	}
}
