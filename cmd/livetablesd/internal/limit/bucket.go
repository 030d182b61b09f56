package limit

import (
	"context"
	"time"
)

// Bucket is one budget that a request draws on: a token bucket, full at first, that runs at Rate.
type Bucket struct {
	// Name says which limit it is ("address", "account"); refusals name it.
	Name string
	// Key says whose it is. Buckets are told apart by name and key.
	Key string
	// Rate is how much flows in per second. Of zero or less, the bucket does not limit.
	Rate float64
	// Burst is how much it holds; below 1 counts as 1.
	Burst float64
	// Cost is how much is drawn. More than Burst counts as Burst: it takes the whole of a full bucket.
	Cost float64
}

// Refusal is a draw that was not made.
type Refusal struct {
	Name string        // of the bucket that was short, "" for none
	Wait time.Duration // until the draw would be made if nobody else draws
}

// Refused reports whether the draw was refused.
func (r Refusal) Refused() bool { return r.Name != "" }

// Limiter draws on buckets: on all that are named or, when one is short, on none. Implementations may be called from many
// goroutines, and always answer: what keeps the buckets elsewhere has a fallback.
type Limiter interface {
	Take(ctx context.Context, buckets ...Bucket) Refusal
}

// A bucket is kept as its theoretical arrival time, when it would be full again: the generic cell rate algorithm of ITU-T
// I.371, in its virtual scheduling form. One number is enough, and one that lies in the past says the same as none.

// burst is how long a full bucket took to fill.
func (b *Bucket) burst() time.Duration {
	return time.Duration(max(1, b.Burst) * float64(time.Second) / b.Rate)
}

// cost is how far the draw moves the arrival time.
func (b *Bucket) cost() time.Duration {
	return time.Duration(min(max(0, b.Cost), max(1, b.Burst)) * float64(time.Second) / b.Rate)
}

func (b *Bucket) limits() bool { return b.Rate > 0 }
