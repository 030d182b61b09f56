package minidb

import (
	"strings"

	"github.com/google/uuid"
)

// The prefixes of the ids that the mini-DB gives out, and of those that its callers make with [NewID].
const (
	prefixWorkspace  = "wsp"
	prefixProject    = "prj"
	prefixBase       = "bas"
	prefixTable      = "tbl"
	prefixColumn     = "col"
	prefixRow        = "row"
	prefixView       = "viw"
	prefixConnection = "con"
	prefixShare      = "shr"
	prefixKey        = "key"
	prefixChange     = "chg"
	prefixBatch      = "bat"
	prefixChoice     = "cho"
	prefixIndex      = "idx"
	prefixRole       = "rol"
)

// idDigits is Crockford's base 32 in lower case: no i, l, o, u, and in ASCII order, so that ids sort as their bits do.
const idDigits = "0123456789abcdefghjkmnpqrstvwxyz"

const idLen = 26 // base-32 digits of 128 bits

// NewID is a new id: the prefix, an underscore and a UUIDv7 in 26 digits of Crockford's base 32 ("row_01jf…"). Ids of one
// process sort in the order in which they were made. A trailing underscore in prefix is harmless. It may be called from
// many goroutines; it panics when the system has no randomness.
func NewID(prefix string) string {
	u := uuid.Must(uuid.NewV7())
	prefix = strings.TrimSuffix(prefix, "_")
	b := make([]byte, 0, len(prefix)+1+idLen)
	b = append(append(b, prefix...), '_')
	// 26 digits hold 130 bits: the first digit carries the top three.
	b = append(b, idDigits[u[0]>>5])
	acc, bits := uint32(u[0]&0x1f), 5
	for i := 1; ; {
		for bits >= 5 {
			bits -= 5
			b = append(b, idDigits[acc>>bits&0x1f])
		}
		if i == len(u) {
			return string(b)
		}
		acc, bits, i = acc<<8|uint32(u[i]), bits+8, i+1
	}
}

// ValidID reports whether id has the form that NewID(prefix) gives.
func ValidID(id, prefix string) bool {
	digits, ok := strings.CutPrefix(id, strings.TrimSuffix(prefix, "_")+"_")
	if !ok || len(digits) != idLen || digits[0] > '7' {
		return false
	}
	for i := 0; i < len(digits); i++ {
		if strings.IndexByte(idDigits, digits[i]) < 0 {
			return false
		}
	}
	return true
}

// idPrefix is the part of an id before its underscore, empty when there is none.
func idPrefix(id string) string {
	prefix, _, ok := strings.Cut(id, "_")
	if !ok {
		return ""
	}
	return prefix
}
