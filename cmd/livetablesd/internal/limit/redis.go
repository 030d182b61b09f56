package limit

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// Redis is a [Limiter] whose buckets are shared by all processes that use the same Redis and prefix. A draw on any number
// of buckets is one round trip. Make one with [OpenRedis], end it with Close.
//
// Every draw is made on buckets of this process too, before Redis is asked: what this process alone has used up needs no
// round trip, and when Redis does not answer within its time the draw counts as it is. So without Redis each process limits
// by itself, and nothing is ever let through unlimited.
type Redis struct {
	client *redis.Client
	local  *Memory
	opt    RedisOptions
	// down is when Redis is asked again, in nanoseconds since 1970, 0 while it answers.
	down atomic.Int64
}

var _ Limiter = (*Redis)(nil)

// RedisOptions configure a [Redis]. A zero field has the default named with it.
type RedisOptions struct {
	URL     string        // redis://[user:password@]host:port/database or rediss://…; required
	Prefix  string        // of the keys, default "livetables"; deployments that share a Redis need different ones
	Timeout time.Duration // of a draw, default 100 ms
	Retry   time.Duration // after a failure, before Redis is asked again, default 1 s
	Entries int           // buckets of each name in this process, default 65,536
	Logger  *slog.Logger  // default slog.Default; told when Redis is lost and when it is back
}

//go:embed gcra.lua
var gcraSource string

var gcra = redis.NewScript(gcraSource)

// The client prints to standard error what its callers are told anyway.
var silence = sync.OnceFunc(func() { redis.SetLogger(silent{}) })

type silent struct{}

// Printf drops a message of the client.
func (silent) Printf(context.Context, string, ...any) {}

// OpenRedis makes a limiter. It connects at the first draw: a Redis that is down does not keep a server from starting. An
// error says that the URL is not one.
func OpenRedis(opt RedisOptions) (*Redis, error) {
	if opt.Prefix == "" {
		opt.Prefix = "livetables"
	}
	if opt.Timeout <= 0 {
		opt.Timeout = 100 * time.Millisecond
	}
	if opt.Retry <= 0 {
		opt.Retry = time.Second
	}
	if opt.Logger == nil {
		opt.Logger = slog.Default()
	}
	silence()
	settings, err := redis.ParseURL(opt.URL)
	if err != nil {
		return nil, errors.New("redis: the URL is not of the form redis://[user:password@]host:port/database") // the URL has a password
	}
	settings.MaxRetries, settings.DialerRetries = -1, 1 // a request waits for one try, not for several
	settings.DialTimeout, settings.ReadTimeout, settings.WriteTimeout, settings.PoolTimeout = opt.Timeout, opt.Timeout, opt.Timeout, opt.Timeout
	settings.ContextTimeoutEnabled = true
	return &Redis{client: redis.NewClient(settings), local: NewMemory(opt.Entries, nil), opt: opt}, nil
}

// Close closes the connections. Draws that follow are made in this process.
func (r *Redis) Close() error {
	if err := r.client.Close(); err != nil {
		return fmt.Errorf("redis: %w", err)
	}
	return nil
}

// Shared reports whether Redis answered when it was last asked, for metrics.
func (r *Redis) Shared() bool { return r.down.Load() == 0 }

// Take implements [Limiter].
func (r *Redis) Take(ctx context.Context, buckets ...Bucket) Refusal {
	if refusal := r.local.Take(ctx, buckets...); refusal.Refused() {
		return refusal
	}
	down := r.down.Load()
	if down != 0 {
		now := time.Now()
		// One request finds out whether Redis is back, the others do not wait for it.
		if now.UnixNano() < down || !r.down.CompareAndSwap(down, now.Add(r.opt.Retry).UnixNano()) {
			return Refusal{}
		}
	}
	refusal, err := r.draw(ctx, buckets)
	if err != nil {
		if ctx.Err() == nil && r.down.Swap(time.Now().Add(r.opt.Retry).UnixNano()) == 0 {
			r.opt.Logger.WarnContext(ctx, "rate limits are counted by this process alone: Redis does not answer", "error", err)
		}
		return Refusal{}
	}
	if r.down.Swap(0) != 0 {
		r.opt.Logger.InfoContext(ctx, "rate limits are shared again: Redis answers")
	}
	if refusal.Refused() {
		r.local.giveBack(buckets)
	}
	return refusal
}

// draw runs the script for the buckets that limit.
func (r *Redis) draw(ctx context.Context, buckets []Bucket) (Refusal, error) {
	keys := make([]string, 0, len(buckets))
	args := make([]any, 0, 2*len(buckets))
	names := make([]string, 0, len(buckets))
	for i := range buckets {
		b := &buckets[i]
		if !b.limits() {
			continue
		}
		keys = append(keys, r.key(b))
		args = append(args, strconv.FormatInt(b.burst().Microseconds(), 10), strconv.FormatInt(b.cost().Microseconds(), 10))
		names = append(names, b.Name)
	}
	if len(keys) == 0 {
		return Refusal{}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, r.opt.Timeout)
	defer cancel()
	answer, err := gcra.Run(ctx, r.client, keys, args...).Int64Slice()
	if err != nil {
		return Refusal{}, fmt.Errorf("draw on %d buckets: %w", len(keys), err)
	}
	if len(answer) != 2 || answer[0] < 0 || answer[0] > int64(len(names)) {
		return Refusal{}, fmt.Errorf("draw on %d buckets: Redis answers %v", len(keys), answer)
	}
	if answer[0] == 0 {
		return Refusal{}, nil
	}
	return Refusal{names[answer[0]-1], time.Duration(max(1, answer[1])) * time.Microsecond}, nil
}

// key is where a bucket is kept. Whose it is stands there as a hash: a Redis that others read need not tell them the
// addresses of clients. The braces put all keys of a cluster in one slot, as a script needs.
func (r *Redis) key(b *Bucket) string {
	sum := sha256.Sum256([]byte(b.Name + "\x00" + b.Key))
	return "{" + r.opt.Prefix + "}:rate:" + hex.EncodeToString(sum[:16])
}
