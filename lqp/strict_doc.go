package lqp

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// raw is the text of a node's value.
func (d *jsonDoc) raw(i int32) []byte { return d.data[d.nodes[i].from:d.nodes[i].to] }

// key is the key under which a member of an object stands.
func (d *jsonDoc) key(i int32) string {
	n := &d.nodes[i]
	return unquoteJSON(d.data[n.keyFrom:n.keyTo])
}

// unquoteJSON reads a string that parseJSON has accepted.
func unquoteJSON(raw []byte) string {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1])
	}
	var s string
	_ = json.Unmarshal(raw, &s) // cannot fail: parseJSON checked the escapes
	return s
}

// children calls f for every element or member of a node.
func (d *jsonDoc) children(i int32, f func(child int32)) {
	for c := i + 1; c < d.nodes[i].end; c = d.nodes[c].end {
		f(c)
	}
}

// path is the JSON path of a node: "$.joins[0].on".
func (d *jsonDoc) path(target int32) string {
	path := []byte("$")
	for at := int32(0); at != target; {
		index := 0
		child := at + 1
		for d.nodes[child].end <= target && d.nodes[child].end > child {
			child = d.nodes[child].end
			index++
		}
		if d.nodes[at].kind == '{' {
			path = appendPathKey(path, d.key(child))
		} else {
			path = append(path, '[')
			path = strconv.AppendInt(path, int64(index), 10)
			path = append(path, ']')
		}
		at = child
	}
	return string(path)
}

// appendPathKey appends .key, or ["key"] for a key that is not a plain word.
func appendPathKey(path []byte, key string) []byte {
	plain := key != ""
	for i := range len(key) {
		c := key[i]
		plain = plain && (c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z')
	}
	if plain {
		return append(append(path, '.'), key...)
	}
	path = append(path, '[')
	path = strconv.AppendQuote(path, key)
	return append(path, ']')
}

// jsonKindNames say what a node is, for people.
func jsonKindName(kind byte) string {
	switch kind {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "a text"
	case '0':
		return "a number"
	case 't', 'f':
		return "true or false"
	}
	return "null"
}
