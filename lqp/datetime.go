package lqp

import "time"

const (
	millisPerDay = 86_400_000
	minDays      = -719162                           // 0001-01-01
	maxDays      = 2932896                           // 9999-12-31
	minMillis    = minDays * millisPerDay            // 0001-01-01T00:00:00.000Z
	maxMillis    = (maxDays+1)*millisPerDay - 1      // 9999-12-31T23:59:59.999Z
	maxOffset    = 16 * time.Hour / time.Millisecond // no zone was ever farther from UTC
)

// civilDays is the day number (since 1970-01-01) of a date of the proleptic Gregorian calendar; month must be 1 to 12.
func civilDays(year, month, day int64) int64 {
	if month <= 2 {
		year--
	}
	era := floorDiv(year, 400)
	yoe := year - era*400
	m := (month + 9) % 12 // March is 0, so that the leap day comes last
	doy := (153*m+2)/5 + day - 1
	return era*146097 + yoe*365 + yoe/4 - yoe/100 + doy - 719468
}

// civilDate is the inverse of civilDays.
func civilDate(days int64) (year, month, day int64) {
	days += 719468
	era := floorDiv(days, 146097)
	doe := days - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	m := (5*doy + 2) / 153
	day = doy - (153*m+2)/5 + 1
	month = m + 3
	if month > 12 {
		month -= 12
	}
	year = yoe + era*400
	if month <= 2 {
		year++
	}
	return year, month, day
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}

var monthDays = [13]int64{0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

func daysInMonth(year, month int64) int64 {
	if month == 2 && year%4 == 0 && (year%100 != 0 || year%400 == 0) {
		return 29
	}
	return monthDays[month]
}

// validDate reports whether there is such a day in the years 1 to 9999.
func validDate(year, month, day int64) bool {
	return year >= 1 && year <= 9999 && month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month)
}

// toLocal is the wall clock of z at an instant, both in milliseconds; nil is UTC.
func toLocal(z *time.Location, millis int64) int64 {
	if z == nil || z == time.UTC {
		return millis
	}
	_, offset := time.UnixMilli(millis).In(z).Zone()
	return millis + int64(offset)*1000
}

// toUTC is the instant at which the wall clock of z shows local. A time that a clock change skips is read with the
// offset before the change; of one that occurs twice the earlier instant is taken.
func toUTC(z *time.Location, local int64) int64 {
	if z == nil || z == time.UTC {
		return local
	}
	at := time.UnixMilli(local - int64(maxOffset)).In(z)
	_, before := at.Zone()
	for {
		_, offset := at.Zone()
		start, end := at.ZoneBounds()
		t := local - int64(offset)*1000
		switch {
		case !start.IsZero() && t < start.UnixMilli():
			return local - int64(before)*1000
		case end.IsZero() || t < end.UnixMilli():
			return t
		}
		before = offset
		if !end.After(at) {
			// ZoneBounds has been seen to give an end that is not after the instant asked (a year's last day, far in the
			// future, in zones with a rule for daylight saving): the next day is out of that.
			end = at.Add(24 * time.Hour)
		}
		at = end
	}
}

// AppendDate appends a day, given in days since 1970-01-01, as YYYY-MM-DD.
func AppendDate(dst []byte, days int64) []byte {
	y, m, d := civilDate(days)
	dst = append(dst, byte('0'+y/1000%10), byte('0'+y/100%10), byte('0'+y/10%10), byte('0'+y%10), '-')
	dst = append2(dst, m)
	dst = append(dst, '-')
	return append2(dst, d)
}

func append2(dst []byte, n int64) []byte { return append(dst, byte('0'+n/10), byte('0'+n%10)) }

// AppendDateTime appends an instant, given in milliseconds since 1970-01-01T00:00:00Z, as YYYY-MM-DDTHH:MM:SS.sssZ.
func AppendDateTime(dst []byte, millis int64) []byte {
	days := floorDiv(millis, millisPerDay)
	ms := millis - days*millisPerDay
	dst = append(AppendDate(dst, days), 'T')
	dst = append2(dst, ms/3_600_000)
	dst = append(dst, ':')
	dst = append2(dst, ms/60_000%60)
	dst = append(dst, ':')
	dst = append2(dst, ms/1000%60)
	ms %= 1000
	return append(dst, '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10), 'Z')
}

// ParseDate reads YYYY-MM-DD as days since 1970-01-01; ok is false for anything else and for days that do not exist.
func ParseDate(s string) (days int64, ok bool) {
	if len(s) != 10 || s[4] != '-' || s[7] != '-' {
		return 0, false
	}
	y, ok1 := parseDigits(s[:4])
	m, ok2 := parseDigits(s[5:7])
	d, ok3 := parseDigits(s[8:])
	if !ok1 || !ok2 || !ok3 || !validDate(y, m, d) {
		return 0, false
	}
	return civilDays(y, m, d), true
}

func parseDigits(s string) (int64, bool) {
	n := int64(0)
	for i := range len(s) {
		c := s[i] - '0'
		if c > 9 {
			return 0, false
		}
		n = n*10 + int64(c)
	}
	return n, true
}

// ParseDateTime reads an ISO 8601 date with a time, "2024-02-29T10:00", with optional seconds, fraction (cut to
// milliseconds) and offset ("Z", "+02:00"); a space may stand for the T. zoned tells whether there was an offset: when
// there was none, millis is the wall clock read as UTC. A date alone is not accepted.
func ParseDateTime(s string) (millis int64, zoned, ok bool) {
	if len(s) < 16 || s[10] != 'T' && s[10] != 't' && s[10] != ' ' {
		return 0, false, false
	}
	days, ok := ParseDate(s[:10])
	if !ok {
		return 0, false, false
	}
	h, ok1 := parseDigits(s[11:13])
	m, ok2 := parseDigits(s[14:16])
	if !ok1 || !ok2 || s[13] != ':' || h > 23 || m > 59 {
		return 0, false, false
	}
	millis = days*millisPerDay + h*3_600_000 + m*60_000
	rest := s[16:]
	if len(rest) >= 3 && rest[0] == ':' {
		sec, ok := parseDigits(rest[1:3])
		if !ok || sec > 59 {
			return 0, false, false
		}
		millis += sec * 1000
		rest = rest[3:]
		if rest != "" && rest[0] == '.' {
			n := 1
			for scale := int64(100); n < len(rest) && rest[n]-'0' <= 9; n++ {
				millis += int64(rest[n]-'0') * scale
				scale /= 10
			}
			if n == 1 {
				return 0, false, false
			}
			rest = rest[n:]
		}
	}
	switch {
	case rest == "":
		return millis, false, inYears(millis)
	case rest == "Z" || rest == "z":
		return millis, true, inYears(millis)
	case len(rest) != 6 || rest[0] != '+' && rest[0] != '-' || rest[3] != ':':
		return 0, false, false
	}
	oh, ok1 := parseDigits(rest[1:3])
	om, ok2 := parseDigits(rest[4:])
	if !ok1 || !ok2 || oh > 23 || om > 59 {
		return 0, false, false
	}
	offset := oh*3_600_000 + om*60_000
	if rest[0] == '-' {
		offset = -offset
	}
	millis -= offset
	return millis, true, inYears(millis)
}

func inYears(millis int64) bool { return millis >= minMillis && millis <= maxMillis }
