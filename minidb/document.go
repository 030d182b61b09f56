package minidb

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/livetables/livetables/lqp"
)

const (
	maxDocument = 100_000 // bytes of a canonical JSON document in a cell
	maxNesting  = 100     // lists and objects inside each other in it
)

// errZero: databases keep no such texts.
var errZero = errors.New("a text with the character U+0000")

// canonicalJSON is the one form in which a document is kept: without blanks, the members of objects by name in the order of
// their code points, texts escaped as little as JSON allows, numbers as they are written, since rounding them would lose
// what a pass-through must keep. A name that occurs twice in an object is refused: readers differ in which they take.
func canonicalJSON(doc string) (string, error) {
	d := json.NewDecoder(strings.NewReader(doc))
	d.UseNumber()
	out, err := appendDocument(nil, d, 0)
	if err != nil {
		return "", err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return "", errors.New("more than one JSON document")
	}
	// The decoder puts U+FFFD in the place of half surrogate pairs.
	replaced := strings.Count(doc, "\uFFFD") + strings.Count(strings.ToLower(doc), `\ufffd`)
	if strings.Count(string(out), "\uFFFD") > replaced {
		return "", errors.New("a text with half a surrogate pair")
	}
	return string(out), nil
}

// appendDocument appends the next value of the decoder.
func appendDocument(dst []byte, d *json.Decoder, depth int) ([]byte, error) {
	token, err := d.Token()
	if err != nil {
		return nil, errors.New("not a JSON document")
	}
	switch token := token.(type) {
	case nil:
		return append(dst, "null"...), nil
	case bool:
		return lqp.BoolValue(token).AppendJSON(dst), nil
	case json.Number:
		return append(dst, token...), nil
	case string:
		if strings.IndexByte(token, 0) >= 0 {
			return nil, errZero
		}
		return lqp.AppendJSONString(dst, token), nil
	case json.Delim:
		if depth == maxNesting {
			return nil, fmt.Errorf("more than %d lists and objects inside each other", maxNesting)
		}
		if token == '[' {
			return appendElements(dst, d, depth+1)
		}
		return appendMembers(dst, d, depth+1)
	}
	return nil, errors.New("not a JSON document")
}

func appendElements(dst []byte, d *json.Decoder, depth int) (_ []byte, err error) {
	dst = append(dst, '[')
	for first := true; d.More(); first = false {
		if !first {
			dst = append(dst, ',')
		}
		if dst, err = appendDocument(dst, d, depth); err != nil {
			return nil, err
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, errors.New("not a JSON document")
	}
	return append(dst, ']'), nil
}

func appendMembers(dst []byte, d *json.Decoder, depth int) ([]byte, error) {
	type member struct {
		name  string
		value []byte
	}
	var members []member
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, errors.New("not a JSON document")
		}
		name, ok := token.(string)
		if !ok {
			return nil, errors.New("not a JSON document")
		}
		if strings.IndexByte(name, 0) >= 0 {
			return nil, errZero
		}
		value, err := appendDocument(nil, d, depth)
		if err != nil {
			return nil, err
		}
		members = append(members, member{name, value})
	}
	if _, err := d.Token(); err != nil {
		return nil, errors.New("not a JSON document")
	}
	slices.SortFunc(members, func(a, b member) int { return strings.Compare(a.name, b.name) })
	dst = append(dst, '{')
	for i, m := range members {
		if i > 0 {
			if m.name == members[i-1].name {
				return nil, fmt.Errorf("the name %q occurs twice in an object", cleanText(m.name, maxLook))
			}
			dst = append(dst, ',')
		}
		dst = append(lqp.AppendJSONString(dst, m.name), ':')
		dst = append(dst, m.value...)
	}
	return append(dst, '}'), nil
}

// isDocument reports whether a text is one JSON document.
func isDocument(text string) bool { return json.Valid(bytes.TrimSpace([]byte(text))) }
