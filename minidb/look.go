package minidb

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Colours are the named colours of bases and tables, which a client shows as it likes.
func Colours() []string {
	return []string{"grey", "red", "orange", "yellow", "green", "teal", "blue", "purple", "pink", "brown", "black", "white"}
}

var (
	hexColour = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)
	iconName  = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,49}$`)
)

// maxSign is how many code points the sign of an icon has at most: some emoji are made of many.
const maxSign = 12

// checkLooks checks a colour and an icon. What is shown beside names must not be able to pretend to be one.
func checkLooks(colour, icon string) error {
	if colour != "" && !slices.Contains(Colours(), colour) && !hexColour.MatchString(colour) {
		return invalid("colour", CodeInvalid, "a colour is one of %s, or # and six hexadecimal digits", strings.Join(Colours(), ", "))
	}
	if icon == "" || iconName.MatchString(icon) {
		return nil
	}
	plain := func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsSpace(r) || unicode.IsControl(r) || r < utf8.RuneSelf && !unicode.IsDigit(r) && r != '#' && r != '*'
	}
	if !utf8.ValidString(icon) || utf8.RuneCountInString(icon) > maxSign || strings.ContainsFunc(icon, plain) || !strings.ContainsFunc(icon, func(r rune) bool { return r >= utf8.RuneSelf }) {
		return invalid("icon", CodeInvalid, "an icon is a name of small letters, digits and -, or a sign such as an emoji")
	}
	return nil
}
