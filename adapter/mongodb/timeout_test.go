package mongodb

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// running counts the commands on a collection that the server is executing.
func (d *database) running(collection string) (n int) {
	d.T.Helper()
	ctx := context.Background()
	cursor, err := d.admin.Client().Database("admin").Aggregate(ctx, mongo.Pipeline{{{Key: "$currentOp", Value: bson.D{{Key: "allUsers", Value: true}}}}})
	require.NoError(d.T, err)
	var all []struct {
		Active bool   `bson:"active"`
		NS     string `bson:"ns"`
	}
	require.NoError(d.T, cursor.All(ctx, &all))
	for _, op := range all {
		if op.Active && op.NS == d.settings.Database+"."+collection {
			n++
		}
	}
	return n
}

// TestTimeLimitsReachTheServer: a command that takes too long does not go on at the server, whoever found it too long. When
// the caller just leaves, the connection is closed; FerretDB does not look at that and works on until the statement's time is
// up, which every command tells it.
func TestTimeLimitsReachTheServer(t *testing.T) {
	d := newDatabase(t)
	for part := range 20 {
		docs := make([]any, 5000)
		for i := range docs {
			docs[i] = bson.M{"_id": part*5000 + i, "s": "a text that is sorted by"}
		}
		d.insert("many", docs...)
	}
	d.Discover()
	long := d.Plan(d.Bind(`{"source":{"table":"many"},"columns":["_id"],"sorts":["s","-_id"]}`)).Pushed
	require.NotEmpty(t, long.OrderBy, "the server sorts: that takes it seconds")
	within := func(timeout time.Duration) *Adapter {
		s := d.settings
		s.Timeout = timeout
		a, err := open(s)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, a.Close()) })
		require.NoError(t, a.Ping(t.Context()))
		return a
	}
	for _, c := range []struct {
		name string
		a    *Adapter
		end  func(context.Context) (context.Context, context.CancelFunc)
		want error
	}{
		{"the statement's time", within(300 * time.Millisecond), context.WithCancel, adapter.ErrTimeout},
		{"the caller's time", d.Adapter, func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 300*time.Millisecond)
		}, context.DeadlineExceeded},
		{"the caller leaves", within(time.Second), func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(300*time.Millisecond, cancel)
			return ctx, cancel
		}, context.Canceled},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := c.end(t.Context())
			defer cancel()
			ended := make(chan error, 1)
			go func(q *lqp.Query) {
				rows, err := c.a.Scan(ctx, q)
				if err == nil {
					_ = rows.Close()
				}
				ended <- err
			}(long)
			require.Eventually(t, func() bool { return d.running("many") > 0 }, 5*time.Second, 5*time.Millisecond)
			require.ErrorIs(t, <-ended, c.want)
			began := time.Now()
			require.Eventually(t, func() bool { return d.running("many") == 0 }, 10*time.Second, 20*time.Millisecond)
			require.Less(t, time.Since(began), 2*time.Second, "it would have gone on for longer")
		})
	}
}
