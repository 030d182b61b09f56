package auth

import (
	"sync"
	"time"
)

// keyState is what every request must know about a key: the key, the account of its maker and, of the key of a service
// account, that too.
type keyState struct {
	key        storedKey
	maker      User
	makerEpoch int64
	service    ServiceAccount // zero for a personal token
}

// keyCache keeps the states of keys for a short while, as sessionCache does with those of sessions: a change forgets them
// after its commit, and the short life covers changes made by other processes. It is safe for concurrent use.
type keyCache struct {
	life time.Duration
	most int

	mu      sync.RWMutex
	states  map[string]cachedKey // by prefix
	usedAt  map[string]time.Time // by id: when a use was last written down
	changes uint64               // a state read before a change must not be kept after it
}

type cachedKey struct {
	keyState
	readAt time.Time
}

func newKeyCache(life time.Duration, most int) *keyCache {
	return &keyCache{life: life, most: most, states: make(map[string]cachedKey), usedAt: make(map[string]time.Time)}
}

// get returns a fresh state. When there is none, mark must be given to put with the state read from the store.
func (c *keyCache) get(prefix string, now time.Time) (state keyState, mark uint64, ok bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	e, found := c.states[prefix]
	age := now.Sub(e.readAt)
	return e.keyState, c.changes, found && age >= 0 && age < c.life
}

// put keeps a state unless something changed since mark.
func (c *keyCache) put(prefix string, state keyState, mark uint64, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changes != mark {
		return
	}
	if len(c.states) >= c.most { // they live for seconds anyway
		clear(c.states)
	}
	c.states[prefix] = cachedKey{state, now}
}

// forget drops the states of the keys that stand for, or were made by, an account or a service account.
func (c *keyCache) forget(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes++
	for prefix, e := range c.states {
		if e.key.ownerID == id || e.key.makerID == id {
			delete(c.states, prefix)
		}
	}
}

// used reports whether a use of a key at this moment is to be written down, and takes it that it will be.
func (c *keyCache) used(id string, now time.Time) bool {
	c.mu.RLock()
	last, ok := c.usedAt[id]
	c.mu.RUnlock()
	if ok && now.Sub(last) >= 0 && now.Sub(last) < usedEvery {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.usedAt[id] != last { // somebody else was quicker
		return false
	}
	if len(c.usedAt) >= c.most {
		clear(c.usedAt)
	}
	c.usedAt[id] = now
	return true
}
