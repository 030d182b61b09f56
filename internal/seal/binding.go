package seal

import "encoding/binary"

// Binding says where a secret lives; its AAD is what to seal the secret with, so that a box copied onto another row, field
// or workspace, or put back from an older version, is refused.
type Binding struct {
	Workspace string
	ID        string // of the resource that holds the secret
	Field     string
	Version   int64 // of the secret
}

// AAD encodes b so that no two bindings have the same bytes: every text has its length in front.
func (b Binding) AAD() []byte {
	out := make([]byte, 0, len(b.Workspace)+len(b.ID)+len(b.Field)+20)
	for _, s := range []string{b.Workspace, b.ID, b.Field} {
		out = binary.BigEndian.AppendUint32(out, uint32(len(s)))
		out = append(out, s...)
	}
	return binary.BigEndian.AppendUint64(out, uint64(b.Version))
}

// The two uses of the caller's aad are kept apart by a byte in front: a wrapped key is no ciphertext and the reverse.
func aadOfKey(aad []byte) []byte    { return append([]byte{'k'}, aad...) }
func aadOfSecret(aad []byte) []byte { return append([]byte{'s'}, aad...) }
