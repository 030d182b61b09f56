// Package transit is a key manager at the other end of HTTP: a key in the transit secrets engine of HashiCorp Vault, of
// OpenBao, or of another service that speaks like them.
//
// Data keys are wrapped by the service's encrypt, decrypt and rewrap calls under a key that derives a subkey from a context,
// for which the caller's aad is used: the service itself refuses to unwrap a key in another place. A key without derivation
// would ignore the context, so that such a key is refused.
package transit
