package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// The marks of keys: what is found in a log or a repository is recognised for what it is.
const (
	personalMark = "ltp_" // of a person's own tokens
	serviceMark  = "lta_" // of service accounts
)

const (
	keyNameChars   = 16 // base32: 80 random bits that find the key and are no part of its secret
	keySecretBytes = 32
	maxKeyLife     = 366 * 24 * time.Hour // a year, also the longest one
	maxKeyText     = 128                  // bytes; ours have 64
	// usedEvery is how often the use of a key is written down: a busy key would otherwise write with every request.
	usedEvery = time.Minute
)

var keySecret = base64.RawURLEncoding.Strict()

// storedKey is a row of auth_key: a personal access token, or a key of a service account. Only the hash of its text is kept.
type storedKey struct {
	id, prefix, hash   string
	ownerID            string // whom it stands for: an account or a service account
	makerID, makerAddr string
	name               string
	scope              *rbac.Scope // nil for keys of service accounts, which have the account's role
	epoch              int64       // of the owner's account when it was made; 0 for service accounts
	createdAt          time.Time
	expiresAt          time.Time
	usedAt             *time.Time
}

const keyColumns = `k.id, k.prefix, k.hash, k.owner_id, k.maker_id, k.maker_address, k.name, k.actions, k.resources, k.epoch,
	k.created_at, k.expires_at, k.used_at`

const keyWidth = 13

// scanKey reads keyColumns.
func scanKey(r row) storedKey {
	k := storedKey{
		id: r.text(0), prefix: r.text(1), hash: r.text(2), ownerID: r.text(3), makerID: r.text(4), makerAddr: r.text(5),
		name: r.text(6), epoch: r.int(9), createdAt: r.time(10), expiresAt: r.time(11), usedAt: r.optionalTime(12),
	}
	if strings.HasPrefix(k.prefix, personalMark) {
		// Fields of nothing is an empty list of actions, which allows nothing.
		k.scope = &rbac.Scope{Resources: strings.Fields(r.text(8))}
		for _, a := range strings.Fields(r.text(7)) {
			k.scope.Actions = append(k.scope.Actions, rbac.Action(a))
		}
	}
	return k
}

// newKey draws a key and its text.
func newKey(mark string) (k storedKey, text livetables.Secret) {
	prefix := mark + strings.ToLower(rand.Text()[:keyNameChars])
	var secret [keySecretBytes]byte
	_, _ = rand.Read(secret[:])
	plain := prefix + "." + keySecret.EncodeToString(secret[:])
	return storedKey{id: minidb.NewID("tok"), prefix: prefix, hash: hashKey(plain)}, livetables.NewSecret(plain)
}

// hashKey is what the store keeps. The secret has 256 random bits: a plain hash cannot be searched.
func hashKey(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// keyPrefix is the part of a key's text that finds it; ok is false for anything that newKey did not write.
func keyPrefix(text string) (prefix string, ok bool) {
	if len(text) > maxKeyText {
		return "", false
	}
	prefix, secret, found := strings.Cut(text, ".")
	if !found || len(prefix) != len(personalMark)+keyNameChars || strings.ContainsAny(secret, "\r\n") {
		return "", false
	}
	for _, c := range prefix[len(personalMark):] {
		if !(c >= 'a' && c <= 'z' || c >= '2' && c <= '7') {
			return "", false
		}
	}
	raw, err := keySecret.DecodeString(secret)
	return prefix, err == nil && len(raw) == keySecretBytes
}

// looksLikeKey tells keys from access tokens, which begin with another letter.
func looksLikeKey(text string) bool {
	return strings.HasPrefix(text, personalMark) || strings.HasPrefix(text, serviceMark)
}

func insertKey(ctx context.Context, tx adapter.Tx, k storedKey) error {
	var actions, resources string
	if k.scope != nil {
		words := make([]string, len(k.scope.Actions))
		for i, a := range k.scope.Actions {
			words[i] = string(a)
		}
		actions, resources = strings.Join(words, " "), strings.Join(k.scope.Resources, " ")
	}
	_, err := tx.Exec(ctx, `INSERT INTO auth_key (id, prefix, hash, owner_id, maker_id, maker_address, name, actions, resources,
		epoch, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		lqp.TextValue(k.id), lqp.TextValue(k.prefix), lqp.TextValue(k.hash), lqp.TextValue(k.ownerID), lqp.TextValue(k.makerID),
		lqp.TextValue(k.makerAddr), lqp.TextValue(k.name), lqp.TextValue(actions), lqp.TextValue(resources), lqp.IntValue(k.epoch),
		timeValue(k.createdAt), timeValue(k.expiresAt))
	return err
}

// pruneKeys forgets the keys of an owner that expired a month ago and counts those left.
func pruneKeys(ctx context.Context, tx adapter.Tx, ownerID string, now time.Time) (left int64, err error) {
	_, err = tx.Exec(ctx, `DELETE FROM auth_key WHERE owner_id = ? AND expires_at <= ?`,
		lqp.TextValue(ownerID), timeValue(now.Add(-30*24*time.Hour)))
	if err != nil {
		return 0, err
	}
	err = each(ctx, tx, `SELECT count(*) FROM auth_key WHERE owner_id = ?`, texts(ownerID), func(r row) error {
		left = r.int(0)
		return nil
	})
	return left, err
}

// verifyKey is Verify for keys.
func (s *Service) verifyKey(ctx context.Context, text string) (Identity, error) {
	prefix, ok := keyPrefix(text)
	if !ok {
		return Identity{}, fmt.Errorf("%w: not a key", ErrUnauthenticated)
	}
	state, err := s.keyState(ctx, prefix)
	if err != nil {
		return Identity{}, err
	}
	// An unknown key has no hash, which nothing equals.
	if subtle.ConstantTimeCompare([]byte(hashKey(text)), []byte(state.key.hash)) != 1 {
		return Identity{}, fmt.Errorf("%w: unknown key", ErrUnauthenticated)
	}
	who, err := s.holderOf(state)
	if err != nil {
		return Identity{}, err
	}
	s.noteUse(ctx, state.key)
	return who, nil
}

// recheckKey is Recheck for the identity of a key.
func (s *Service) recheckKey(ctx context.Context, who Identity) (Identity, error) {
	state, err := s.keyState(ctx, who.keyPrefix)
	if err != nil {
		return Identity{}, err
	}
	if state.key.id != who.Key {
		return Identity{}, fmt.Errorf("%w: key was deleted", ErrUnauthenticated)
	}
	return s.holderOf(state)
}

// holderOf is whom a key stands for, if it still counts.
func (s *Service) holderOf(state keyState) (Identity, error) {
	k := state.key
	switch {
	case !s.clock().Before(k.expiresAt):
		return Identity{}, fmt.Errorf("%w: key has expired", ErrUnauthenticated)
	case state.maker.ID == "" || state.maker.Disabled:
		return Identity{}, fmt.Errorf("%w: account of the key's maker is closed", ErrUnauthenticated)
	}
	who := Identity{UserID: k.ownerID, Key: k.id, ExpiresAt: k.expiresAt, keyPrefix: k.prefix}
	if strings.HasPrefix(k.prefix, serviceMark) {
		switch {
		case state.service.ID == "":
			return Identity{}, fmt.Errorf("%w: service account is gone", ErrUnauthenticated)
		case state.service.Disabled:
			return Identity{}, fmt.Errorf("%w: service account is disabled", ErrUnauthenticated)
		case state.service.ExpiresAt != nil && !s.clock().Before(*state.service.ExpiresAt):
			return Identity{}, fmt.Errorf("%w: service account has expired", ErrUnauthenticated)
		}
		who.Name = state.service.Name
		who.Service = &ServiceStanding{Workspace: state.service.Workspace, Maker: k.makerID, MakerAddress: k.makerAddr}
		return who, nil
	}
	if k.epoch != state.makerEpoch || k.makerID != k.ownerID || k.scope == nil {
		return Identity{}, fmt.Errorf("%w: token is of an earlier epoch", ErrUnauthenticated)
	}
	// Admin stays false: no token carries the rights of an instance admin.
	who.Email, who.Name, who.epoch = state.maker.Email, state.maker.Name, k.epoch
	who.Scope = &rbac.Scope{Actions: slices.Clone(k.scope.Actions), Resources: slices.Clone(k.scope.Resources)}
	return who, nil
}

// keyState reads what counts for a key, from the cache if it is fresh there; the zero state for an unknown one.
func (s *Service) keyState(ctx context.Context, prefix string) (state keyState, err error) {
	now := s.clock()
	state, mark, ok := s.keys.get(prefix, now)
	if ok {
		return state, nil
	}
	err = s.store.Read(ctx, func(tx adapter.Tx) error {
		state = keyState{}
		return each(ctx, tx, `SELECT `+accountColumns+`, `+keyColumns+`, `+serviceColumns+`
			FROM auth_key k JOIN auth_account a ON a.id = k.maker_id LEFT JOIN auth_service v ON v.id = k.owner_id
			WHERE k.prefix = ?`, texts(prefix), func(r row) error {
			acc := scanAccount(r)
			state = keyState{maker: acc.User, makerEpoch: acc.epoch, key: scanKey(row{r.rows, accountWidth})}
			if service := (row{r.rows, accountWidth + keyWidth}); !service.value(0).IsNull() {
				state.service = scanService(service)
			}
			return nil
		})
	})
	if err != nil {
		return keyState{}, fmt.Errorf("read key: %w", err)
	}
	if state.key.id != "" {
		s.keys.put(prefix, state, mark, now)
	}
	return state, nil
}

// noteUse writes down that a key was used, at most once a minute. A failure is logged and refuses nobody.
func (s *Service) noteUse(ctx context.Context, k storedKey) {
	now := s.clock()
	if !s.keys.used(k.id, now) {
		return
	}
	err := s.store.Write(context.WithoutCancel(ctx), func(tx adapter.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE auth_key SET used_at = ? WHERE id = ? AND coalesce(used_at, 0) <= ?`,
			timeValue(now), lqp.TextValue(k.id), timeValue(now.Add(-usedEvery)))
		return err
	})
	if err != nil {
		s.log.WarnContext(ctx, "use of a key not written", "key", k.id, "error", err)
	}
}
