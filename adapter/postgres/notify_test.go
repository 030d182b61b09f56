package postgres

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/internal/testenv"
)

// TestAnnounce: what one store announces, all stores on the same schema hear, and no others.
func TestAnnounce(t *testing.T) {
	url := testenv.Postgres(t)
	first, second := openStoreAt(t, url, nil), openStoreAt(t, url, nil)
	stranger := openStoreAt(t, url, func(o *StoreOptions) { o.Schema = "elsewhere" })
	heard := map[*Store]chan string{}
	ended := make(chan error, 3)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for _, s := range []*Store{first, second, stranger} {
		notes, ready := make(chan string, 10), make(chan struct{})
		heard[s] = notes
		go func() { ended <- s.Listen(ctx, func() { close(ready) }, func(note string) { notes <- note }) }()
		<-ready
	}
	require.NoError(t, first.Announce(ctx, "it's new"))
	require.NoError(t, stranger.Announce(ctx, "elsewhere"))
	for _, s := range []*Store{first, second} {
		require.Equal(t, "it's new", <-heard[s])
	}
	require.Equal(t, "elsewhere", <-heard[stranger])
	require.Empty(t, heard[stranger], "what is announced elsewhere is not heard")

	// A connection that ends is reported, so that whoever listens can begin again; a store that is closed ends at once.
	mustExec(t, second, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '%listener' AND datname = current_database()")
	for range 3 {
		select {
		case err := <-ended:
			require.ErrorIs(t, err, adapter.ErrUnavailable)
		case <-time.After(20 * time.Second):
			t.Fatal("a listener did not end")
		}
	}
	require.NoError(t, second.Close())
	require.ErrorIs(t, second.Listen(ctx, func() { t.Error("ready") }, nil), adapter.ErrUnavailable)
	require.ErrorIs(t, second.Announce(ctx, ""), adapter.ErrUnavailable)
	go func() { ended <- first.Listen(ctx, func() { cancel() }, nil) }()
	require.ErrorIs(t, <-ended, context.Canceled)
}

// TestTableOfAQueryIsKept: a statement that only says SELECT when it is done has changed something all the same.
func TestTableOfAQueryIsKept(t *testing.T) {
	s := openTestStore(t, nil)
	mustExec(t, s, "CREATE TABLE made AS SELECT 1 AS n")
	require.Equal(t, [][]string{{"1"}}, queryAll(t, s, "SELECT n FROM made"))
}
