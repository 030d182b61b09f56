package lqp

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"regexp/syntax"
	"strings"
	"sync/atomic"
	"unicode/utf8"
)

// The limits of regular expressions. Matching costs at most the size of the pattern for every code point it looks at, so
// the two together bound the time of a call.
const (
	// MaxPattern is the longest pattern in bytes.
	MaxPattern = 1000
	// maxPatternSize is the largest pattern in steps of its program, repetitions counted out.
	maxPatternSize = 10_000
	// maxPatternNesting is how deep groups may stand in each other.
	maxPatternNesting = 50
	// patternWork is how many steps one call may take.
	patternWork = 100_000_000
	// patternCache is how many compiled patterns are kept.
	patternCache = 256
)

// pattern is a compiled regular expression. It is immutable.
type pattern struct {
	re *regexp.Regexp
	// next finds what re finds in a text that begins with one code point to be skipped, which the match only looks back
	// at; the match is its first group.
	next *regexp.Regexp
	size int // steps per code point at most
}

// CheckPattern says what is wrong with a regular expression, nil when nothing is. The language is RE2 without what
// sources understand differently: literals, . (any code point, line ends too), classes with ranges and [:names:],
// \d \w \s \b and their opposites, ^ and $ (begin and end of the text only), groups, |, * + ? {m,n} and their lazy
// forms, and (?i) for upper and lower case alike.
func CheckPattern(text string) error {
	_, err := compilePattern(text)
	return err
}

// PatternReach is how many code points of a text regex_match and regex_extract with this pattern look at: a longer text
// does not match. It is MaxText for all but very large patterns, and 0 for what is no pattern.
func PatternReach(text string) int {
	p, err := compilePattern(text)
	if err != nil {
		return 0
	}
	return p.reach()
}

func (p *pattern) reach() int { return min(MaxText, patternWork/p.size) }

// patterns are the patterns compiled last. The map is never changed: adding one makes a copy.
var patterns atomic.Pointer[map[string]*pattern]

// compiled is the pattern of a text, nil when it is none.
func compiled(text string) *pattern {
	known := patterns.Load()
	if known != nil {
		if p, ok := (*known)[text]; ok {
			return p
		}
	}
	p, err := compilePattern(text)
	if err != nil {
		return nil
	}
	more := map[string]*pattern{text: p}
	if known != nil && len(*known) < patternCache { // else forget all: a plan has far fewer
		for k, v := range *known {
			more[k] = v
		}
	}
	patterns.CompareAndSwap(known, &more) // the loser of a race compiles once more
	return p
}

func compilePattern(text string) (*pattern, error) {
	if len(text) > MaxPattern {
		return nil, fmt.Errorf("at most %d bytes", MaxPattern)
	}
	if err := checkSubset(text); err != nil {
		return nil, err
	}
	tree, err := syntax.Parse(text, syntax.ClassNL|syntax.DotNL|syntax.OneLine|syntax.PerlX)
	if err != nil {
		var bad *syntax.Error
		if errors.As(err, &bad) {
			return nil, fmt.Errorf("%s: %s", bad.Code, clip(bad.Expr))
		}
		return nil, err
	}
	size := programSize(tree)
	if size > maxPatternSize {
		return nil, fmt.Errorf("its repetitions make it too large: more than %d steps", maxPatternSize)
	}
	p := &pattern{size: size}
	if p.re, err = regexp.Compile("(?s)" + text); err != nil {
		return nil, err
	}
	if p.next, err = regexp.Compile(`(?s)\A.(?:.*?)(` + text + `)`); err != nil {
		return nil, err
	}
	return p, nil
}

// programSize bounds the steps that a pattern's program has, without making it: repetitions are written out in it.
func programSize(t *syntax.Regexp) int {
	n := 0
	for _, s := range t.Sub {
		n = min(n+programSize(s), 2*maxPatternSize)
	}
	switch t.Op {
	case syntax.OpLiteral:
		n = len(t.Rune)
	case syntax.OpRepeat:
		times := t.Max
		if times < 0 {
			times = t.Min + 1
		}
		n *= max(times, 1)
		n += max(times, 1)
	default:
		n += 2 + len(t.Sub)
	}
	return min(n+1, 2*maxPatternSize)
}

// checkSubset refuses what RE2 has and the language has not.
func checkSubset(text string) error {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
			if i == len(text) {
				return errors.New(`it ends with a \`)
			}
			if err := checkEscape(text[i:]); err != nil {
				return err
			}
		case '[':
			end, err := skipClass(text, i)
			if err != nil {
				return err
			}
			i = end
		case '(':
			if depth++; depth > maxPatternNesting {
				return fmt.Errorf("more than %d groups stand in each other", maxPatternNesting)
			}
			rest := text[i+1:]
			if strings.HasPrefix(rest, "?") && !strings.HasPrefix(rest, "?:") && !strings.HasPrefix(rest, "?i)") && !strings.HasPrefix(rest, "?i:") {
				return errors.New("of the groups with (? there are (?:…) and (?i) only")
			}
		case ')':
			depth--
		}
	}
	return nil
}

// checkEscape looks at what follows a backslash.
func checkEscape(rest string) error {
	switch c := rest[0]; {
	case strings.IndexByte("dDwWsSbBtnr", c) >= 0:
		return nil
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c >= utf8.RuneSelf:
		r, _ := utf8.DecodeRuneInString(rest)
		return fmt.Errorf(`\%c is not known`, r)
	}
	return nil
}

// skipClass finds the ] that ends the class which begins at i.
func skipClass(text string, i int) (end int, err error) {
	j := i + 1
	if j < len(text) && text[j] == '^' {
		j++
	}
	for first := j; j < len(text); j++ {
		switch {
		case text[j] == ']' && j > first:
			return j, nil
		case text[j] == '\\':
			if j++; j == len(text) {
				return 0, errors.New(`it ends with a \`)
			}
			if text[j] == 'b' || text[j] == 'B' {
				return 0, fmt.Errorf(`\%c is not known in a class`, text[j])
			}
			if err := checkEscape(text[j:]); err != nil {
				return 0, err
			}
		case strings.HasPrefix(text[j:], "[:"):
			n := strings.Index(text[j:], ":]")
			if n < 0 {
				return 0, errors.New("a [: is not ended by :]")
			}
			j += n + 1
		}
	}
	return 0, errors.New("a [ is not closed")
}

// within reports whether the text is short enough for the pattern.
func (p *pattern) within(s string) bool {
	return len(s) <= p.reach() || utf8.RuneCountInString(s) <= p.reach()
}

func (p *pattern) matches(s string) bool { return p.within(s) && p.re.MatchString(s) }

// extract is the first match, NULL when there is none.
func (p *pattern) extract(s string) Value {
	if !p.within(s) {
		return Value{}
	}
	at := p.re.FindStringIndex(s)
	if at == nil {
		return Value{}
	}
	return textValue(s[at[0]:at[1]])
}

// searched reads a text for one search after the other and ends early when the work is done.
type searched struct {
	text string
	at   int
	left int // code points that may still be looked at, by all searches together
	over bool
}

// ReadRune implements [io.RuneReader].
func (r *searched) ReadRune() (rune, int, error) {
	if r.at >= len(r.text) {
		return 0, 0, io.EOF
	}
	if r.left--; r.left < 0 {
		r.over = true
		return 0, 0, io.EOF
	}
	c, n := utf8.DecodeRuneInString(r.text[r.at:])
	r.at += n
	return c, n, nil
}

// find is the first match from the offset on, as pairs of offsets; nil when there is none.
func (p *pattern) find(r *searched, from int) []int {
	if from == 0 {
		r.at = 0
		return p.re.FindReaderSubmatchIndex(r)
	}
	_, n := utf8.DecodeLastRuneInString(r.text[:from])
	base := from - n
	r.at = base
	m := p.next.FindReaderSubmatchIndex(r)
	if m == nil {
		return nil
	}
	m = m[2:]
	for i := range m {
		if m[i] >= 0 {
			m[i] += base
		}
	}
	return m
}
