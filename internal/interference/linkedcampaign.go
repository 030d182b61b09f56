package interference

import (
	"context"
	"strings"
	"time"
)

// linkedEvery is how many worlds there are for one that is linked.
const linkedEvery = 4

// linkedWorld goes through the cases of one linked world, as [campaign.world] does of the others. It has no reference: what is
// out of sight is told by its own account of it.
func (c *campaign) linkedWorld(ctx context.Context, r *rig, n int) error {
	w, err := r.newLinked(ctx, n, c.opt.Seed)
	if err != nil {
		return err
	}
	a := &linkedAsker{w: w, as: r.access(w.me), loaded: w.now.Add(10 * time.Second)}
	if err := a.prepare(ctx); err != nil {
		return err
	}
	r.clock.Store(w.now.Add(20 * time.Second).UnixMilli())
	questions := make([]question, CasesPerWorld)
	for i := range questions {
		questions[i] = a.question()
	}
	from, to := max(0, c.opt.First-n*CasesPerWorld), min(CasesPerWorld, c.opt.First+c.opt.Cases-n*CasesPerWorld)
	before, failed := make([]string, CasesPerWorld), 0
	for i := from; i < to; i++ {
		if before[i] = questions[i].ask(ctx); strings.HasPrefix(before[i], "error ") {
			failed++
		}
		if q := &questions[i]; w.secret != "" && strings.Contains(strings.ToLower(before[i]), w.secret) {
			c.find(&Finding{Seed: c.opt.Seed, Case: n*CasesPerWorld + i, Kind: q.kind, About: q.about, Diff: "what a row was out of sight is in " + before[i], World: w.String()})
		}
	}
	was := w.String()
	changed, err := w.change(ctx)
	if err != nil {
		return err
	}
	for i := from; i < to; i++ {
		q := &questions[i]
		if after := q.ask(ctx); after != before[i] && !held(before[i]) && !held(after) {
			c.find(&Finding{Seed: c.opt.Seed, Case: n*CasesPerWorld + i, Kind: q.kind, About: q.about,
				Diff: "before " + before[i] + "\nafter  " + after + "\nwhen it was asked first:\n" + was, World: w.String()})
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	s.Worlds++
	s.Linked++
	s.Cases += to - from
	s.Failed += failed
	s.Changes += changed
	s.Rejected += w.rejected
	for i := from; i < to; i++ {
		s.Kinds[questions[i].kind]++
	}
	if c.opt.Progress != nil {
		c.opt.Progress(s)
	}
	return nil
}

// held reports whether a write was refused since a link to one row at most has one already, which may be out of sight: the one
// thing that a writer is told of such rows (decision 45).
func held(answer string) bool {
	return strings.HasPrefix(answer, "error ") && strings.Contains(answer, "the row is linked to another row already, and to one at most")
}
