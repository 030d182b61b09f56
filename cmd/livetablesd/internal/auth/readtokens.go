package auth

import (
	"crypto/sha256"
	"sync"
)

// readTokens remembers the claims of tokens whose signature and form were checked, so that a client's requests do not each
// pay for it. Only the token's hash is kept. What depends on the time is not remembered.
type readTokens struct {
	mu   sync.RWMutex
	most int
	by   map[[sha256.Size]byte]accessClaims
}

func newReadTokens(most int) *readTokens {
	return &readTokens{most: most, by: make(map[[sha256.Size]byte]accessClaims)}
}

func (r *readTokens) get(id [sha256.Size]byte) (accessClaims, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	c, ok := r.by[id]
	return c, ok
}

func (r *readTokens) put(id [sha256.Size]byte, c accessClaims) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.by) >= r.most { // all of them have expired within minutes anyway
		clear(r.by)
	}
	r.by[id] = c
}
