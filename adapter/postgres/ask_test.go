package postgres

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
	"github.com/stretchr/testify/require"
)

// askFor is questions for the name of a row and for the rows of a table in a namespace.
func askFor(spaced *lqp.Table, v int64) func() []adapter.Question {
	id := spaced.Column("v")
	pushed := &lqp.Query{From: lqp.Source{Table: spaced.Name, Alias: "t", Schema: spaced},
		Select: []lqp.Named{{Name: "v", Expr: lqp.TypedRef("t", "v", id.Type)}}}
	return func() []adapter.Question {
		return []adapter.Question{{SQL: "SELECT name FROM n WHERE v = ?", Args: []lqp.Value{lqp.IntValue(v)}}, {Pushed: pushed},
			{SQL: "SELECT v FROM n WHERE v > 100"}}
	}
}

func TestQuestionsBeginATransaction(t *testing.T) {
	s, plain, spaced := deferStore(t)
	ctx := context.Background()
	require.NoError(t, s.Write(ctx, func(tx adapter.Tx) error {
		return tx.Insert(ctx, spaced, []string{"v"}, [][]lqp.Value{{lqp.IntValue(7)}, {lqp.IntValue(8)}})
	}))
	for v, name := range map[int64]string{1: "one", 2: "two"} {
		ask := askFor(spaced, v)
		prepared, err := s.Prepare(ask()[1].Pushed, nil)
		require.NoError(t, err)
		require.NoError(t, s.WriteAsking(ctx, func() []adapter.Question { return append(ask(), adapter.Question{Prepared: prepared}) }, func(tx adapter.Tx, answers []adapter.Rows) error {
			require.Len(t, answers, 4)
			require.True(t, answers[3].Next())
			require.Equal(t, "7", answers[3].Value(0).String())
			require.True(t, answers[0].Next())
			require.Equal(t, name, answers[0].Value(0).Text())
			require.False(t, answers[0].Next())
			sum := int64(0)
			for answers[1].Next() {
				n, _ := answers[1].Value(0).Decimal().Int64()
				require.Equal(t, answers[1].Value(0).String(), string(answers[1].AppendJSON(nil, 0)))
				sum += n
			}
			require.EqualValues(t, 15, sum)
			require.False(t, answers[2].Next())
			for _, a := range answers {
				require.NoError(t, a.Err())
				require.NoError(t, a.Close())
			}
			// The role of the namespace is not that of what follows.
			return adapter.Deferred(tx, func() error { return tx.Insert(ctx, plain, []string{"v"}, row(10+v)) })
		}))
	}
	require.Equal(t, [][]string{{"1"}, {"2"}, {"3"}, {"11"}, {"12"}}, queryAll(t, s, "SELECT v FROM n ORDER BY v"))
}

// TestQuestionsThatFail are not answered: the function runs all the same.
func TestQuestionsThatFail(t *testing.T) {
	s, plain, _ := deferStore(t)
	ctx := context.Background()
	other, _, spaced := deferStore(t)
	prepared, err := other.Prepare(askFor(spaced, 0)()[1].Pushed, nil)
	require.NoError(t, err)
	for i, q := range []adapter.Question{
		{SQL: "SELECT 1 FROM nowhere"}, {SQL: "SELECT 1 / (v - v) FROM n"}, {SQL: "SELECT ?::bigint", Args: []lqp.Value{lqp.TextValue("x")}},
		{SQL: "SELECT v FROM n WHERE v = ?"}, {Prepared: prepared},
	} {
		asked := 0
		require.NoError(t, s.WriteAsking(ctx, func() []adapter.Question { asked++; return []adapter.Question{q} }, func(tx adapter.Tx, answers []adapter.Rows) error {
			require.Nil(t, answers)
			return tx.Insert(ctx, plain, []string{"v"}, row(int64(20+i)))
		}), q.SQL)
		require.Equal(t, 1, asked)
	}
	require.Equal(t, [][]string{{"5"}}, queryAll(t, s, "SELECT count(*) FROM n WHERE v >= 20"))
}

// TestQuestionsSeeTheLastCommit asks in transactions of two processes in turn: what is answered is behind the lock.
func TestQuestionsSeeTheLastCommit(t *testing.T) {
	s, plain, _ := deferStore(t)
	ctx := context.Background()
	other, err := OpenStore(ctx, s.opt)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, other.Close()) })
	const each = 40
	errs := make(chan error, 2)
	for _, one := range []*Store{s, other} {
		go func() {
			for range each {
				err := one.WriteAsking(ctx, func() []adapter.Question {
					return []adapter.Question{{SQL: "SELECT max(v) FROM n"}}
				}, func(tx adapter.Tx, answers []adapter.Rows) error {
					if len(answers) != 1 || !answers[0].Next() {
						return errors.New("not answered")
					}
					n, _ := answers[0].Value(0).Decimal().Int64()
					return adapter.Deferred(tx, func() error { return tx.Insert(ctx, plain, []string{"v"}, row(n+1)) })
				})
				if err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	require.NoError(t, <-errs)
	require.NoError(t, <-errs)
	require.Equal(t, [][]string{{"83", "83"}}, queryAll(t, s, "SELECT max(v), count(*) FROM n"))
}

// TestAskingIsTakenBack ends the context of a caller while another process has the lock: nothing has begun.
func TestAskingIsTakenBack(t *testing.T) {
	s, _, spaced := deferStore(t)
	other, err := OpenStore(t.Context(), s.opt)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, other.Close()) })
	held, leave, left := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		left <- other.Write(context.Background(), func(adapter.Tx) error { close(held); <-leave; return nil })
	}()
	<-held
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err = s.WriteAsking(ctx, askFor(spaced, 1), func(adapter.Tx, []adapter.Rows) error {
		t.Error("the function began")
		return nil
	})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	close(leave)
	require.NoError(t, <-left)
	mustExec(t, s, "INSERT INTO n VALUES (50, 'later')")
}
