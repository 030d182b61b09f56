package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"golang.org/x/crypto/argon2"
)

// HashParams are the costs of argon2id.
type HashParams struct {
	Memory  uint32 // KiB
	Time    uint32 // passes
	Threads uint8
}

// DefaultHash is the weakest setting accepted and the default: 19 MiB, two passes, one thread.
var DefaultHash = HashParams{Memory: 19 * 1024, Time: 2, Threads: 1}

// maxHash bounds what a stored hash may ask for: a damaged row must not take all memory.
var maxHash = HashParams{Memory: 1 << 20, Time: 16, Threads: 16}

func (p HashParams) check() error {
	if p.Memory < DefaultHash.Memory || p.Time < DefaultHash.Time || p.Threads < 1 {
		return fmt.Errorf("password hash %+v is weaker than %+v", p, DefaultHash)
	}
	return p.bounded()
}

func (p HashParams) bounded() error {
	if p.Memory < 8 || p.Memory > maxHash.Memory || p.Time < 1 || p.Time > maxHash.Time || p.Threads < 1 || p.Threads > maxHash.Threads {
		return fmt.Errorf("password hash %+v is out of range", p)
	}
	return nil
}

const (
	saltSize = 16
	hashSize = 32
)

// hasher hashes passwords, a bounded number at a time.
type hasher struct {
	params  HashParams
	slots   chan struct{}
	waiting atomic.Int64
	queue   int64
	// nobody is the hash of a password that no one knows, for the same work on unknown accounts.
	nobody string
	// derive does the work: argon2.IDKey, but for tests that count it.
	derive func(password, salt []byte, time, memory uint32, threads uint8, size uint32) []byte
}

func newHasher(params HashParams, concurrency, queue int) *hasher {
	h := &hasher{params: params, slots: make(chan struct{}, concurrency), queue: int64(queue), derive: argon2.IDKey}
	var salt [saltSize]byte
	var sum [hashSize]byte
	_, _ = rand.Read(salt[:])
	_, _ = rand.Read(sum[:])
	h.nobody = encodeHash(params, salt[:], sum[:])
	return h
}

// hash makes the stored form of a new password.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	var salt [saltSize]byte
	_, _ = rand.Read(salt[:])
	sum, err := h.run(ctx, h.params, password, salt[:], hashSize)
	if err != nil {
		return "", err
	}
	return encodeHash(h.params, salt[:], sum), nil
}

// verify compares a password with its stored form. renew reports that the stored form has other costs than new ones get.
// An empty stored form costs the same work and never matches.
func (h *hasher) verify(ctx context.Context, stored, password string) (match, renew bool, err error) {
	known := stored != ""
	if !known {
		stored = h.nobody
	}
	params, salt, want, err := decodeHash(stored)
	if err != nil {
		return false, false, err
	}
	sum, err := h.run(ctx, params, password, salt, len(want))
	if err != nil {
		return false, false, err
	}
	match = subtle.ConstantTimeCompare(sum, want) == 1 && known
	return match, match && params != h.params, nil
}

// run hashes in a free slot. Once started it cannot be interrupted: the work is short, and an attacker who hangs up must
// not get more of it than one who waits.
func (h *hasher) run(ctx context.Context, p HashParams, password string, salt []byte, size int) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case h.slots <- struct{}{}:
	default:
		if h.waiting.Add(1) > h.queue {
			h.waiting.Add(-1)
			return nil, ErrBusy
		}
		defer h.waiting.Add(-1)
		select {
		case h.slots <- struct{}{}:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	defer func() { <-h.slots }()
	return h.derive([]byte(password), salt, p.Time, p.Memory, p.Threads, uint32(size)), nil
}

// encodeHash writes the usual text form, which carries the costs: "$argon2id$v=19$m=19456,t=2,p=1$salt$sum".
func encodeHash(p HashParams, salt, sum []byte) string {
	enc := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.Memory, p.Time, p.Threads,
		enc.EncodeToString(salt), enc.EncodeToString(sum))
}

// errHash does not quote the hash.
var errHash = errors.New("stored password hash is malformed")

func decodeHash(s string) (p HashParams, salt, sum []byte, err error) {
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return p, nil, nil, errHash
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.Memory, &p.Time, &p.Threads); err != nil || p.bounded() != nil {
		return p, nil, nil, errHash
	}
	enc := base64.RawStdEncoding.Strict()
	salt, serr := enc.DecodeString(parts[4])
	sum, herr := enc.DecodeString(parts[5])
	if serr != nil || herr != nil || len(salt) < 8 || len(sum) < 16 || len(sum) > 64 {
		return p, nil, nil, errHash
	}
	return p, salt, sum, nil
}
