// Package oidctest is a small OpenID Connect issuer for tests: a real server on a loopback port that speaks discovery, JWKS,
// the authorization endpoint and the token endpoint with PKCE, whose signing keys can be replaced and which can be told to
// misbehave.
//
// It follows OpenID Connect Core 1.0, OpenID Connect Discovery 1.0, RFC 6749, RFC 7636 and RFC 9207, as far as a login with an
// authorization code needs them. Nobody is asked for a password: whoever comes is the person that the test named.
package oidctest
