package lqp

import (
	"fmt"
	"strconv"
	"unicode/utf8"
)

// StrictLimits bound a JSON document before anything is made of it. A zero field means its default.
type StrictLimits struct {
	MaxBytes  int // length of the document, default 1 MiB
	MaxDepth  int // nesting of objects and arrays, default 64
	MaxItems  int // elements of one array and keys of one object, default 10,000
	MaxNumber int // characters of one number, default 64
}

func (l StrictLimits) withDefaults() StrictLimits {
	set := func(field *int, value int) {
		if *field <= 0 {
			*field = value
		}
	}
	set(&l.MaxBytes, 1<<20)
	set(&l.MaxDepth, 64)
	set(&l.MaxItems, 10_000)
	set(&l.MaxNumber, 64)
	return l
}

// jsonNode is one value of a document. Nodes stand in the order of the text; the children of node i begin at i+1, and the
// node after a whole subtree is at end.
type jsonNode struct {
	kind           byte // '{' '[' '"' '0' for numbers, 't' 'f' 'n'
	keyFrom, keyTo int32
	from, to       int32 // the value in the text, quotes and brackets included
	end            int32
}

// jsonDoc is a parsed document: valid JSON within its limits, without duplicate keys.
type jsonDoc struct {
	data  []byte
	nodes []jsonNode
}

// jsonScan reads a document in one loop. It keeps its own stack, so that no input can exhaust the goroutine's.
type jsonScan struct {
	jsonDoc
	limits  StrictLimits
	pos     int
	open    []jsonFrame
	problem *Problem
}

type jsonFrame struct {
	node  int32
	items int
}

// parseJSON checks a document against the limits and indexes it. The problem is nil when all is well.
func parseJSON(data []byte, limits StrictLimits) (*jsonDoc, *Problem) {
	s := &jsonScan{jsonDoc: jsonDoc{data: data}, limits: limits.withDefaults()}
	if len(data) > s.limits.MaxBytes {
		return nil, &Problem{Path: "$", Code: CodeLimit, Message: fmt.Sprintf("the document has %d bytes; at most %d are allowed", len(data), s.limits.MaxBytes)}
	}
	s.value(0, 0)
	for len(s.open) > 0 && s.problem == nil {
		s.step()
	}
	if s.space(); s.problem == nil && s.pos < len(data) {
		s.problem = &Problem{Path: "$", Code: CodeSyntax, Message: fmt.Sprintf("invalid JSON at byte %d: nothing may follow the end of the document", s.pos)}
	}
	if s.problem != nil {
		return nil, s.problem
	}
	return &s.jsonDoc, nil
}

func (s *jsonScan) fail(code, format string, args ...any) {
	if s.problem == nil {
		s.problem = &Problem{Path: s.here(), Code: code, Message: fmt.Sprintf(format, args...)}
	}
}

func (s *jsonScan) syntax(what string) {
	s.fail(CodeSyntax, "invalid JSON at byte %d: %s", s.pos, what)
}

// here is the path of what is being read.
func (s *jsonScan) here() string {
	if len(s.nodes) == 0 {
		return "$"
	}
	return s.path(int32(len(s.nodes) - 1))
}

func (s *jsonScan) space() {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

// peek is the next byte, 0 at the end.
func (s *jsonScan) peek() byte {
	if s.pos < len(s.data) {
		return s.data[s.pos]
	}
	return 0
}

// step reads what follows in the innermost open object or array: its end, or one element.
func (s *jsonScan) step() {
	f := &s.open[len(s.open)-1]
	object := s.nodes[f.node].kind == '{'
	s.space()
	if c := s.peek(); (c == '}' && object) || (c == ']' && !object) {
		s.pos++
		s.close(f)
		return
	}
	if f.items > 0 {
		if s.peek() != ',' {
			s.syntax("a comma or the closing bracket was expected")
			return
		}
		s.pos++
		s.space()
	}
	if f.items++; f.items > s.limits.MaxItems {
		s.problem = &Problem{Path: s.path(f.node), Code: CodeLimit, Message: fmt.Sprintf("the list is too long; at most %d elements are allowed", s.limits.MaxItems)}
		return
	}
	keyFrom, keyTo := 0, 0
	if object {
		keyFrom = s.pos
		if s.peek() != '"' {
			s.syntax("a key in double quotes was expected")
			return
		}
		s.text()
		keyTo = s.pos
		if s.space(); s.problem == nil && s.peek() != ':' {
			s.syntax("a colon was expected after the key")
		}
		if s.problem != nil {
			return
		}
		s.pos++
	}
	s.value(keyFrom, keyTo)
}

func (s *jsonScan) close(f *jsonFrame) {
	n := &s.nodes[f.node]
	n.to, n.end = int32(s.pos), int32(len(s.nodes))
	if n.kind == '{' {
		if dup := s.duplicateKey(f.node); dup >= 0 {
			s.problem = &Problem{Path: s.path(f.node), Code: CodeDuplicateKey, Message: "the key " + quoted(s.key(dup)) + " occurs twice"}
		}
	}
	s.open = s.open[:len(s.open)-1]
}

// duplicateKey finds a member of the object whose key an earlier member has, or -1.
func (d *jsonDoc) duplicateKey(object int32) int32 {
	const few = 12
	count := 0
	var seen map[string]struct{}
	for i := object + 1; i < d.nodes[object].end; i = d.nodes[i].end {
		key := d.key(i)
		if seen == nil {
			for j := object + 1; j < i; j = d.nodes[j].end {
				if d.key(j) == key {
					return i
				}
			}
			if count++; count < few {
				continue
			}
			seen = make(map[string]struct{}, 2*few)
			for j := object + 1; j <= i; j = d.nodes[j].end {
				seen[d.key(j)] = struct{}{}
			}
			continue
		}
		if _, dup := seen[key]; dup {
			return i
		}
		seen[key] = struct{}{}
	}
	return -1
}

// value reads a scalar, or opens an object or array.
func (s *jsonScan) value(keyFrom, keyTo int) {
	s.space()
	from, c := s.pos, s.peek()
	n := jsonNode{kind: c, keyFrom: int32(keyFrom), keyTo: int32(keyTo), from: int32(from)}
	if c == '-' || (c >= '0' && c <= '9') {
		n.kind = '0'
	}
	s.nodes = append(s.nodes, n)
	at := int32(len(s.nodes) - 1)
	switch n.kind {
	case '{', '[':
		if len(s.open) >= s.limits.MaxDepth {
			s.fail(CodeLimit, "the document is nested too deeply; at most %d levels are allowed", s.limits.MaxDepth)
			return
		}
		s.pos++
		s.open = append(s.open, jsonFrame{node: at})
		return
	case '"':
		s.text()
	case '0':
		s.number()
	case 't':
		s.word("true")
	case 'f':
		s.word("false")
	case 'n':
		s.word("null")
	default:
		s.syntax("a value was expected")
	}
	s.nodes[at].to, s.nodes[at].end = int32(s.pos), at+1
}

func (s *jsonScan) word(w string) {
	if len(s.data)-s.pos < len(w) || string(s.data[s.pos:s.pos+len(w)]) != w {
		s.syntax("a value was expected")
		return
	}
	s.pos += len(w)
}

func (s *jsonScan) digits() bool {
	from := s.pos
	for s.peek() >= '0' && s.peek() <= '9' {
		s.pos++
	}
	return s.pos > from
}

func (s *jsonScan) number() {
	from := s.pos
	if s.peek() == '-' {
		s.pos++
	}
	ok := true
	if s.peek() == '0' {
		s.pos++
	} else {
		ok = s.digits()
	}
	if ok && s.peek() == '.' {
		s.pos++
		ok = s.digits()
	}
	if c := s.peek(); ok && (c == 'e' || c == 'E') {
		s.pos++
		if c := s.peek(); c == '+' || c == '-' {
			s.pos++
		}
		ok = s.digits()
	}
	if !ok {
		s.syntax("a digit was expected")
	} else if s.pos-from > s.limits.MaxNumber {
		s.fail(CodeLimit, "the number is too long; at most %d characters are allowed", s.limits.MaxNumber)
	}
}

// text reads a string: valid UTF-8, no control characters, escapes as JSON has them, surrogates in pairs, no U+0000.
func (s *jsonScan) text() {
	for s.pos++; s.pos < len(s.data); {
		switch c := s.data[s.pos]; {
		case c == '"':
			s.pos++
			return
		case c == '\\':
			if !s.escape() {
				return
			}
		case c < 0x20:
			s.syntax("a control character must be written as an escape")
			return
		case c < utf8.RuneSelf:
			s.pos++
		default:
			r, size := utf8.DecodeRune(s.data[s.pos:])
			if r == utf8.RuneError && size == 1 {
				s.syntax("the text is not valid UTF-8")
				return
			}
			s.pos += size
		}
	}
	s.syntax("the text has no closing quote")
}

func (s *jsonScan) escape() bool {
	s.pos++
	switch s.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.pos++
		return true
	case 'u':
		unit, ok := s.codeUnit()
		switch {
		case !ok:
			s.syntax("four hexadecimal digits were expected")
		case unit == 0:
			s.syntax("a text must not contain U+0000")
			return false
		case unit >= 0xDC00 && unit < 0xE000:
			ok = false
		case unit >= 0xD800 && unit < 0xDC00:
			low := uint64(0)
			if s.peek() == '\\' && s.pos+1 < len(s.data) && s.data[s.pos+1] == 'u' {
				s.pos++
				low, _ = s.codeUnit()
			}
			ok = low >= 0xDC00 && low < 0xE000
		}
		if !ok {
			s.syntax("half of a surrogate pair")
		}
		return ok
	}
	s.syntax("unknown escape")
	return false
}

// codeUnit reads the u and the four digits of an escape.
func (s *jsonScan) codeUnit() (uint64, bool) {
	if len(s.data)-s.pos < 5 {
		return 0, false
	}
	unit, err := strconv.ParseUint(string(s.data[s.pos+1:s.pos+5]), 16, 16)
	if err != nil {
		return 0, false
	}
	s.pos += 5
	return unit, true
}
