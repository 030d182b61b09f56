package livetables_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/internal/faultproxy"
	"github.com/livetables/livetables/lqp"
)

// TestServerGoesAndComesBack kills a server: queries fail with its connection's name, soon at once and without asking it;
// when it is back, so is the connection, by itself.
func TestServerGoesAndComesBack(t *testing.T) {
	t.Parallel()
	onFrail(t, livetables.Limits{}, func(t *testing.T, f *frail) {
		want := []string{"1", "2", "3"}
		got, err := f.first(3)
		require.NoError(t, err)
		require.Equal(t, want, got)
		h := f.health()
		require.Equal(t, livetables.StateClosed, h.State)
		require.NotNil(t, h.LastUsedAt)
		require.NotNil(t, h.PingMS)
		require.Nil(t, h.LastError)

		require.NoError(t, f.proxy.Set(faultproxy.Refuse))
		_, err = f.first(3)
		require.Equal(t, livetables.CodeSourceUnavailable, livetables.Code(err), err)
		require.ErrorContains(t, err, `connection "shop"`)
		require.NotContains(t, err.Error(), "127.0.0.1")
		f.becomes(livetables.StateOpen, 20*time.Second)
		began := time.Now()
		_, err = f.first(3)
		require.Less(t, time.Since(began), time.Second)
		require.Equal(t, livetables.CodeSourceUnavailable, livetables.Code(err))
		var source *livetables.SourceError
		require.ErrorAs(t, err, &source)
		require.Equal(t, []any{f.shop.ID, "shop"}, []any{source.Connection, source.Name})
		require.Positive(t, source.RetryAfter)
		h = f.health()
		require.NotNil(t, h.RetryAt)
		require.Equal(t, livetables.CodeSourceUnavailable, h.LastError.Code)
		require.NotContains(t, h.LastError.Message, "127.0.0.1")

		// Nobody asks for it, and yet.
		require.NoError(t, f.proxy.Set(faultproxy.Pass))
		f.becomes(livetables.StateClosed, 15*time.Second)
		got, err = f.first(3)
		require.NoError(t, err)
		require.Equal(t, want, got)

		var seen []string
		require.Eventually(t, func() bool {
			log, err := f.owner.AuditLog(t.Context(), f.workspace, livetables.HistoryFilter{ResourceType: "connection", Limit: 10})
			require.NoError(t, err)
			seen = nil
			for _, e := range log {
				seen = append(seen, e.Action)
			}
			return len(seen) == 3
		}, 5*time.Second, 20*time.Millisecond)
		require.Equal(t, []string{"connection.up", "connection.down", "connection.create"}, seen)
	})
}

// TestServerIsRestarted: connections that broke while nobody used them are nobody's business.
func TestServerIsRestarted(t *testing.T) {
	t.Parallel()
	onFrail(t, livetables.Limits{}, func(t *testing.T, f *frail) {
		for range 3 {
			got, err := f.first(2)
			require.NoError(t, err)
			require.Equal(t, []string{"1", "2"}, got)
			f.proxy.Reset()
		}
		// Nor is a pause that is shorter than the patience of a read.
		require.NoError(t, f.proxy.Set(faultproxy.Refuse))
		back := make(chan error, 1)
		time.AfterFunc(40*time.Millisecond, func() { back <- f.proxy.Set(faultproxy.Pass) })
		if f.shop.Driver != "mongodb" { // whose driver waits for the next look at the server, twice a second
			_, err := f.first(2)
			require.NoError(t, err)
		}
		require.Equal(t, livetables.StateClosed, f.health().State)
		require.NoError(t, <-back)
	})
}

// TestCutInTheMiddle: rows that were delivered are not delivered again, and the end is no end.
func TestCutInTheMiddle(t *testing.T) {
	t.Parallel()
	onFrail(t, livetables.Limits{}, func(t *testing.T, f *frail) {
		export := func() (n int, err error) {
			rows, err := f.viewer.Export(t.Context(), f.workspace, &lqp.Query{From: lqp.Source{Connection: "shop", Table: "big"}, Select: cols(t, "id", "s")})
			require.NoError(t, err)
			defer rows.Close()
			for rows.Next() {
				n++
			}
			return n, rows.Err()
		}
		n, err := export()
		require.NoError(t, err)
		require.Equal(t, bigRows, n)
		f.proxy.Cut(3 << 20)
		n, err = export()
		require.Equal(t, livetables.CodeSourceUnavailable, livetables.Code(err), err)
		require.ErrorContains(t, err, `connection "shop"`)
		require.Greater(t, n, 100)
		require.Less(t, n, bigRows)
		n, err = export()
		require.NoError(t, err)
		require.Equal(t, bigRows, n)
		require.Equal(t, livetables.StateClosed, f.health().State)
		require.NotNil(t, f.health().LastError)
	})
}

// TestSlowServer: slow is not away.
func TestSlowServer(t *testing.T) {
	t.Parallel()
	onFrail(t, livetables.Limits{}, func(t *testing.T, f *frail) {
		require.NoError(t, f.proxy.Set(faultproxy.Slow))
		got, err := f.first(500)
		require.NoError(t, err)
		require.Len(t, got, 500)
		require.Nil(t, f.health().LastError)
	})
}

// TestServerHangs: a read ends when its time is up; then somebody else finds out that it was the server's fault.
func TestServerHangs(t *testing.T) {
	t.Parallel()
	onFrail(t, livetables.Limits{QueryTime: 2 * time.Second}, func(t *testing.T, f *frail) {
		require.NoError(t, f.proxy.Set(faultproxy.Hang))
		began := time.Now()
		_, err := f.first(3)
		require.Contains(t, []string{livetables.CodeTimeout, livetables.CodeSourceUnavailable}, livetables.Code(err), err)
		require.Less(t, time.Since(began), 9*time.Second)
		f.becomes(livetables.StateOpen, 25*time.Second)
		began = time.Now()
		_, err = f.first(3)
		require.ErrorIs(t, err, adapter.ErrUnavailable)
		require.Less(t, time.Since(began), time.Second)
		require.NoError(t, f.proxy.Set(faultproxy.Pass))
		f.becomes(livetables.StateClosed, 25*time.Second)
		_, err = f.first(3)
		require.NoError(t, err)
	})
}
