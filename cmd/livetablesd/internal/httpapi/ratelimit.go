package httpapi

import (
	"net/http"
	"time"

	"github.com/livetables/livetables/cmd/livetablesd/internal/limit"
)

// RateLimit bounds requests by token buckets, in requests per second with a burst of ten seconds' worth. A zero field has
// its default, a negative one does not limit. A batch counts as many requests as it has items. A refusal names the bucket
// that was short: address, account, key, workspace or public.
type RateLimit struct {
	PerAddress   float64 // of one client address (IPv6: one /64), default 200
	PerAccount   float64 // of one account, with all its sessions and keys, default 200
	PerKey       float64 // of one token or key, default 200
	PerWorkspace float64 // for one workspace, of all that may enter it together, default 1000
	Public       float64 // for published views, of one client address and again of one key, default 50
	Entries      int     // addresses, accounts and so on remembered, each; the longest unused are forgotten, default 65,536
}

func (r *RateLimit) setDefaults() {
	orDefault(&r.PerAddress, 200)
	orDefault(&r.PerAccount, 200)
	orDefault(&r.PerKey, 200)
	orDefault(&r.PerWorkspace, 1000)
	orDefault(&r.Public, 50)
	orDefault(&r.Entries, 1<<16)
}

// burstSeconds is how many seconds' worth of requests may come at once.
const burstSeconds = 10

// bucketOf is a bucket of one request.
func bucketOf(name, key string, perSecond float64) limit.Bucket {
	return limit.Bucket{Name: name, Key: key, Rate: perSecond, Burst: perSecond * burstSeconds, Cost: 1}
}

// tooMany is a 429 with the time to wait.
func tooMany(wait time.Duration) *Problem {
	p := problemOf(http.StatusTooManyRequests, "rate_limited", "too many requests; wait as long as Retry-After says")
	p.retryAfter = wait
	return p
}

// overLimit is tooMany with the name of the limit.
func overLimit(r limit.Refusal) *Problem {
	p := tooMany(r.Wait)
	p.Limit = r.Name
	return p
}
