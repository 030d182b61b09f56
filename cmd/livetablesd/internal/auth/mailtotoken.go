package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"time"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// mailMarks begin the tokens of mails, by purpose.
var mailMarks = map[string]string{mailInvite: "lti_", mailReset: "ltw_", mailAddress: "ltv_"}

// mailToken is a token that was sent by mail: whoever has it reads mail at the address.
type mailToken struct {
	hash, purpose string
	subject       string // an account or an invite
	email         string
	expiresAt     time.Time
}

// newMailToken makes the token of a queued mail: 256 bits that follow from the mail's 256 random bits under a key that
// is not in the store. A mail that is sent again, because nobody knows whether it arrived, has the same token, and the
// store never holds it.
func (s *Service) newMailToken(q queued) livetables.Secret {
	mac := hmac.New(sha256.New, s.mailKey)
	_, _ = mac.Write([]byte(q.purpose + "\x00" + q.id + "\x00" + q.nonce))
	return livetables.NewSecret(mailMarks[q.purpose] + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)))
}

// hashMailToken is what the store keeps; ok is false for a text that cannot be a token of the purpose.
func hashMailToken(purpose string, token livetables.Secret) (hash string, ok bool) {
	text := token.Reveal()
	if len(text) > 64 || !strings.HasPrefix(text, mailMarks[purpose]) {
		return "", false
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:]), true
}

// putMailToken stores a token, or gives one that is sent again its new time.
func putMailToken(ctx context.Context, tx adapter.Tx, t mailToken) error {
	_, err := tx.Exec(ctx, `INSERT INTO auth_mail_token (hash, purpose, subject, email, expires_at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (hash) DO UPDATE SET expires_at = excluded.expires_at`,
		lqp.TextValue(t.hash), lqp.TextValue(t.purpose), lqp.TextValue(t.subject), lqp.TextValue(t.email), timeValue(t.expiresAt))
	return err
}

// findMailToken reads a token of a purpose that is good now; ErrToken for every other.
func (s *Service) findMailToken(ctx context.Context, tx adapter.Tx, purpose string, token livetables.Secret) (t mailToken, err error) {
	hash, ok := hashMailToken(purpose, token)
	if !ok {
		return t, ErrToken
	}
	err = each(ctx, tx, `SELECT hash, purpose, subject, email, expires_at FROM auth_mail_token WHERE hash = ? AND purpose = ?`,
		texts(hash, purpose), func(r row) error {
			t = mailToken{r.text(0), r.text(1), r.text(2), r.text(3), r.time(4)}
			return nil
		})
	if err == nil && (t.hash == "" || !s.clock().Before(t.expiresAt)) {
		return mailToken{}, ErrToken
	}
	return t, err
}

// dropMailTokens ends every token of an account or of an invite.
func dropMailTokens(ctx context.Context, tx adapter.Tx, subject string) error {
	_, err := tx.Exec(ctx, `DELETE FROM auth_mail_token WHERE subject = ?`, lqp.TextValue(subject))
	return err
}
