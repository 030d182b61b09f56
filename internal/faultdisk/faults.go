package faultdisk

import (
	"errors"
	"math/rand/v2"
)

// Kinds are kinds of calls to a disk, as a set.
type Kinds uint

// The kinds of calls.
const (
	OnRead Kinds = 1 << iota
	OnWrite
	OnSync
	OnTruncate
	OnOpen
	OnDelete
	OnLock
	OnAll = OnRead | OnWrite | OnSync | OnTruncate | OnOpen | OnDelete | OnLock
)

// Faults say what fails. The zero Faults are a disk that does not.
type Faults struct {
	On    Kinds  // the calls that may fail
	Every int    // one in so many of them fails, by chance; 0 for none
	Seed  uint64 // of that chance
	Full  bool   // no file of the disk can grow beyond Room
	Room  int64  // bytes that files may still grow by, all together
}

// Counts are how often a disk did something since it was made.
type Counts struct {
	Failed int // calls that failed with an input/output error
	Full   int // writes for which there was no room
	Syncs  int // syncs of files that succeeded
}

// ErrInput is what a call fails with that [Faults] let fail.
var ErrInput = errors.New("input/output error")

// Break lets the disk fail from now on, in another way than before; with the zero Faults it is mended.
func (d *Disk) Break(f Faults) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults, d.random = f, rand.New(rand.NewPCG(f.Seed, 2))
}

// Counts tells how often what happened.
func (d *Disk) Counts() Counts {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.counts
}

// fault is the error that a call of a kind fails with, or nil.
func (d *Disk) fault(on Kinds) error {
	if d.down {
		return errPower
	}
	if d.faults.On&on == 0 || d.faults.Every <= 0 || d.random.IntN(d.faults.Every) != 0 {
		return nil
	}
	d.counts.Failed++
	return ErrInput
}

// room takes the room that a write needs which ends there in a file of that size. It answers how many bytes can be written
// at most, which is all that anybody may want when there is enough.
func (d *Disk) room(size, end int64) int64 {
	const all = 1 << 62
	grow := end - size
	if !d.faults.Full || grow <= 0 {
		return all
	}
	if grow <= d.faults.Room {
		d.faults.Room -= grow
		return all
	}
	return d.faults.Room
}
