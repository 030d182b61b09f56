package httpapi

import (
	"net/http"
	"time"

	"github.com/livetables/livetables/cmd/livetablesd/internal/limit"
)

// Concurrency bounds what runs at once, so that one client or workspace cannot take everything. A zero field has its
// default, a negative one does not limit. What is beyond a bound waits, in the order in which it came; after Wait it is
// refused with 503 and Retry-After. A refusal names the share that was full, such as workspace_requests.
type Concurrency struct {
	PerAddress   int // requests of one client address (IPv6: one /64), default 1,024
	PerAccount   int // requests of one account, default 128
	PerWorkspace int // requests in one workspace, default 64; eight times as many may wait

	// Exports are whole lists on their way out, as files. They and Streams hold one of the mini-database's readers, of which
	// there are 16, for as long as their client takes.
	ExportsPerAccount, ExportsPerWorkspace, Exports int // defaults 2, 3 and 6
	// Streams are pages that are sent while they are read, because they are large.
	StreamsPerWorkspace, Streams int // defaults 3 and 6
	// Held is how much of pages is held in memory instead, in bytes; their readers are free. Defaults 16 and 128 MiB.
	HeldPerWorkspace, Held int
	// Imports are files on their way in.
	ImportsPerAccount, ImportsPerWorkspace int // defaults 4 and 8
	// Sockets are open WebSockets.
	SocketsPerAddress, SocketsPerWorkspace int // defaults 500 and 2,000

	Wait time.Duration // default 2 s, negative for none
}

func (c *Concurrency) setDefaults() {
	orDefault(&c.PerAddress, 1024)
	orDefault(&c.PerAccount, 128)
	orDefault(&c.PerWorkspace, 64)
	orDefault(&c.ExportsPerAccount, 2)
	orDefault(&c.ExportsPerWorkspace, 3)
	orDefault(&c.Exports, 6)
	orDefault(&c.StreamsPerWorkspace, 3)
	orDefault(&c.Streams, 6)
	orDefault(&c.HeldPerWorkspace, 16<<20)
	orDefault(&c.Held, 128<<20)
	orDefault(&c.ImportsPerAccount, 4)
	orDefault(&c.ImportsPerWorkspace, 8)
	orDefault(&c.SocketsPerAddress, 500)
	orDefault(&c.SocketsPerWorkspace, 2000)
	orDefault(&c.Wait, 2*time.Second)
}

// heldPiece is the unit in which memory for pages is shared out.
const heldPiece = 256 << 10

// fullShare is a 503 with the name of the share that was full.
func fullShare(name string) *Problem {
	p := problemOf(http.StatusServiceUnavailable, "busy", "as much as may run at once is running; try again")
	p.Limit, p.retryAfter = name, time.Second
	return p
}

func shareOf(name, key string, size int) limit.Share {
	return limit.Share{Name: name, Key: key, Size: size}
}

// exportShares are what one export takes.
func (c *call) exportShares() []limit.Share {
	o := &c.s.opt.Concurrency
	return []limit.Share{
		shareOf("account_exports", c.who.UserID, o.ExportsPerAccount), shareOf("workspace_exports", c.tally.workspace(), o.ExportsPerWorkspace),
		shareOf("exports", "", o.Exports),
	}
}

// stream reports whether a page may be sent while it is read. It does not wait: the caller holds a reader.
func (c *call) stream() bool {
	o, w := &c.s.opt.Concurrency, c.tally.workspace()
	return c.tally.acquire(c.ctx(), 0, shareOf("workspace_streams", w, o.StreamsPerWorkspace), shareOf("streams", "", o.Streams)) == nil
}

// hold reports whether another piece of a page may be held in memory.
func (c *call) hold() bool {
	o, w := &c.s.opt.Concurrency, c.tally.workspace()
	return c.tally.acquire(c.ctx(), 0, shareOf("workspace_held", w, pieces(o.HeldPerWorkspace)), shareOf("held", "", pieces(o.Held))) == nil
}

func pieces(bytes int) int {
	if bytes < 0 {
		return -1
	}
	return max(1, bytes/heldPiece)
}
