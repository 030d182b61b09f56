package formula

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// tokenKind tells the parser what a token is. Operators and punctuation are told apart by the token's text.
type tokenKind uint8

const (
	tokEnd     tokenKind = iota
	tokNumber            // text is the digits as written
	tokText              // text is the unescaped content
	tokName              // a bare identifier
	tokBraced            // a name in braces, text is the unescaped content
	tokSymbol            // an operator, parenthesis, comma or dot
	tokKeyword           // AND OR NOT IN TRUE FALSE, text in upper case
)

// token is one lexical unit with its place in code points.
type token struct {
	kind     tokenKind
	text     string
	from, to int
}

// is reports whether the token is the given operator, punctuation or keyword.
func (t token) is(text string) bool {
	return (t.kind == tokSymbol || t.kind == tokKeyword) && t.text == text
}

// shown is the token as error messages name it.
func (t token) shown() string {
	switch t.kind {
	case tokEnd:
		return "end of the formula"
	case tokText:
		return "text " + strconv.Quote(clip(t.text))
	case tokBraced:
		return "{" + clip(t.text) + "}"
	case tokNumber:
		return "number " + clip(t.text)
	case tokKeyword:
		return t.text
	default:
		return "'" + clip(t.text) + "'"
	}
}

// clip keeps what a message quotes short.
func clip(s string) string {
	const most = 40
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "…"
}

// keywords are the words that can be no bare column name. They are matched in any case.
var keywords = map[string]bool{"AND": true, "OR": true, "NOT": true, "IN": true, "TRUE": true, "FALSE": true}

// asciiLower is the inverse of asciiUpper: the catalogue's names are in lower case.
func asciiLower(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + ('a' - 'A')
		}
		return r
	}, s)
}

// lexer cuts the source into tokens on demand, so that nothing is built for a text that fails early.
type lexer struct {
	src  string
	byte int // offset of the next unread byte
	at   int // the same place in code points
	last tokenKind
}

func (l *lexer) peek() (r rune, size int) {
	if l.byte >= len(l.src) {
		return -1, 0
	}
	return utf8.DecodeRuneInString(l.src[l.byte:])
}

func (l *lexer) advance(size int) {
	l.byte += size
	l.at++
}

func (l *lexer) fail(from int, message, hint string) *SyntaxError {
	return &SyntaxError{Code: CodeParse, From: from, To: l.at, Message: message, Hint: hint}
}

// next reads one token. After the end it answers tokEnd for ever.
func (l *lexer) next() (token, *SyntaxError) {
	if err := l.skipBlank(); err != nil {
		return token{}, err
	}
	from := l.at
	r, size := l.peek()
	if size == 0 {
		return token{kind: tokEnd, from: from, to: from}, nil
	}
	var t token
	var err *SyntaxError
	switch {
	case isNameStart(r):
		t = l.name()
	case isDigit(r), r == '.' && l.last != tokName && l.last != tokBraced && l.digitFollows():
		t, err = l.number()
	case r == '"' || r == '\'':
		t, err = l.quoted(r)
	case r == '{':
		t, err = l.braced()
	default:
		t, err = l.symbol(r, size)
	}
	if err != nil {
		return token{}, err
	}
	t.from, t.to = from, l.at
	l.last = t.kind
	return t, nil
}

// skipBlank passes over white space and comments.
func (l *lexer) skipBlank() *SyntaxError {
	for {
		r, size := l.peek()
		switch {
		case size == 0:
			return nil
		case unicode.IsSpace(r):
			l.advance(size)
		case r == '/' && strings.HasPrefix(l.src[l.byte:], "/*"):
			from := l.at
			end := strings.Index(l.src[l.byte+2:], "*/")
			if end < 0 {
				return &SyntaxError{Code: CodeParse, From: from, To: from + 2,
					Message: "the comment does not end", Hint: "close it with */"}
			}
			text := l.src[l.byte : l.byte+end+4]
			l.byte += len(text)
			l.at += utf8.RuneCountInString(text)
		default:
			return nil
		}
	}
}

func isDigit(r rune) bool     { return r >= '0' && r <= '9' }
func isNameStart(r rune) bool { return r == '_' || unicode.IsLetter(r) }
func isNamePart(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)
}

// isBareName reports whether a column may be written without braces.
func isBareName(s string) bool {
	for i, r := range s {
		if r == utf8.RuneError || i == 0 && !isNameStart(r) || !isNamePart(r) {
			return false
		}
	}
	return s != "" && !keywords[asciiUpper(s)]
}

// asciiUpper maps a-z only: keywords and function names are ASCII, and a wider mapping would make a keyword of "ın".
func asciiUpper(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r - ('a' - 'A')
		}
		return r
	}, s)
}

func (l *lexer) name() token {
	start := l.byte
	for r, size := l.peek(); size > 0 && isNamePart(r); r, size = l.peek() {
		l.advance(size)
	}
	text := l.src[start:l.byte]
	if upper := asciiUpper(text); keywords[upper] {
		return token{kind: tokKeyword, text: upper}
	}
	return token{kind: tokName, text: text}
}

func (l *lexer) digitFollows() bool {
	return l.byte+1 < len(l.src) && isDigit(rune(l.src[l.byte+1]))
}

func (l *lexer) number() (token, *SyntaxError) {
	start, from := l.byte, l.at
	l.digits()
	if r, size := l.peek(); r == '.' {
		if !l.digitFollows() {
			l.advance(size)
			return token{}, l.fail(from, "the number "+clip(l.src[start:l.byte])+" ends with a point",
				"write the digits after the point or leave it out")
		}
		l.advance(size)
		l.digits()
	}
	text := l.src[start:l.byte]
	if r, _ := l.peek(); isNamePart(r) {
		l.name() // the letters belong to the report
		return token{}, l.fail(from, "'"+clip(l.src[start:l.byte])+"' is neither a number nor a name",
			"numbers have no exponent or unit, and a column that starts with a digit is written in braces: {"+clip(l.src[start:l.byte])+"}")
	}
	return token{kind: tokNumber, text: text}, nil
}

func (l *lexer) digits() {
	for r, size := l.peek(); isDigit(r); r, size = l.peek() {
		l.advance(size)
	}
}

// quoted reads a text literal up to the quote that opened it.
func (l *lexer) quoted(quote rune) (token, *SyntaxError) {
	from := l.at
	l.advance(1)
	var b strings.Builder
	for {
		r, size := l.peek()
		if size == 0 {
			return token{}, &SyntaxError{Code: CodeParse, From: from, To: from + 1,
				Message: "the text does not end", Hint: "close it with " + string(quote)}
		}
		l.advance(size)
		switch r {
		case quote:
			return token{kind: tokText, text: b.String()}, nil
		case '\\':
			e, size := l.peek()
			if size > 0 {
				l.advance(size)
			}
			switch e {
			case 'n':
				b.WriteByte('\n')
			case 't':
				b.WriteByte('\t')
			case '\\', '"', '\'':
				b.WriteRune(e)
			default:
				return token{}, l.fail(l.at-min(size, 1)-1, "unknown escape in the text",
					`a backslash is written \\; the other escapes are \n \t \" \'`)
			}
		default:
			b.WriteRune(r)
		}
	}
}

// braced reads a column name or alias in braces.
func (l *lexer) braced() (token, *SyntaxError) {
	from := l.at
	l.advance(1)
	var b strings.Builder
	for {
		r, size := l.peek()
		if size == 0 {
			return token{}, &SyntaxError{Code: CodeParse, From: from, To: from + 1,
				Message: "the column name does not end", Hint: "close it with }"}
		}
		l.advance(size)
		switch r {
		case '}':
			if b.Len() == 0 {
				return token{}, l.fail(from, "the column name is empty", "write it between the braces: {Column name}")
			}
			return token{kind: tokBraced, text: b.String()}, nil
		case '\\':
			e, size := l.peek()
			if e != '}' && e != '\\' {
				return token{}, l.fail(l.at-1, "unknown escape in the column name", `only \} and \\ are escapes here`)
			}
			l.advance(size)
			b.WriteRune(e)
		default:
			b.WriteRune(r)
		}
	}
}

// symbols holds the operators and punctuation, longest first.
var symbols = []string{"==", "!=", "<>", "<=", ">=", "=", "<", ">", "&", "+", "-", "*", "/", "%", "^", "(", ")", ",", "."}

// foreign are the signs that people bring from other languages, with what to write here. The first match counts.
var foreign = []struct{ sign, hint string }{
	{"&&", "write AND"}, {"||", "write OR, or & to join texts"}, {"**", "write ^ for powers"},
	{"!", "write NOT"}, {"|", "write OR"}, {";", "arguments are separated by commas"},
	{"[", "a column with blanks in its name is written {Column name}"}, {"]", "lists are written IN (1, 2, 3)"},
	{"“", `use straight quotes: "…"`}, {"”", `use straight quotes: "…"`}, {"‘", "use straight quotes: '…'"}, {"’", "use straight quotes: '…'"},
	{"`", "a column is written {Column name}"}, {"≤", "write <="}, {"≥", "write >="}, {"≠", "write <>"},
	{"×", "write *"}, {"÷", "write /"}, {"−", "write - (the plain minus sign)"}, {"}", "a column is written {Column name}"},
	{"?", "write IF(condition, then, else)"}, {"$", "a column is written {Column name}"}, {"@", "a column is written {Column name}"}, {"#", "comments are written /* … */"},
}

func (l *lexer) symbol(r rune, size int) (token, *SyntaxError) {
	rest, from := l.src[l.byte:], l.at
	for _, f := range foreign {
		if strings.HasPrefix(rest, f.sign) && !strings.HasPrefix(rest, "!=") {
			l.byte += len(f.sign)
			l.at += utf8.RuneCountInString(f.sign)
			return token{}, l.fail(from, "unexpected '"+f.sign+"'", f.hint)
		}
	}
	for _, s := range symbols {
		if strings.HasPrefix(rest, s) {
			l.byte += len(s)
			l.at += len(s) // symbols are ASCII
			return token{kind: tokSymbol, text: s}, nil
		}
	}
	l.advance(size)
	return token{}, l.fail(from, "unexpected "+strconv.QuoteRune(r), "")
}
