package tabular

import (
	"encoding/xml"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/livetables/livetables/lqp"
)

// dateStyle says how a style shows a number.
type dateStyle uint8

const (
	plainStyle dateStyle = iota
	dayStyle
	timeStyle // with the time of day
)

// readStyles finds out which styles show dates.
func (b *workbook) readStyles(name string) ([]dateStyle, error) {
	var list []dateStyle
	custom := map[string]dateStyle{}
	inCells := false
	err := b.walk(name, maxSmallPart, func(_ *elements, tag xml.StartElement) error {
		switch tag.Name.Local {
		case "numFmt":
			if len(custom) < 1<<16 {
				custom[attribute(tag, "numFmtId")] = styleOf(attribute(tag, "formatCode"))
			}
		case "cellXfs":
			inCells = true
		case "cellStyles", "dxfs", "tableStyles", "cellStyleXfs":
			inCells = false
		case "xf":
			if !inCells || len(list) == 1<<16 {
				return nil
			}
			id := attribute(tag, "numFmtId")
			style, ok := custom[id]
			if !ok {
				style = builtinStyle(id)
			}
			list = append(list, style)
		}
		return nil
	})
	return list, err
}

// builtinStyle knows the number formats that have no code in the file (ECMA-376 part 1, 18.8.30).
func builtinStyle(id string) dateStyle {
	n, err := strconv.Atoi(id)
	switch {
	case err != nil:
	case n >= 14 && n <= 17, n >= 27 && n <= 31, n == 36, n >= 50 && n <= 58:
		return dayStyle
	case n == 22:
		return timeStyle
	}
	return plainStyle
}

var literalParts = regexp.MustCompile(`"[^"]*"|\\.|_.|\*.`)
var bracketParts = regexp.MustCompile(`\[[^\]]*\]`)

// styleOf reads a number format's code. Times without a day and lengths of time are plain numbers.
func styleOf(code string) dateStyle {
	code, _, _ = strings.Cut(strings.ToLower(code), ";")
	code = literalParts.ReplaceAllString(code, "")
	if strings.Contains(code, "[h") || strings.Contains(code, "[m") || strings.Contains(code, "[s") {
		return plainStyle
	}
	code = strings.ReplaceAll(bracketParts.ReplaceAllString(code, ""), "general", "")
	switch {
	case !strings.ContainsAny(code, "yd"):
		return plainStyle
	case strings.ContainsAny(code, "hs"):
		return timeStyle
	}
	return dayStyle
}

const (
	epoch1900 = -25569 // day 0 of spreadsheets, counted from 1970-01-01, for days after 1900-02-28
	epoch1904 = -24107
	dayMillis = 86_400_000
	firstDay  = 61 // 1900-03-01: before it spreadsheets count a day that there was not
	lastDay   = 2_958_465
)

// dateText is a number as the day or instant that its style shows.
func (b *workbook) dateText(style string, n float64) (string, bool) {
	i, err := strconv.Atoi(style)
	if err != nil || i < 0 || i >= len(b.dates) || b.dates[i] == plainStyle {
		return "", false
	}
	epoch := float64(epoch1900)
	if b.old {
		epoch = epoch1904
	} else if n < firstDay-1 {
		epoch++
	}
	if n < 0 || n >= lastDay+1 {
		return "", false
	}
	millis := int64(math.Round((n + epoch) * dayMillis))
	if b.dates[i] == dayStyle && millis%dayMillis == 0 {
		return lqp.DateValue(millis / dayMillis).String(), true
	}
	return lqp.DateTimeValue(millis).String(), true
}

// serial is the number that a spreadsheet has for an instant; false when it has none.
func serial(millis int64) (float64, bool) {
	n := float64(millis)/dayMillis - epoch1900
	exact := int64(math.Round((n+epoch1900)*dayMillis)) == millis
	return n, exact && n >= firstDay && n < lastDay+1
}
