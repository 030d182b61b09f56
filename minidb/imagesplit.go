package minidb

import (
	"bytes"
	"errors"
)

var errImage = errors.New("malformed row image")

// splitImage calls f for each member of a row image, with its value as it stands there. Images are written by appendImage: an
// object without blanks whose names are ids. Reading them so costs a fraction of what decoding any JSON does, and the past of
// a table is made of as many as it has rows.
func splitImage(doc []byte, f func(id, value []byte)) error {
	if len(doc) < 2 || doc[0] != '{' || doc[len(doc)-1] != '}' {
		return errImage
	}
	rest := doc[1 : len(doc)-1]
	for len(rest) > 0 {
		if rest[0] != '"' {
			return errImage
		}
		end := bytes.IndexByte(rest[1:], '"')
		if end < 0 || end+2 >= len(rest) || rest[end+2] != ':' {
			return errImage
		}
		id := rest[1 : end+1]
		rest = rest[end+3:]
		n := valueEnd(rest)
		if n == 0 || n < len(rest) && rest[n] != ',' {
			return errImage
		}
		f(id, rest[:n])
		if n == len(rest) {
			return nil
		}
		if rest = rest[n+1:]; len(rest) == 0 {
			return errImage
		}
	}
	return nil
}

// valueEnd is the length of the JSON value that a text begins with, up to the comma after it.
func valueEnd(b []byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			for i++; i < len(b) && b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case ',':
			if depth == 0 {
				return i
			}
		}
	}
	return len(b)
}
