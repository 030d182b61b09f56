package audit

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
)

// Link ties an entry to the one before it in the chain of its workspace, so that what is changed, taken out, put in or moved
// afterwards is found. The entries of no workspace have a chain of their own.
//
// Its fields are for the owner of the log: with them and part of an entry, the rest of it can be guessed and checked.
type Link struct {
	// Sequence is the entry's number in its chain: dense, from 1.
	Sequence int64 `json:"sequence"`
	// Salt is random, so that a published Hash tells nothing of an entry's content.
	Salt []byte `json:"salt"`
	// Prev is the Hash of the entry before, empty for the first one.
	Prev []byte `json:"prev,omitempty"`
	// Hash is the Digest of the entry.
	Hash []byte `json:"hash"`
	// Origin is the position that an imported entry had in the store where it was written, 0 for an entry of this store.
	Origin int64 `json:"origin,omitempty"`
}

// SaltSize is the number of bytes of a Link's Salt.
const SaltSize = 16

// digestVersion is the first byte of a digest. It names the encoding and the hash function.
const digestVersion = 1

// DigestSize is the number of bytes of a digest.
const DigestSize = 1 + sha256.Size

// digestDomain keeps these hashes apart from all others.
const digestDomain = "livetables change"

// Digest is a byte with the version of the encoding, 1, followed by the SHA-256 (FIPS 180-4) of every field of e but
// Chain.Hash, which are encoded so that no two entries have the same bytes: integers as 8 bytes, most significant first;
// texts and bytes with their length, as such an integer, in front; a document with a byte in front that says whether there
// is one; the time as milliseconds since 1970. The position of an imported entry is Chain.Origin. e.Chain must be set. buf is used as working space when it is large enough;
// it is returned, perhaps grown, for the next call.
func Digest(e *Entry, buf []byte) (digest, working []byte) {
	b := append(buf[:0], digestVersion)
	b = digestText(b, digestDomain)
	b = digestText(b, string(e.Chain.Prev))
	b = binary.BigEndian.AppendUint64(b, uint64(e.Chain.Sequence))
	b = digestText(b, string(e.Chain.Salt))
	position := e.Position
	if e.Chain.Origin != 0 {
		position = e.Chain.Origin
	}
	b = binary.BigEndian.AppendUint64(b, uint64(position))
	b = digestText(b, e.ID)
	b = binary.BigEndian.AppendUint64(b, uint64(e.At.UnixMilli()))
	for _, s := range [...]string{e.Workspace, e.Actor, e.Action, e.ResourceType, e.Resource, e.Table} {
		b = digestText(b, s)
	}
	b = binary.BigEndian.AppendUint64(b, uint64(e.Offset))
	b = binary.BigEndian.AppendUint64(b, uint64(e.Version))
	b = digestDocument(b, e.Before)
	b = digestDocument(b, e.After)
	for _, s := range [...]string{e.Batch, e.Request, e.Address, e.Reason} {
		b = digestText(b, s)
	}
	sum := sha256.Sum256(b)
	digest = make([]byte, DigestSize)
	digest[0] = digestVersion
	copy(digest[1:], sum[:])
	return digest, b
}

func digestText(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint64(b, uint64(len(s))), s...)
}

func digestDocument(b []byte, doc json.RawMessage) []byte {
	if doc == nil {
		return append(b, 0)
	}
	b = binary.BigEndian.AppendUint64(append(b, 1), uint64(len(doc)))
	return append(b, doc...)
}
