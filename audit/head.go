package audit

import (
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"time"
)

// Cut says where a chain ended that was removed with its workspace, or a beginning of one that was cut. It is in the After of
// the entry that tells of the removal, under "chain".
type Cut struct {
	// Sequence and Hash are those of the last entry that was removed.
	Sequence int64  `json:"sequence"`
	Hash     []byte `json:"hash"`
}

// DeleteAction is the action of the entry, of no workspace, that remains of a deleted one.
const DeleteAction = "workspace.delete"

// Head is a signed statement of where a chain ended at a time. Whoever has one can tell later whether the entries up to it
// are still what they were and whether they are all there.
type Head struct {
	Workspace string `json:"workspace_id"` // "" for the entries of no workspace
	// Sequence and Hash are those of the last entry; 0 and empty for a chain without entries.
	Sequence int64     `json:"sequence"`
	Hash     []byte    `json:"hash"`
	At       time.Time `json:"at"` // to the millisecond
	// PublicKey and Signature are of Ed25519 (RFC 8032); both are empty in a head that is not signed.
	PublicKey ed25519.PublicKey `json:"public_key,omitempty"`
	Signature []byte            `json:"signature,omitempty"`
}

// HeadSink takes signed heads to where the owner of the database cannot reach them. The same head may come again.
type HeadSink interface {
	WriteHeads(ctx context.Context, heads []Head) error
}

// Sign signs the head.
func (h *Head) Sign(key ed25519.PrivateKey) {
	h.PublicKey, _ = key.Public().(ed25519.PublicKey)
	h.Signature = ed25519.Sign(key, h.statement())
}

// Signed reports whether the head's signature is right for the public key in it. Whether to trust that key is the caller's
// to decide.
func (h *Head) Signed() bool {
	return len(h.PublicKey) == ed25519.PublicKeySize && ed25519.Verify(h.PublicKey, h.statement(), h.Signature)
}

// statement is what is signed: encoded like the fields of an entry, with a domain of its own.
func (h *Head) statement() []byte {
	b := digestText([]byte{digestVersion}, "livetables head")
	b = digestText(b, h.Workspace)
	b = binary.BigEndian.AppendUint64(b, uint64(h.Sequence))
	b = digestText(b, string(h.Hash))
	return binary.BigEndian.AppendUint64(b, uint64(h.At.UnixMilli()))
}
