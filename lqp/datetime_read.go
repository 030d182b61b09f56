package lqp

import (
	"strings"
	"time"
)

// dateRead collects what the tokens of a format found in a text; -1 for what was not there.
type dateRead struct {
	year, month, day, weekday        int64
	hour, half, minute, second, mill int64
	afternoon                        int64 // 0 or 1
}

// read reads a text that is written as the format says, to its end. The answer is the time of a wall clock in
// milliseconds since 1970-01-01T00:00; ok is false for any other text and for times that do not exist. What the format
// leaves out is the first one: January, the first day, midnight.
func (f dateFormat) read(s string) (local int64, ok bool) {
	r := dateRead{-1, -1, -1, -1, -1, -1, -1, -1, -1, -1}
	for _, p := range f {
		if p.token == tokenText {
			if s, ok = strings.CutPrefix(s, p.text); !ok {
				return 0, false
			}
			continue
		}
		n := r.token(p.token, s)
		if n == 0 {
			return 0, false
		}
		s = s[n:]
	}
	if s != "" {
		return 0, false
	}
	return r.local()
}

// token reads one token at the begin of s and answers with its length, 0 when it is not there or says something else
// than an earlier one.
func (r *dateRead) token(t dateToken, s string) int {
	switch t {
	case tokenYear:
		return digitsInto(&r.year, s, 4, 4, 0)
	case tokenYear2:
		var y int64 = -1
		n := digitsInto(&y, s, 2, 2, 0)
		if n == 0 {
			return 0
		}
		if y += 1900; y < 1970 {
			y += 100
		}
		return agree(&r.year, y, n)
	case tokenMonthName, tokenMonthShort:
		for m := time.January; m <= time.December; m++ {
			if n := nameAt(s, m.String(), t == tokenMonthShort); n > 0 {
				return agree(&r.month, int64(m), n)
			}
		}
	case tokenWeekday, tokenWeekdayShort:
		for d := time.Sunday; d <= time.Saturday; d++ {
			if n := nameAt(s, d.String(), t == tokenWeekdayShort); n > 0 {
				return agree(&r.weekday, int64(d), n)
			}
		}
	case tokenMonth2:
		return digitsInto(&r.month, s, 2, 2, 1)
	case tokenMonth:
		return digitsInto(&r.month, s, 1, 2, 1)
	case tokenDay2:
		return digitsInto(&r.day, s, 2, 2, 1)
	case tokenDay:
		return digitsInto(&r.day, s, 1, 2, 1)
	case tokenHour2:
		return digitsInto(&r.hour, s, 2, 2, 0)
	case tokenHour:
		return digitsInto(&r.hour, s, 1, 2, 0)
	case tokenHalfHour2:
		return digitsInto(&r.half, s, 2, 2, 1)
	case tokenHalfHour:
		return digitsInto(&r.half, s, 1, 2, 1)
	case tokenMinute:
		return digitsInto(&r.minute, s, 2, 2, 0)
	case tokenSecond:
		return digitsInto(&r.second, s, 2, 2, 0)
	case tokenMillis:
		return digitsInto(&r.mill, s, 3, 3, 0)
	case tokenHalf:
		for i, name := range []string{"AM", "PM"} {
			if n := nameAt(s, name, false); n > 0 {
				return agree(&r.afternoon, int64(i), n)
			}
		}
	}
	return 0
}

// digitsInto reads least to most digits of a number that is not below low.
func digitsInto(field *int64, s string, least, most int, low int64) int {
	n := 0
	for n < most && n < len(s) && s[n]-'0' <= 9 {
		n++
	}
	if n < least {
		return 0
	}
	v, _ := parseDigits(s[:n])
	if v < low {
		return 0
	}
	return agree(field, v, n)
}

// agree keeps what a token says; twice it must be the same.
func agree(field *int64, v int64, n int) int {
	if *field >= 0 && *field != v {
		return 0
	}
	*field = v
	return n
}

// nameAt is the length of an English name, or of its first three letters, at the begin of s in any case; 0 when it is
// not there.
func nameAt(s, name string, short bool) int {
	if short {
		name = name[:3]
	}
	if len(s) < len(name) || !strings.EqualFold(s[:len(name)], name) {
		return 0
	}
	return len(name)
}

func (r *dateRead) local() (int64, bool) {
	r.month, r.day = max(r.month, 1), max(r.day, 1)
	if !validDate(r.year, r.month, r.day) || r.minute > 59 || r.second > 59 || r.hour > 23 || r.half > 12 {
		return 0, false
	}
	days := civilDays(r.year, r.month, r.day)
	if r.weekday >= 0 && r.weekday != weekday(days) {
		return 0, false
	}
	if r.half >= 0 {
		hour := r.half % 12
		if r.afternoon > 0 {
			hour += 12
		}
		if agree(&r.hour, hour, 1) == 0 {
			return 0, false
		}
	} else if r.afternoon >= 0 && r.hour >= 0 && r.hour/12 != r.afternoon {
		return 0, false
	}
	clock := max(r.hour, 0)*3_600_000 + max(r.minute, 0)*60_000 + max(r.second, 0)*1000 + max(r.mill, 0)
	return days*millisPerDay + clock, true
}
