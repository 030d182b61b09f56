package faults

import "math/rand/v2"

// Options say how a campaign is run. The zero Options are a short one with a new seed.
type Options struct {
	Cuts    int    // how often the power fails, default 20
	Writes  int    // how many writes are begun before each failure of the power at most, default 120
	Writers int    // how many goroutines write at the same time, default 4
	Seed    uint64 // of everything that is made up, 0 for a new one. What happens at the same time also depends on the machine
	Dir     string // for all files; empty for a temporary one that is removed in the end
	// Relaxed opens a store that does not wait for the disk. A campaign finds what it loses.
	Relaxed bool
	// Progress is told how far it is, after every failure of the power.
	Progress func(*Report)
}

func (o Options) withDefaults() Options {
	set := func(v *int, def, most int) {
		if *v <= 0 {
			*v = def
		}
		*v = min(*v, most)
	}
	set(&o.Cuts, 20, 10_000_000)
	set(&o.Writes, 120, 100_000)
	set(&o.Writers, 4, 64)
	if o.Seed == 0 {
		o.Seed = rand.Uint64()
	}
	return o
}

// newRandom is the source of a part of a campaign.
func newRandom(seed, part uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, part)) }
