package minidb

import (
	"net/netip"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
)

// The texts that have a form: what they look like and the one way in which each is stored, so that equal values are equal
// texts.

// format is the form of the texts of a column type.
type format struct {
	want      string // for messages, with an example
	canonical func(text string) (string, bool)
}

var formats = map[ColumnType]format{
	EmailColumn: {"a mail address such as ana@example.com", canonicalEmail},
	URLColumn:   {"an address such as https://example.com/page", canonicalURL},
	PhoneColumn: {"a telephone number such as +44 113 496 0000", canonicalPhone},
	UUIDColumn:  {"a UUID such as 0190b5a2-7c4e-7d3a-9f21-5b6c7d8e9f00", canonicalUUID},
	UserColumn:  {"the id of a user", canonicalUser},
}

// canonicalEmail checks an address of the form local@domain: the dot-atom of RFC 5322, section 3.4.1, widened to characters
// beyond ASCII (RFC 6531), and a domain of at least two labels. Quoted local parts and addresses of hosts by number are
// refused: no person has one. The domain goes to lower case; what case means in the local part only its host knows.
func canonicalEmail(text string) (string, bool) {
	at := strings.LastIndexByte(text, '@')
	if at < 1 || at > 64 || len(text) > maxEmail {
		return "", false
	}
	local, domain := text[:at], strings.ToLower(text[at+1:])
	for atom := range strings.SplitSeq(local, ".") {
		if atom == "" || strings.ContainsFunc(atom, func(r rune) bool {
			return r < utf8.RuneSelf && !alphanumeric(r) && !strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", r) || invisible(r)
		}) {
			return "", false
		}
	}
	labels := strings.Split(domain, ".")
	if len(labels) < 2 || !validLabels(labels) || strings.Trim(labels[len(labels)-1], "0123456789") == "" {
		return "", false
	}
	return local + "@" + domain, true
}

func alphanumeric(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

// invisible reports characters that make two different texts look the same.
func invisible(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError
}

// validLabels checks the labels of a host name (RFC 1123, section 2.1), characters beyond ASCII allowed.
func validLabels(labels []string) bool {
	for _, label := range labels {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		if strings.ContainsFunc(label, func(r rune) bool {
			return r < utf8.RuneSelf && !alphanumeric(r) && r != '-' && r != '_' || invisible(r)
		}) {
			return false
		}
	}
	return true
}

// canonicalURL checks an absolute http or https address with a host (RFC 3986). Other schemes are refused: a link such as
// javascript:… runs in the page that shows it. So are addresses with a user name, which hide where they lead. Scheme and
// host go to lower case, the rest stays as it is written.
func canonicalURL(text string) (string, bool) {
	if len(text) > maxURL || strings.ContainsFunc(text, invisible) || strings.ContainsAny(text, "\\\"<>`{}|^") {
		return "", false
	}
	u, err := url.Parse(text)
	if err != nil || u.User != nil || u.Opaque != "" || u.Hostname() == "" {
		return "", false
	}
	if u.Scheme != "http" && u.Scheme != "https" { // Parse has put it into lower case
		return "", false
	}
	host := strings.TrimSuffix(u.Hostname(), ".")
	if _, err := netip.ParseAddr(host); err != nil && !validLabels(strings.Split(host, ".")) {
		return "", false
	}
	rest := text[len(u.Scheme)+len("://"):]
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	return u.Scheme + "://" + strings.ToLower(rest[:end]) + rest[end:], true
}

// canonicalPhone checks a number as people write it: 3 to 20 digits, after a + if it is an international one, with blanks,
// hyphens, dots, slashes and brackets between them, and perhaps an extension after "x" or "ext". How numbers are grouped
// differs between countries and is kept; runs of blanks become one.
func canonicalPhone(text string) (string, bool) {
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == '\u00a0' || r == '\u202f' || r == '\t' }), " ")
	number, extension := strings.ToLower(text), ""
	for _, mark := range []string{"ext.", "ext", "x"} {
		if before, after, ok := strings.Cut(number, mark); ok {
			number, extension = strings.TrimSpace(before), strings.TrimSpace(after)
			if n := len(extension); n == 0 || n > 8 || strings.Trim(extension, "0123456789") != "" {
				return "", false
			}
			break
		}
	}
	digits, open := 0, 0
	for i, r := range number {
		switch {
		case r >= '0' && r <= '9':
			digits++
		case r == '+' && i == 0:
		case r == '(' && open == 0:
			open++
		case r == ')' && open == 1:
			open--
		case strings.ContainsRune(" -./", r) && i > 0:
		default:
			return "", false
		}
	}
	if digits < 3 || digits > 20 || open != 0 || len(text) > maxPhone {
		return "", false
	}
	if extension != "" {
		number += " x" + extension
	}
	return number, len(number) <= maxPhone
}

// canonicalUUID reads the forms of a UUID that are in use: with or without hyphens, in braces, as a URN, in any case.
func canonicalUUID(text string) (string, bool) {
	id, err := uuid.Parse(text)
	if err != nil {
		return "", false
	}
	return id.String(), true
}

// canonicalUser checks no more than the form: whether there is such a member is asked of the database.
func canonicalUser(text string) (string, bool) { return text, checkUser(text) == nil }
