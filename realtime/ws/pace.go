package ws

import (
	"time"

	"github.com/coder/websocket"
	"golang.org/x/time/rate"
)

// pace decides about the speed of a client's commands. It is used by the reader alone.
type pace struct {
	commands *rate.Limiter
	refusals *rate.Limiter // how many may be refused before the connection ends
	window   time.Time
	count    int // commands since window, which is a second long
	flood    int
}

func newPace(l Limits) pace {
	return pace{
		commands: rate.NewLimiter(rate.Limit(l.Rate), l.Burst),
		refusals: rate.NewLimiter(rate.Limit(l.Rate)/3, 2*l.Burst),
		flood:    3 * l.Burst, // what the two bursts let pass at once: whoever gets there within a second did not read replies
	}
}

// verdict is what becomes of a command: it is done, refused with a time to wait, or ends the connection with a code.
type verdict struct {
	refused bool
	wait    time.Duration
	end     websocket.StatusCode
}

// next judges the command that has just come.
func (p *pace) next(now time.Time) verdict {
	if now.Sub(p.window) >= time.Second || now.Before(p.window) {
		p.window, p.count = now, 0
	}
	p.count++
	r := p.commands.ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait <= 0 {
		return verdict{}
	}
	r.CancelAt(now)
	v := verdict{refused: true, wait: wait}
	if !p.refusals.AllowN(now, 1) {
		if v.end = CloseRate; p.count >= p.flood {
			v.end = websocket.StatusPolicyViolation
		}
	}
	return v
}
