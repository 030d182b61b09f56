package tabular

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// sharedStrings are the texts of a workbook, which its cells name by number. They are kept in pieces, so that there is never
// a second copy of them.
type sharedStrings struct {
	pieces [][]byte
	places []stringPlace
	size   int
}

type stringPlace struct{ piece, from, to uint32 }

const stringPiece = 1 << 20

func (s *sharedStrings) add(text string) error {
	if len(s.places) == maxStrings || s.size+len(text) > maxStringText {
		return Fault{Code: CodeTooLarge, Message: fmt.Sprintf("the workbook has more than %d different texts or %d bytes of them; save it as CSV", maxStrings, maxStringText)}
	}
	s.size += len(text)
	last := len(s.pieces) - 1
	if last < 0 || len(s.pieces[last])+len(text) > cap(s.pieces[last]) {
		s.pieces = append(s.pieces, make([]byte, 0, max(stringPiece, len(text))))
		last++
	}
	from := len(s.pieces[last])
	s.pieces[last] = append(s.pieces[last], text...)
	s.places = append(s.places, stringPlace{uint32(last), uint32(from), uint32(from + len(text))})
	return nil
}

func (s *sharedStrings) get(number string) (string, bool) {
	i, err := strconv.Atoi(strings.TrimSpace(number))
	if s == nil || err != nil || i < 0 || i >= len(s.places) {
		return "", false
	}
	p := s.places[i]
	return string(s.pieces[p.piece][p.from:p.to]), true
}

// readStrings reads the part of shared strings.
func (b *workbook) readStrings(name string) (*sharedStrings, error) {
	s := &sharedStrings{}
	err := b.walk(name, 1<<63, func(x *elements, tag xml.StartElement) error {
		if tag.Name.Local != "si" {
			return nil
		}
		text, err := x.richText("si")
		if err != nil {
			return err
		}
		return s.add(text)
	})
	return s, err
}

// richText is the text of an element with runs of text, without the readings that East Asian text has beside it.
func (x *elements) richText(element string) (string, error) {
	var out strings.Builder
	for {
		t, err := x.next()
		if errors.Is(err, io.EOF) {
			return "", brokenBook("a part is not whole")
		}
		if err != nil {
			return "", err
		}
		switch t := t.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "t":
				text, err := x.text("t")
				if err != nil {
					return "", err
				}
				if out.WriteString(text); out.Len() > MaxCell {
					return "", Fault{Code: CodeTooLarge, Message: "a text of the workbook is too long"}
				}
			case "rPh":
				if _, err := x.text("rPh"); err != nil {
					return "", err
				}
			}
		case xml.EndElement:
			if t.Name.Local == element {
				return unescapeSheet(out.String()), nil
			}
		}
	}
}

// unescapeSheet puts in the characters that XML has no place for, written _x000D_ (ECMA-376 part 1, ST_Xstring).
func unescapeSheet(s string) string {
	if !strings.Contains(s, "_x") {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); {
		if c, ok := escapedChar(s[i:]); ok {
			out.WriteRune(c)
			i += len("_x0000_")
			continue
		}
		out.WriteByte(s[i])
		i++
	}
	return out.String()
}

func escapedChar(s string) (rune, bool) {
	if len(s) < 7 || s[0] != '_' || s[1] != 'x' || s[6] != '_' {
		return 0, false
	}
	n, err := strconv.ParseUint(s[2:6], 16, 16)
	return rune(n), err == nil && utf8.ValidRune(rune(n))
}

// escapeSheet is the opposite of unescapeSheet.
func escapeSheet(dst []byte, s string) []byte {
	for i, c := range s {
		switch {
		case c == '_':
			if _, ok := escapedChar(s[i:]); ok {
				dst = append(dst, "_x005F_"...)
			} else {
				dst = append(dst, '_')
			}
		case c == '<':
			dst = append(dst, "&lt;"...)
		case c == '>':
			dst = append(dst, "&gt;"...)
		case c == '&':
			dst = append(dst, "&amp;"...)
		case c < ' ' && c != '\t' && c != '\n', c == 0xfffe, c == 0xffff:
			dst = fmt.Appendf(dst, "_x%04X_", c)
		default:
			dst = utf8.AppendRune(dst, c)
		}
	}
	return dst
}
