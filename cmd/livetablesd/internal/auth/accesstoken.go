package auth

import (
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// The fixed parts of an access token's header. There is one algorithm and one key; a token does not choose either.
const (
	accessType = "at+jwt"
	accessKey  = "access-1"
	// maxAccessToken bounds what is parsed, in bytes; ours have about 400.
	maxAccessToken = 2048
	// clockDrift is how far in the future a token may have been issued by another node.
	clockDrift = 30 * time.Second
)

// accessClaims are what an access token says.
type accessClaims struct {
	jwt.RegisteredClaims
	Session string `json:"sid"`
	Epoch   int64  `json:"epc"`
}

// accessTokens signs and reads access tokens.
type accessTokens struct {
	key              []byte
	issuer, audience string
	ttl              time.Duration
	clock            func() time.Time
	parser           *jwt.Parser
	seen             *readTokens
}

func newAccessTokens(o Options) *accessTokens {
	return &accessTokens{
		key: o.Keys.Derive("access token"), issuer: o.Issuer, audience: o.Audience, ttl: o.AccessTTL, clock: o.Clock,
		seen: newReadTokens(1 << 14),
		parser: jwt.NewParser(
			jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
			jwt.WithIssuer(o.Issuer), jwt.WithAudience(o.Audience), jwt.WithExpirationRequired(),
			jwt.WithTimeFunc(o.Clock), jwt.WithStrictDecoding(),
		),
	}
}

func (a *accessTokens) sign(userID, sessionID string, epoch int64) (token string, expires time.Time, err error) {
	now := a.clock().UTC().Truncate(time.Second)
	expires = now.Add(a.ttl)
	t := jwt.NewWithClaims(jwt.SigningMethodHS256, accessClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: a.issuer, Audience: jwt.ClaimStrings{a.audience}, Subject: userID,
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(expires),
		},
		Session: sessionID, Epoch: epoch,
	})
	t.Header["typ"], t.Header["kid"] = accessType, accessKey
	token, err = t.SignedString(a.key)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("sign access token: %w", err)
	}
	return token, expires, nil
}

// read checks everything that a token says about itself. Whether its session and account are alive is not known here.
func (a *accessTokens) read(token string) (accessClaims, error) {
	if len(token) > maxAccessToken {
		return accessClaims{}, fmt.Errorf("%w: token of %d bytes", ErrUnauthenticated, len(token))
	}
	id := sha256.Sum256([]byte(token))
	claims, seen := a.seen.get(id)
	if !seen {
		var err error
		if claims, err = a.parse(token); err != nil {
			return claims, err
		}
		a.seen.put(id, claims)
	}
	now := a.clock()
	switch {
	case !now.Before(claims.ExpiresAt.Time):
		return accessClaims{}, fmt.Errorf("%w: token has expired", ErrUnauthenticated)
	case claims.IssuedAt.After(now.Add(clockDrift)):
		// The clock was set back: the token would outlive its time.
		return accessClaims{}, fmt.Errorf("%w: token is from the future", ErrUnauthenticated)
	}
	return claims, nil
}

// parse checks the signature and the form of a token, and its times as they are now.
func (a *accessTokens) parse(token string) (accessClaims, error) {
	var claims accessClaims
	_, err := a.parser.ParseWithClaims(token, &claims, func(t *jwt.Token) (any, error) {
		if len(t.Header) != 3 || t.Header["typ"] != accessType || t.Header["kid"] != accessKey {
			return nil, jwt.ErrTokenUnverifiable
		}
		return a.key, nil
	})
	if err != nil {
		return claims, fmt.Errorf("%w: %w", ErrUnauthenticated, err)
	}
	switch {
	case claims.IssuedAt == nil || claims.ExpiresAt == nil || claims.Subject == "" || claims.Session == "":
		return claims, fmt.Errorf("%w: token lacks a claim", ErrUnauthenticated)
	case claims.ExpiresAt.Sub(claims.IssuedAt.Time) > MaxAccessTTL:
		return claims, fmt.Errorf("%w: token lives too long", ErrUnauthenticated)
	}
	return claims, nil
}
