// Package auth knows who is calling: accounts, passwords, sessions and the tokens that stand for them.
//
// A [Service] keeps accounts and sessions in a store of its own. A login opens a session and returns two tokens. The access
// token is a signed statement, good for minutes, that names account and session; it counts only as long as both do, which
// [Service.Verify] checks on every call against a cache that every change invalidates. The refresh token is good for one
// use: it returns a new pair, and presenting it a second time ends the session, since one of the two users stole it. There
// is no grace period: a client that refreshes from several places must do so one at a time, and one whose answer was lost
// on the way logs in again.
//
// Programs come with keys, which Verify takes too: a personal access token stands for its person, narrowed to a scope; the key
// of a service account for a member of one workspace that is no person. People may also come from an OpenID Connect issuer
// ([OIDC]), and then have sessions like everybody.
package auth
