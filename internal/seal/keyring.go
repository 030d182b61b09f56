package seal

import (
	"bytes"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// A key file is either KeySize raw bytes, one key that is also the root of derived keys, or a text:
//
//	livetables keys 1
//	root ID HEX
//	key ID HEX CREATED
//	…
//
// with a line for each master key, the present one last. The ids follow from the keys, so that a damaged line is noticed.
const (
	keyringHeader = "livetables keys 1"
	maxKeyFile    = 16 << 10
	maxMasterKeys = 64
)

// parseKeys reads the contents of a key file. It is strict: what it does not know is an error, which never quotes it.
func parseKeys(data []byte) (*Keys, error) {
	if len(data) == KeySize {
		return NewKeys(data)
	}
	text, ok := bytes.CutPrefix(data, []byte(keyringHeader+"\n"))
	if !ok {
		return nil, fmt.Errorf("%w: the file is neither %d raw bytes nor a list of keys", ErrWeakKey, KeySize)
	}
	text, ok = bytes.CutSuffix(text, []byte("\n"))
	if !ok {
		return nil, fmt.Errorf("%w: the last line of the list of keys is cut off", ErrWeakKey)
	}
	var root []byte
	defer func() { clear(root) }()
	var ring []masterKey
	for i, line := range strings.Split(string(text), "\n") {
		kind, rest, _ := strings.Cut(line, " ")
		key, tail, err := parseKeyLine(rest)
		if err != nil {
			return nil, fmt.Errorf("line %d of the list of keys: %w", i+2, err)
		}
		switch {
		case kind == "root" && i == 0 && tail == "":
			root = key
		case kind == "key" && i > 0 && len(ring) < maxMasterKeys:
			created, err := time.Parse(time.RFC3339, tail)
			if err != nil || created.Format(time.RFC3339) != tail {
				return nil, fmt.Errorf("%w: line %d of the list of keys has no time of creation", ErrWeakKey, i+2)
			}
			one, err := newMasterKey(key, created)
			clear(key)
			if err != nil {
				return nil, fmt.Errorf("line %d of the list of keys: %w", i+2, err)
			}
			ring = append(ring, one)
		default:
			return nil, fmt.Errorf("%w: line %d of the list of keys is not of a known kind", ErrWeakKey, i+2)
		}
	}
	if len(ring) == 0 {
		return nil, fmt.Errorf("%w: the list of keys has none", ErrWeakKey)
	}
	return newRing(root, ring)
}

// parseKeyLine reads an id and the key that it belongs to.
func parseKeyLine(text string) (key []byte, tail string, err error) {
	id, rest, _ := strings.Cut(text, " ")
	digits, tail, _ := strings.Cut(rest, " ")
	key, err = hex.DecodeString(digits)
	if err != nil || len(key) != KeySize || hex.EncodeToString(key) != digits {
		return nil, "", fmt.Errorf("%w: it holds no key", ErrWeakKey)
	}
	if subtle.ConstantTimeCompare([]byte(idOf(key)), []byte(id)) != 1 {
		return nil, "", fmt.Errorf("%w: the key and its id do not belong together", ErrWeakKey)
	}
	return key, tail, nil
}

// encode is the text of a key file with these keys.
func (k *Keys) encode() []byte {
	root := k.sealer.root.Reveal()
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\nroot %s %x\n", keyringHeader, idOf([]byte(root)), root)
	for _, key := range k.ring {
		fmt.Fprintf(&b, "key %s %x %s\n", key.id, key.secret.Reveal(), key.created.UTC().Format(time.RFC3339))
	}
	return b.Bytes()
}

// grown has one more key, which is the present one. Where a master key was the root of derived keys, a root of its own
// takes its place, as otherwise the old key could never be given up.
func (k *Keys) grown(now time.Time, newRoot bool) (*Keys, error) {
	if len(k.ring) >= maxMasterKeys {
		return nil, fmt.Errorf("there are %d keys already; drop the old ones first", len(k.ring))
	}
	key, err := newMasterKey(randomKey(), now.UTC().Truncate(time.Second))
	if err != nil {
		return nil, err
	}
	root := []byte(k.sealer.root.Reveal())
	if newRoot || !k.ownRoot {
		root = randomKey()
	}
	return newRing(root, append(append([]masterKey(nil), k.ring...), key))
}
