// Package seal keeps secrets encrypted at rest and out of logs.
//
// A [Sealer] encrypts each secret under a data key of its own, which a [KeyManager] wraps; [Keys] is the key manager of a
// deployment without one, built from a key file. [Secret] carries a secret in memory without showing it when printed.
package seal
