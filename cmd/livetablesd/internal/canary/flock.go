package canary

import (
	"bytes"
	"math/rand/v2"
	"sync"
)

// mark begins every canary. It is looked for in any mixture of cases: formulas change them.
const mark = "cnry"

// canaryDigits follow the mark. They are letters that no hash and no encoding of ours gets by chance behind it.
const (
	canaryDigits  = 12
	canaryLetters = "abcdefghijkmnpqrstuvwxyz23456789"
)

// canary is a text planted where only some may read it.
type canary struct {
	text  string
	place string // what it was planted as, and of which tenant
	seen  crowd
	// secret texts are for nobody: neither in an answer nor in the log nor in a file.
	secret bool
	// logged may be told to the operator: names and addresses, where something failed.
	logged bool
}

// crowd is a set of people, by number.
type crowd uint64

func (c crowd) has(who int) bool { return c&(1<<who) != 0 }

// flock is all canaries of a world. It may be used from many goroutines.
type flock struct {
	mu     sync.RWMutex
	rnd    *rand.Rand
	byText map[string]*canary
}

func newFlock(rnd *rand.Rand) *flock { return &flock{rnd: rnd, byText: map[string]*canary{}} }

// plant makes a canary for those who may see it.
func (f *flock) plant(place string, seen crowd) *canary {
	f.mu.Lock()
	defer f.mu.Unlock()
	b := []byte(mark)
	for range canaryDigits {
		b = append(b, canaryLetters[f.rnd.IntN(len(canaryLetters))])
	}
	c := &canary{text: string(b), place: place, seen: seen}
	f.byText[c.text] = c
	return c
}

// count is how many there are.
func (f *flock) count() int {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return len(f.byText)
}

// each calls found for every canary in data, however it is capitalised.
func (f *flock) each(data []byte, found func(*canary)) {
	for _, tail := range [...]string{mark[1:], "NRY"} {
		for at := 0; ; {
			i := bytes.Index(data[at:], []byte(tail))
			if i < 0 {
				break
			}
			begin := at + i - 1
			at += i + len(tail)
			end := begin + len(mark) + canaryDigits
			if begin < 0 || end > len(data) || data[begin]|0x20 != mark[0] {
				continue
			}
			f.mu.RLock()
			c := f.byText[string(bytes.ToLower(data[begin:end]))]
			f.mu.RUnlock()
			if c != nil {
				found(c)
			}
		}
	}
}

// strange finds a canary in data that somebody may not see.
func (f *flock) strange(data []byte, who int) (leak *canary) {
	f.each(data, func(c *canary) {
		if leak == nil && !c.seen.has(who) {
			leak = c
		}
	})
	return leak
}
