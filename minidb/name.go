package minidb

import (
	"errors"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxName        = 200
	maxDescription = 10_000
)

// cleanName checks the name of a resource and answers it without surrounding blanks.
func cleanName(name string) (string, error) {
	name = strings.TrimSpace(name)
	switch {
	case name == "":
		return "", invalid("name", CodeName, "a name is required")
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		return "", invalid("name", CodeName, "a name has no control characters")
	case utf8.RuneCountInString(name) > maxName:
		return "", invalid("name", CodeTooLong, "a name has at most %d characters", maxName)
	}
	return name, nil
}

// nameKey is the form in which names are compared: two names that differ in case only are the same to people.
func nameKey(name string) string { return strings.Map(unicode.ToLower, name) }

// nameOfCopy is the name of a copy that is given none: that of the original with "copy" behind it, and from the second copy on a number.
// taken says of a name by ErrExists that something else has it.
func nameOfCopy(original string, taken func(name string) error) (string, error) {
	const most = 1000
	for n := 1; ; n++ {
		end := " copy"
		if n > 1 {
			end += " " + strconv.Itoa(n)
		}
		name := original
		if room := maxName - len(end); utf8.RuneCountInString(name) > room {
			name = strings.TrimSpace(string([]rune(name)[:room]))
		}
		name += end
		if err := taken(name); n == most || !errors.Is(err, ErrExists) {
			return name, err
		}
	}
}

// checkText checks a free text of a resource.
func checkText(field, s string, most int) error {
	switch {
	case !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0:
		return invalid(field, CodeInvalid, "not a text")
	case utf8.RuneCountInString(s) > most:
		return invalid(field, CodeTooLong, "at most %d characters", most)
	}
	return nil
}

// patch puts a new value in the place of an old one when there is one.
func patch[T any](old *T, value *T) {
	if value != nil {
		*old = *value
	}
}
