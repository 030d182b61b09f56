package idempotency

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// Entrance is a workspace that a request came into, and the version of the policy that let it.
type Entrance struct {
	Workspace string `json:"workspace"`
	Policy    int64  `json:"policy"`
}

// Answer is what a request was answered with.
type Answer struct {
	Status int               `json:"status"`
	Header map[string]string `json:"header"`
	// Body is what was sent. Cut says that it was too large to be kept, and Body is empty.
	Body []byte `json:"body"`
	Cut  bool   `json:"cut"`
	// Admin says that the request was made with the rights of an instance's admin.
	Admin bool `json:"admin"`
	// Entered are the workspaces that the request came into: whoever asks for the answer again must still be let in there.
	Entered []Entrance `json:"entered"`
}

// Attempt is the first request with a key. Exactly one of its methods is called, once the request has ended.
type Attempt struct {
	s           *Store
	account, id string
}

// endTime bounds the noting of how a write ended, which does not end with its client.
const endTime = 10 * time.Second

// accountOf is the account of a principal, for whose bounds it counts: an account may have any number of keys, one after the
// other.
func accountOf(principal string) string {
	account, _, _ := strings.Cut(principal, " ")
	return account
}

// Begin notes that a principal's request with a key and a digest begins. A principal is the id of an account, perhaps with a
// blank and the id of the token that it came with: their keys are apart, their bounds are one. The attempt is not nil then, and the caller carries
// the request out. Of a request that was carried out before it gives the answer; for one that is under way, here or in
// another process, it waits. The errors are those of this package, ctx's and the store's.
func (s *Store) Begin(ctx context.Context, principal, key string, digest []byte) (*Attempt, *Answer, error) {
	sum := sha256.Sum256([]byte(principal + "\x00" + key))
	a := &Attempt{s, accountOf(principal), hex.EncodeToString(sum[:])}
	deadline := time.NewTimer(s.opt.Wait)
	defer deadline.Stop()
	counted := false
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 200*time.Millisecond) {
		found, err := s.find(ctx, a.id)
		if err != nil {
			return nil, nil, err
		}
		if found == nil {
			if !counted && !s.room(a.account) {
				return nil, nil, ErrFull
			}
			counted = true
			mine, err := s.claim(ctx, a.id, digest)
			if err != nil {
				return nil, nil, err
			}
			if mine {
				return a, nil, nil
			}
			continue
		}
		was, err := s.unseal(digestOf(a.id), found.digest)
		if err != nil {
			s.opt.Logger.WarnContext(ctx, "what is kept of an idempotency key cannot be read", "error", err)
			return nil, nil, ErrUnknown
		}
		switch {
		case !bytes.Equal(was, digest):
			return nil, nil, ErrReused
		case found.state == done:
			answer, err := s.open(a.id, found.answer)
			return nil, answer, err
		case found.state == unknown, !found.lease.After(s.opt.Clock()):
			return nil, nil, ErrUnknown
		}
		select {
		case <-time.After(pause):
		case <-deadline.C:
			return nil, nil, ErrRunning
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
}

// record is a key as it is stored.
type record struct {
	digest, state, answer string
	lease                 time.Time
}

// find is the record of a key, nil without one that counts.
func (s *Store) find(ctx context.Context, id string) (found *record, err error) {
	err = s.db.Read(ctx, func(tx adapter.Tx) error {
		rows, err := tx.Query(ctx, `SELECT digest, state, lease, answer FROM http_idempotency WHERE id = ? AND expires_at > ?`,
			lqp.TextValue(id), timeValue(s.opt.Clock()))
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			lease, _ := rows.Value(2).Decimal().Int64()
			found = &record{rows.Value(0).Text(), rows.Value(1).Text(), rows.Value(3).Text(), time.UnixMilli(lease)}
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("look for idempotency key: %w", err)
	}
	return found, nil
}

// claim makes the record of a key, unless somebody has.
func (s *Store) claim(ctx context.Context, id string, digest []byte) (mine bool, err error) {
	now := s.opt.Clock()
	// Sealed: a request may hold a password, whose guesses a hash would confirm to whoever reads the file or a copy of it.
	sealed, err := s.opt.Sealer.Seal(digest, digestOf(id))
	if err != nil {
		return false, fmt.Errorf("seal digest: %w", err)
	}
	err = s.db.Write(ctx, func(tx adapter.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM http_idempotency WHERE id = ? AND expires_at <= ?`, lqp.TextValue(id), timeValue(now)); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, `INSERT INTO http_idempotency (id, digest, state, owner, lease, expires_at, entered, answer) VALUES (?, ?, 'running', ?, ?, ?, '', '')
			ON CONFLICT (id) DO NOTHING`,
			lqp.TextValue(id), lqp.TextValue(base64.StdEncoding.EncodeToString(sealed)), lqp.TextValue(s.owner), timeValue(now.Add(s.opt.Lease)), timeValue(now.Add(s.opt.Life)))
		mine = n == 1
		return err
	})
	if err != nil {
		return false, fmt.Errorf("note idempotency key: %w", err)
	}
	return mine, nil
}

// Done notes the answer of the request, which has had its effect. When that fails, the key ends as unknown.
func (a *Attempt) Done(ctx context.Context, answer Answer) error {
	if !answer.Cut && !a.s.spend(a.account, len(answer.Body)) {
		answer.Cut = true
	}
	if answer.Cut {
		answer.Body = nil
	}
	entered, err := json.Marshal(answer.Entered)
	if err != nil {
		return errors.Join(fmt.Errorf("encode answer: %w", err), a.Unknown(ctx))
	}
	doc, err := json.Marshal(answer)
	if err == nil {
		doc, err = a.s.opt.Sealer.Seal(doc, aad(a.id))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("seal answer: %w", err), a.Unknown(ctx))
	}
	return a.end(ctx, "note answer of idempotency key", `UPDATE http_idempotency SET state = 'done', entered = ?, answer = ? WHERE id = ? AND owner = ?`,
		lqp.TextValue(string(entered)), lqp.TextValue(base64.StdEncoding.EncodeToString(doc)), lqp.TextValue(a.id), lqp.TextValue(a.s.owner))
}

// Refused forgets the key: the request had no effect and may be sent again.
func (a *Attempt) Refused(ctx context.Context) error {
	return a.end(ctx, "forget idempotency key", `DELETE FROM http_idempotency WHERE id = ? AND owner = ?`, lqp.TextValue(a.id), lqp.TextValue(a.s.owner))
}

// Unknown notes that the request may have had an effect or not.
func (a *Attempt) Unknown(ctx context.Context) error {
	return a.end(ctx, "note doubt about idempotency key", `UPDATE http_idempotency SET state = 'unknown' WHERE id = ? AND owner = ?`, lqp.TextValue(a.id), lqp.TextValue(a.s.owner))
}

func (a *Attempt) end(ctx context.Context, what, sql string, args ...lqp.Value) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTime)
	defer cancel()
	err := a.s.db.Write(ctx, func(tx adapter.Tx) error {
		_, err := tx.Exec(ctx, sql, args...)
		return err
	})
	if err != nil {
		a.s.mu.Lock()
		defer a.s.mu.Unlock()
		if len(a.s.late) < maxLate {
			a.s.late[a.id] = ending{sql, args}
		}
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// unseal reads a sealed column.
func (s *Store) unseal(place []byte, text string) ([]byte, error) {
	sealed, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, err
	}
	return s.opt.Sealer.Open(sealed, place)
}

// open reads a stored answer.
func (s *Store) open(id, text string) (*Answer, error) {
	doc, err := s.unseal(aad(id), text)
	if err != nil {
		return nil, fmt.Errorf("open stored answer: %w", err)
	}
	var answer Answer
	if err := json.Unmarshal(doc, &answer); err != nil {
		return nil, fmt.Errorf("read stored answer: %w", err)
	}
	return &answer, nil
}

// aad binds a sealed answer to its key and principal.
func aad(id string) []byte { return []byte("http idempotency " + id) }

// digestOf does the same for a sealed digest.
func digestOf(id string) []byte { return []byte("http idempotency digest " + id) }
