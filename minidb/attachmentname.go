package minidb

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxFileName = 255 // code points
	// noFileName is the name of a file whose own name had nothing to keep.
	noFileName = "file"
)

// CleanFileName is the name of an uploaded file as it is kept: its last part, whatever the separator, without control
// characters and those that are not seen or turn the direction of writing, which make a name look like another one, with the
// ending kept when it is too long. A name of which nothing is left is "file".
func CleanFileName(name string) string {
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError, unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp), !unicode.IsGraphic(r):
			return -1
		case unicode.IsSpace(r):
			return ' '
		}
		return r
	}, strings.ToValidUTF8(name, ""))
	name = strings.Trim(name, " ")
	if name = strings.TrimRight(name, ". "); name == "" { // also . and ..
		return noFileName
	}
	runes := []rune(name)
	if len(runes) <= maxFileName {
		return name
	}
	var ending []rune
	for i := len(runes) - 1; i > len(runes)-maxEnding && i > 0; i-- {
		if runes[i] == '.' {
			ending = runes[i:]
			break
		}
	}
	return string(runes[:maxFileName-len(ending)]) + string(ending)
}

const maxEnding = 20 // code points of what is kept of a long name, with the dot
