package auth

import (
	"sync"
	"time"
)

// sessionState is what every request must know about a session and its account.
type sessionState struct {
	sessionID string
	user      User
	epoch     int64
	expiresAt time.Time
	revoked   bool
}

// sessionCache keeps the states of sessions for a short while. A change forgets the account's states after its commit;
// the short life covers changes made by other processes. It is safe for concurrent use.
type sessionCache struct {
	life     time.Duration
	accounts int // how many it holds
	// also is told which account was forgotten; nil tells nobody.
	also func(userID string)

	mu     sync.RWMutex
	states map[string]map[string]cachedState // by account, then session
	// changes counts what was forgotten: a state read before a change must not be kept after it.
	changes uint64
}

type cachedState struct {
	sessionState
	readAt time.Time // with its monotonic part, so that steps of the clock do not prolong the life
}

func newSessionCache(life time.Duration, accounts int) *sessionCache {
	return &sessionCache{life: life, accounts: accounts, states: make(map[string]map[string]cachedState)}
}

// get returns a fresh state. When there is none, mark must be given to put with the state read from the store.
func (c *sessionCache) get(userID, sessionID string, now time.Time) (state sessionState, mark uint64, ok bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	e, found := c.states[userID][sessionID]
	age := now.Sub(e.readAt)
	return e.sessionState, c.changes, found && age >= 0 && age < c.life
}

// put keeps a state unless something changed since mark.
func (c *sessionCache) put(state sessionState, mark uint64, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changes != mark {
		return
	}
	sessions := c.states[state.user.ID]
	if sessions == nil {
		for id := range c.states {
			if len(c.states) < c.accounts {
				break
			}
			delete(c.states, id) // any one: states live for seconds
		}
		sessions = make(map[string]cachedState, 1)
		c.states[state.user.ID] = sessions
	}
	for id, e := range sessions {
		if now.Sub(e.readAt) >= c.life {
			delete(sessions, id)
		}
	}
	sessions[state.sessionID] = cachedState{state, now}
}

// forgetAccount drops the states of an account's sessions.
func (c *sessionCache) forgetAccount(userID string) {
	if c.also != nil {
		c.also(userID)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes++
	delete(c.states, userID)
}
