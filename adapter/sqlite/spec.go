package sqlite

import (
	"github.com/ncruces/go-sqlite3"

	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

// SQLite's values do not say what they mean: 150 may be the number 1.50 or TRUE. A call of a registered function
// therefore begins with a text constant that tells the form of each argument, two letters each, and after a '>' that of
// the result: lt_round('i2i0>k-', price, 1).
const (
	specLetters = "?bidnkftDTLjx" // by form
	specScales  = "0123456789a"
	specNone    = '-'
)

// spec is the letters of one form.
func spec(f form, scale int8) string {
	if f &^= formUnbound; f == formStamp {
		f = formDateTime // which is read in any layout
	}
	b := [2]byte{specLetters[f], specNone}
	switch f {
	case formInt:
		b[1] = specScales[scale]
	case formList:
		b[1] = specLetters[kindForm(lqp.Kind(scale))]
	}
	return string(b[:])
}

// kindForm is the form that stands for a kind of list elements.
func kindForm(k lqp.Kind) form {
	r, ok := kindRep(lqp.Type{Kind: k})
	if !ok {
		return formAny
	}
	return form(r.Form)
}

// signature is a parsed constant.
type signature struct {
	args   []storage
	result storage
	kind   lqp.Kind // of the result
}

// formKinds is the kind of value of each form.
var formKinds = [...]lqp.Kind{
	formBool: lqp.Bool, formInt: lqp.Number, formDecimal: lqp.Number, formNumeric: lqp.Number, formKey: lqp.Number,
	formFloat: lqp.Float, formText: lqp.Text, formDate: lqp.Date, formDateTime: lqp.DateTime, formList: lqp.List,
	formJSON: lqp.JSON, formBytes: lqp.Bytes,
}

// parseSpec reads one form; ok is false when the text is not one of ours.
func parseSpec(a, b byte) (s storage, ok bool) {
	f := indexByte(specLetters, a)
	if f <= 0 {
		return s, false
	}
	s.form = form(f)
	switch s.form {
	case formInt:
		s.scale = indexByte(specScales, b)
		return s, s.scale >= 0
	case formList:
		e := indexByte(specLetters, b)
		if e < 0 {
			return s, false
		}
		s.elem = formKinds[e]
	}
	return s, true
}

func indexByte(s string, b byte) int {
	for i := range len(s) {
		if s[i] == b {
			return i
		}
	}
	return -1
}

func parseSignature(text string) (*signature, bool) {
	sig := &signature{}
	for ; len(text) >= 2 && text[0] != '>'; text = text[2:] {
		s, ok := parseSpec(text[0], text[1])
		if !ok {
			return nil, false
		}
		sig.args = append(sig.args, s)
	}
	if len(text) == 0 {
		return sig, true
	}
	if len(text) != 3 || text[0] != '>' {
		return nil, false
	}
	var ok bool
	if sig.result, ok = parseSpec(text[1], text[2]); ok {
		sig.kind = formKinds[sig.result.form]
	}
	return sig, ok
}

// signatures caches the parsed constants of one connection, which one goroutine uses at a time.
type signatures map[string]*signature

func (c signatures) get(v sqlite3.Value) *signature {
	raw := v.RawText()
	if s, ok := c[string(raw)]; ok {
		return s
	}
	text := string(raw)
	s, ok := parseSignature(text)
	if !ok {
		return nil
	}
	c[text] = s
	return s
}

// repSpec is the letters of a representation.
func repSpec(r sqlgen.Rep) string { return spec(form(r.Form), r.Scale) }
