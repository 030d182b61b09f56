package minidb

import (
	"strconv"
	"strings"

	"github.com/livetables/livetables/lqp"
)

// Durations are numbers of seconds. As texts they are hours, minutes and seconds: "1:30:00", "0:00:07.5".

// parseDuration reads a duration: a number of seconds; minutes and seconds or hours, minutes and seconds with colons; or
// numbers with units, "1h 30m", as ISO 8601 writes them too ("PT1H30M", "P2D"). Years and months are refused: how long they
// are depends on the day they begin.
func parseDuration(text string) (lqp.Decimal, bool) {
	s := strings.ToLower(strings.TrimSpace(text))
	s, negative := strings.CutPrefix(s, "-")
	var d lqp.Decimal
	var ok bool
	switch {
	case strings.Contains(s, ":"):
		d, ok = parseClock(s)
	case strings.ContainsAny(s, "dhms"):
		d, ok = parseUnits(s)
	default:
		var err error
		d, err = lqp.ParseDecimal(s)
		ok = err == nil && s != "" && s[0] != '-' && s[0] != '+'
	}
	if ok && negative {
		d, ok = d.Neg(), true
	}
	return d, ok
}

// parseClock reads "m:ss", "h:mm:ss" and decimals of the seconds.
func parseClock(s string) (lqp.Decimal, bool) {
	parts := strings.Split(s, ":")
	if len(parts) < 2 || len(parts) > 3 {
		return lqp.Decimal{}, false
	}
	var total lqp.Decimal
	for i, part := range parts {
		whole, _, fraction := strings.Cut(part, ".")
		if whole == "" || strings.Trim(whole, "0123456789") != "" || fraction && i < len(parts)-1 || i > 0 && (len(whole) != 2 || whole > "59") {
			return total, false
		}
		n, err := lqp.ParseDecimal(part)
		if err != nil {
			return total, false
		}
		var ok bool
		if total, ok = total.Mul(lqp.DecimalFromInt(60)); !ok {
			return total, false
		}
		if total, ok = total.Add(n); !ok {
			return total, false
		}
	}
	return total, true
}

// unitSeconds are the units in the order in which they must stand.
var unitSeconds = []struct {
	letter  byte
	seconds int64
}{{'d', 86_400}, {'h', 3_600}, {'m', 60}, {'s', 1}}

// parseUnits reads "1h 30m" and the form of ISO 8601.
func parseUnits(s string) (lqp.Decimal, bool) {
	var total lqp.Decimal
	inTime := true // an m means minutes
	if after, ok := strings.CutPrefix(s, "p"); ok {
		s, inTime = after, false
	}
	next, any := 0, false
	for s = strings.TrimLeft(s, " "); s != ""; s = strings.TrimLeft(s, " ") {
		if after, ok := strings.CutPrefix(s, "t"); ok && !inTime {
			s, inTime = after, true
			continue
		}
		n := strings.IndexFunc(s, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
		if n < 1 {
			return total, false
		}
		count, err := lqp.ParseDecimal(s[:n])
		if err != nil {
			return total, false
		}
		for next < len(unitSeconds) && unitSeconds[next].letter != s[n] {
			next++
		}
		if next == len(unitSeconds) || !inTime && next > 0 {
			return total, false
		}
		var ok bool
		if count, ok = count.Mul(lqp.DecimalFromInt(unitSeconds[next].seconds)); !ok {
			return total, false
		}
		if total, ok = total.Add(count); !ok {
			return total, false
		}
		s, any = s[n+1:], true
		next++
	}
	return total, any
}

// formatDuration is the text of a duration, which parseDuration reads back.
func formatDuration(d lqp.Decimal) string {
	whole, _ := d.Abs().RoundDown(0)
	seconds, ok := whole.Int64()
	if !ok { // nobody reads hours of that length
		return d.String()
	}
	fraction, _ := d.Abs().Sub(whole)
	var b strings.Builder
	if d.Sign() < 0 {
		b.WriteByte('-')
	}
	two := func(n int64) string { return strconv.FormatInt(100+n, 10)[1:] }
	b.WriteString(strconv.FormatInt(seconds/3_600, 10) + ":" + two(seconds/60%60) + ":" + two(seconds%60))
	if fraction.Sign() != 0 {
		b.WriteString(strings.TrimPrefix(fraction.String(), "0"))
	}
	return b.String()
}
