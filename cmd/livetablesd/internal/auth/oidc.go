package auth

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// OIDC says at which OpenID Connect issuer people may log in, by an authorization code with PKCE (OpenID Connect Core 1.0,
// RFC 7636, RFC 9700).
type OIDC struct {
	// Issuer is the issuer's identifier, an https URL, compared exactly with what its tokens say.
	Issuer   string
	ClientID string
	// ClientSecret may be empty for a client that the issuer lets in without one.
	ClientSecret livetables.Secret
	// RedirectURL is where the issuer sends browsers back to, as it was registered there.
	RedirectURL string
	// AllowDomains are domains of e-mail addresses; when there are any, only people with a verified address in one of them
	// get a new account or are linked to one, whatever Options.Registration says.
	AllowDomains []string
	// LinkByEmail lets a person whose address the issuer has verified into the existing account with that address. Without
	// it only accounts that were made by a login at the issuer can be entered this way.
	LinkByEmail bool
	// Dial opens connections to the issuer; required, so that nobody forgets the address guard.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Plain reports whether a host may be spoken to without TLS; nil allows none.
	Plain func(host string, port int) bool
}

// The errors of a login at the issuer.
var (
	// ErrNoOIDC means that no issuer is configured.
	ErrNoOIDC = errors.New("login at an issuer is not configured")
	// ErrOIDC is the one answer to everything that is wrong with a login at the issuer; the wrapped text is for the log.
	ErrOIDC = errors.New("login at the issuer failed")
	// ErrOIDCDown means that the issuer cannot be reached or talks nonsense.
	ErrOIDCDown = errors.New("the issuer cannot be reached")
	// ErrOIDCEmail means that the issuer does not vouch for an e-mail address, which a new account needs.
	ErrOIDCEmail = errors.New("the issuer has not verified an email address of yours")
	// ErrOIDCNotLinked means that an account has the address and is not to be entered from the issuer.
	ErrOIDCNotLinked = errors.New("an account with your email address exists and is not linked to the issuer")
)

const (
	// flowLife is how long a person may take at the issuer; ticketLife how long the page that they come back to may take to
	// fetch its tokens.
	flowLife   = 10 * time.Minute
	ticketLife = 2 * time.Minute
)

// OIDCStart is a login at the issuer that has begun.
type OIDCStart struct {
	URL string // at the issuer, where the browser goes
	// Flow is for the browser to keep and to bring back with the issuer's answer, in a cookie that scripts cannot read.
	Flow      livetables.Secret
	ExpiresAt time.Time
}

// OIDCAnswer is what a browser brings back from the issuer, with the Flow that it kept.
type OIDCAnswer struct {
	Flow               livetables.Secret
	State, Code, Error string
	Issuer             string // of RFC 9207, empty when the issuer sends none
}

// OIDCTicket is a login that has succeeded: it is good once, for tokens.
type OIDCTicket struct {
	Ticket    livetables.Secret // for a cookie that scripts cannot read
	Next      string            // path on our own host where the browser goes
	ExpiresAt time.Time
}

// OIDCEnabled reports whether people can log in at an issuer.
func (s *Service) OIDCEnabled() bool { return s.issuer != nil }

// StartOIDC begins a login at the issuer. next is the path on our own host to go to in the end; anything else is a
// *ValidationError. Nothing is stored.
func (s *Service) StartOIDC(ctx context.Context, next string, from Client) (OIDCStart, error) {
	if s.issuer == nil {
		return OIDCStart{}, ErrNoOIDC
	}
	if err := s.byClient.take(addressKey(from.Address)); err != nil {
		return OIDCStart{}, err
	}
	if !ownPath(next) {
		return OIDCStart{}, &ValidationError{Fields: []FieldError{{Field: "next", Code: "invalid", Message: "must be a path on this host"}}}
	}
	f := newFlow(next, s.clock().Add(flowLife))
	target, err := s.issuer.authorizationURL(ctx, f)
	if err != nil {
		return OIDCStart{}, err
	}
	sealed, err := f.seal(s.flowKey)
	if err != nil {
		return OIDCStart{}, fmt.Errorf("seal login: %w", err)
	}
	return OIDCStart{URL: target, Flow: sealed, ExpiresAt: f.Expires}, nil
}

// FinishOIDC takes the issuer's answer: it trades the code, checks the ID token and finds or makes the account. Each start
// can be finished once, whatever comes of it. The errors are ErrOIDC, ErrOIDCDown, ErrOIDCEmail, ErrOIDCNotLinked,
// ErrRegistrationClosed, ErrSetup and *RateError.
func (s *Service) FinishOIDC(ctx context.Context, in OIDCAnswer, from Client) (OIDCTicket, error) {
	if s.issuer == nil {
		return OIDCTicket{}, ErrNoOIDC
	}
	if err := s.byClient.take(addressKey(from.Address)); err != nil {
		return OIDCTicket{}, err
	}
	f, err := openFlow(s.flowKey, in.Flow)
	if err != nil {
		return OIDCTicket{}, fmt.Errorf("%w: %w", ErrOIDC, err)
	}
	switch {
	case subtle.ConstantTimeCompare([]byte(in.State), []byte(f.State)) != 1:
		return OIDCTicket{}, fmt.Errorf("%w: the state is another browser's", ErrOIDC)
	case !s.clock().Before(f.Expires):
		return OIDCTicket{}, fmt.Errorf("%w: it took too long", ErrOIDC)
	case in.Issuer != "" && in.Issuer != s.issuer.options.Issuer:
		return OIDCTicket{}, fmt.Errorf("%w: the answer is of another issuer", ErrOIDC)
	}
	id := flowID(f.State)
	if err := s.claimFlow(ctx, id, f.Expires); err != nil {
		return OIDCTicket{}, err
	}
	if in.Error != "" || in.Code == "" {
		return OIDCTicket{}, fmt.Errorf("%w: the issuer answers %q", ErrOIDC, clip(in.Error, 64))
	}
	person, err := s.issuer.person(ctx, f, in.Code, s.clock())
	if err != nil {
		if errors.Is(err, ErrOIDC) {
			err = cmp.Or(s.noteFailure(ctx, from, "auth.login_failed", "", "oidc"), err)
		}
		return OIDCTicket{}, err
	}
	return s.admitPerson(ctx, person, id, f.Next, from)
}

// claimFlow makes a login that has begun unrepeatable.
func (s *Service) claimFlow(ctx context.Context, id string, until time.Time) error {
	err := s.write(ctx, func(tx adapter.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM auth_oidc_flow WHERE expires_at <= ?`, timeValue(s.clock())); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO auth_oidc_flow (id, epoch, expires_at) VALUES (?, 0, ?)`, lqp.TextValue(id), timeValue(until))
		return err
	})
	switch {
	case errors.Is(err, adapter.ErrConstraint):
		return fmt.Errorf("%w: the state was used before", ErrOIDC)
	case err != nil:
		return fmt.Errorf("claim login: %w", err)
	}
	return nil
}

// RedeemOIDC trades the ticket of a finished login for the tokens of a new session, once. A ticket that is not good is
// ErrOIDC.
func (s *Service) RedeemOIDC(ctx context.Context, ticket livetables.Secret, from Client) (tokens Tokens, err error) {
	if s.issuer == nil {
		return Tokens{}, ErrNoOIDC
	}
	if err := s.byClient.take(addressKey(from.Address)); err != nil {
		return Tokens{}, err
	}
	hash := ticketHash(ticket)
	err = s.write(ctx, func(tx adapter.Tx) error {
		var acc account
		var epoch int64
		err := each(ctx, tx, `SELECT `+accountColumns+`, f.epoch FROM auth_oidc_flow f JOIN auth_account a ON a.id = f.account_id
			WHERE f.ticket_hash = ? AND f.expires_at > ?`, []lqp.Value{lqp.TextValue(hash), timeValue(s.clock())}, func(r row) error {
			acc = scanAccount(r)
			epoch = row{r.rows, accountWidth}.int(0)
			return nil
		})
		if err != nil {
			return err
		}
		n, err := tx.Exec(ctx, `UPDATE auth_oidc_flow SET ticket_hash = NULL WHERE ticket_hash = ?`, lqp.TextValue(hash))
		if err != nil {
			return err
		}
		if n != 1 || acc.ID == "" || acc.Disabled || acc.epoch != epoch {
			return ErrOIDC
		}
		if tokens, err = s.openSession(ctx, tx, acc, from); err != nil {
			return err
		}
		return s.note(ctx, tx, from, acc.ID, "auth.login", acc.ID, "oidc")
	})
	if err != nil {
		return Tokens{}, wrapUnless(err, "open session", ErrOIDC)
	}
	return tokens, nil
}

func ticketHash(ticket livetables.Secret) string {
	sum := sha256.Sum256([]byte(ticket.Reveal()))
	return hex.EncodeToString(sum[:])
}

// check reports what is wrong with the settings of an issuer.
func (o *OIDC) check() error {
	var problems []error
	if err := o.checkURL(o.Issuer); err != nil {
		problems = append(problems, fmt.Errorf("issuer: %w", err))
	}
	if u, err := url.Parse(o.RedirectURL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.Fragment != "" || u.User != nil {
		problems = append(problems, fmt.Errorf("issuer: the address to come back to, %q, is no http or https URL", o.RedirectURL))
	}
	if o.ClientID == "" {
		problems = append(problems, errors.New("issuer: no client id given"))
	}
	if o.Dial == nil {
		problems = append(problems, errors.New("issuer: no dialer given"))
	}
	for _, d := range o.AllowDomains {
		if !plainDomain(d) {
			problems = append(problems, fmt.Errorf("issuer: %q is no domain of email addresses", d))
		}
	}
	return errors.Join(problems...)
}
