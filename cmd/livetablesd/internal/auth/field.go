package auth

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// The bounds of what people enter.
const (
	MinPassword = 8    // bytes
	MaxPassword = 1024 // bytes; all of them count
	MaxEmail    = 254  // bytes
	MaxName     = 200  // code points
)

// NormalizeEmail is the form in which addresses are kept and compared: without surrounding blanks, in Unicode
// normalisation form C and lower case. ok is false for a text that is not one plain address ("local@domain").
//
// Lower-casing the local part is stricter than the mail standards, which leave its case to the receiving host: two
// accounts that differ in case alone would be one person's surprise or another's attack.
func NormalizeEmail(s string) (email string, ok bool) {
	if len(s) > 4*MaxEmail || !utf8.ValidString(s) {
		return "", false
	}
	s = strings.ToLower(norm.NFC.String(strings.TrimSpace(s)))
	local, domain, found := cutLast(s, '@')
	if !found || len(s) > MaxEmail || len(local) > 64 || !plainLocal(local) || !plainDomain(domain) {
		return "", false
	}
	return s, true
}

func cutLast(s string, sep byte) (before, after string, found bool) {
	i := strings.LastIndexByte(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// plainLocal accepts dot-separated atoms; quoted local parts are refused.
func plainLocal(s string) bool {
	for atom := range strings.SplitSeq(s, ".") {
		if atom == "" {
			return false
		}
		for _, r := range atom {
			if r < utf8.RuneSelf {
				if !isAlnum(r) && !strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", r) {
					return false
				}
			} else if !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) {
				return false
			}
		}
	}
	return true
}

// plainDomain accepts dot-separated labels of letters, digits and inner hyphens; a single label is accepted, since
// internal hosts have such names.
func plainDomain(s string) bool {
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, r := range label {
			if r < utf8.RuneSelf && !isAlnum(r) && r != '-' ||
				r >= utf8.RuneSelf && !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) {
				return false
			}
		}
	}
	return true
}

func isAlnum(r rune) bool { return 'a' <= r && r <= 'z' || '0' <= r && r <= '9' }

func (p *problems) email(s string) string {
	if strings.TrimSpace(s) == "" {
		p.add("email", "required", "an email address is required")
		return ""
	}
	email, ok := NormalizeEmail(s)
	if !ok {
		p.add("email", "invalid", "not an email address")
	}
	return email
}

// password checks a new password. Its bytes are taken as they are: no trimming, no normalisation, no composition rules.
func (p *problems) password(field, s string) {
	switch {
	case s == "":
		p.add(field, "required", "a password is required")
	case len(s) < MinPassword:
		p.add(field, "too_short", fmt.Sprintf("must have at least %d characters", MinPassword))
	case len(s) > MaxPassword:
		p.add(field, "too_long", fmt.Sprintf("must have at most %d bytes", MaxPassword))
	case !utf8.ValidString(s):
		p.add(field, "invalid", "must be valid UTF-8")
	}
}

// name checks what people call themselves; it may be empty.
func (p *problems) name(s string) string {
	s = norm.NFC.String(strings.TrimSpace(s))
	switch {
	case !utf8.ValidString(s):
		p.add("name", "invalid", "must be valid UTF-8")
	case utf8.RuneCountInString(s) > MaxName:
		p.add("name", "too_long", fmt.Sprintf("must have at most %d characters", MaxName))
	case strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }):
		p.add("name", "invalid", "must not contain control characters")
	}
	return s
}

// clip makes a text that a client sent about itself fit to keep: valid, printable and at most n bytes.
func clip(s string, n int) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) {
			return ' ' // also what is left of a character that the cut halved
		}
		return r
	}, s[:min(len(s), n)])
}
