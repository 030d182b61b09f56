package kills

import (
	"math/rand/v2"

	"github.com/livetables/livetables/internal/daemontest"
)

// Options say how a campaign is run. The zero Options are a short one on the embedded store with a new seed.
type Options struct {
	Writes  int    // how many writes are sent, default 400
	Kills   int    // how often something is killed, default 8
	Writers int    // how many clients write at the same time, default 8
	Shapers int    // how many clients make, change and delete tables meanwhile, default 2, negative for none
	Seed    uint64 // of everything that is made up, 0 for a new one. The moments of kills also depend on the machine
	// Postgres keeps the data on a PostgreSQL server of the campaign's own, which is killed too, instead of in files.
	Postgres bool
	// Disk puts a disk under the files that fails, and whose power fails, besides the kills. The daemon must be built for it,
	// as a campaign builds its own.
	Disk bool
	Dir  string // for all files; empty for a temporary one that is removed in the end
	// Program is a daemon that was built already; empty builds one.
	Program string
	// Mutants are mistakes to put into the daemon that is built, which the campaign is expected to find.
	Mutants []daemontest.Mutant
	// Front, when set, is put between the writers and the daemon: they send to the URL that it answers. It is for proxies
	// that lie, which the campaign is expected to find out.
	Front func(daemon string) (url string, stop func())
	// Damage, when set, is done to the data of the stopped daemon before the last look.
	Damage func(place Place) error
	// Progress is told how far it is, after every kill.
	Progress func(*Report)
}

func (o Options) withDefaults() Options {
	set := func(v *int, def, most int) {
		if *v <= 0 {
			*v = def
		}
		*v = min(*v, most)
	}
	set(&o.Writes, 400, 10_000_000)
	set(&o.Kills, 8, 100_000)
	set(&o.Writers, 8, 256)
	if o.Shapers == 0 {
		o.Shapers = 2
	}
	o.Shapers = max(0, min(o.Shapers, 64))
	if o.Seed == 0 {
		o.Seed = rand.Uint64()
	}
	return o
}
