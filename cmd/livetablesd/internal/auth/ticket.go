package auth

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/livetables/livetables/lqp"
)

// ticket is what finds the session or the key behind an identity again. None of it lets anybody in. Every request has one, which
// is why it is written by hand.
type ticket struct {
	Session string `json:"session,omitempty"`
	Epoch   int64  `json:"epoch,omitempty"`
	Key     string `json:"key,omitempty"`
	Prefix  string `json:"prefix,omitempty"` // which finds the key and is no part of its secret
}

// Ticket is what finds the session or key that an identity came with again, also after a restart: work that goes on then asks
// [Service.Readmit] with it. It is no secret and lets nobody in.
func (who Identity) Ticket() string {
	doc := append(make([]byte, 0, 128), '{')
	member := func(name string) {
		if len(doc) > 1 {
			doc = append(doc, ',')
		}
		doc = append(append(append(doc, '"'), name...), `":`...)
	}
	for _, m := range [...]struct{ name, value string }{{"session", who.SessionID}, {"key", who.Key}, {"prefix", who.keyPrefix}} {
		if m.value != "" {
			member(m.name)
			doc = lqp.AppendJSONString(doc, m.value)
		}
	}
	if who.epoch != 0 {
		member("epoch")
		doc = strconv.AppendInt(doc, who.epoch, 10)
	}
	return string(append(doc, '}'))
}

// Readmit is the present identity of an account whose Ticket was kept, as [Service.Recheck] tells it. ErrUnauthenticated says
// that the session or key counts no more; what could not be told is another error.
func (s *Service) Readmit(ctx context.Context, userID, kept string) (Identity, error) {
	var t ticket
	if err := json.Unmarshal([]byte(kept), &t); err != nil || t.Session == "" && t.Key == "" {
		return Identity{}, fmt.Errorf("%w: nothing is known of the session", ErrUnauthenticated)
	}
	who, err := s.Recheck(ctx, Identity{UserID: userID, SessionID: t.Session, Key: t.Key, epoch: t.Epoch, keyPrefix: t.Prefix})
	if err == nil && who.UserID != userID {
		err = fmt.Errorf("%w: the session is somebody else's", ErrUnauthenticated)
	}
	return who, err
}
