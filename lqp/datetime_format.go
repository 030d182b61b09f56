package lqp

import (
	"fmt"
	"strings"
	"time"
)

// dateToken is what one part of a format of dates stands for.
type dateToken uint8

const (
	tokenText         dateToken = iota
	tokenYear                   // YYYY
	tokenYear2                  // YY
	tokenMonthName              // MMMM
	tokenMonthShort             // MMM
	tokenMonth2                 // MM
	tokenMonth                  // M
	tokenDay2                   // DD
	tokenDay                    // D
	tokenWeekday                // dddd
	tokenWeekdayShort           // ddd
	tokenHour2                  // HH
	tokenHour                   // H
	tokenHalfHour2              // hh
	tokenHalfHour               // h
	tokenMinute                 // mm
	tokenSecond                 // ss
	tokenMillis                 // SSS
	tokenHalf                   // A
)

// dateTokens are the spellings of the tokens, longer ones before those that begin them.
var dateTokens = []struct {
	text  string
	token dateToken
}{
	{"YYYY", tokenYear}, {"YY", tokenYear2},
	{"MMMM", tokenMonthName}, {"MMM", tokenMonthShort}, {"MM", tokenMonth2}, {"M", tokenMonth},
	{"DD", tokenDay2}, {"D", tokenDay}, {"dddd", tokenWeekday}, {"ddd", tokenWeekdayShort},
	{"HH", tokenHour2}, {"H", tokenHour}, {"hh", tokenHalfHour2}, {"h", tokenHalfHour},
	{"mm", tokenMinute}, {"ss", tokenSecond}, {"SSS", tokenMillis}, {"A", tokenHalf},
}

// maxFormat is the longest format of dates in bytes.
const maxFormat = 1000

type formatPart struct {
	token dateToken
	text  string // of tokenText
}

type dateFormat []formatPart

// has reports whether the format shows a year, for tokenYear, or the token.
func (f dateFormat) has(t dateToken) bool {
	for _, p := range f {
		if p.token == t || t == tokenYear && p.token == tokenYear2 {
			return true
		}
	}
	return false
}

// parseFormat reads a format of dates; reason says what is wrong with it. Text in [brackets] stands for itself, and so
// does the T between date and time and whatever is no ASCII letter.
func parseFormat(s string) (f dateFormat, reason string) {
	if len(s) > maxFormat {
		return nil, fmt.Sprintf("at most %d bytes", maxFormat)
	}
	var text strings.Builder
	flush := func() {
		if text.Len() > 0 {
			f = append(f, formatPart{text: text.String()})
			text.Reset()
		}
	}
next:
	for s != "" {
		for _, t := range dateTokens {
			if strings.HasPrefix(s, t.text) {
				flush()
				f = append(f, formatPart{token: t.token})
				s = s[len(t.text):]
				continue next
			}
		}
		c := s[0]
		switch {
		case c == '[':
			end := strings.IndexByte(s, ']')
			if end < 0 {
				return nil, "a [ is not closed"
			}
			text.WriteString(s[1:end])
			s = s[end+1:]
		case c != 'T' && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'):
			return nil, fmt.Sprintf("%c means nothing; text stands in [brackets]", c)
		default:
			text.WriteByte(c)
			s = s[1:]
		}
	}
	flush()
	return f, ""
}

// appendTo appends the day and the time of day, in milliseconds, that a wall clock shows.
func (f dateFormat) appendTo(dst []byte, days, ms int64) []byte {
	y, m, d := civilDate(days)
	hour := ms / 3_600_000
	half := (hour+11)%12 + 1
	for _, p := range f {
		switch p.token {
		case tokenText:
			dst = append(dst, p.text...)
		case tokenYear:
			dst = append2(append2(dst, y/100), y%100)
		case tokenYear2:
			dst = append2(dst, y%100)
		case tokenMonthName:
			dst = append(dst, time.Month(m).String()...)
		case tokenMonthShort:
			dst = append(dst, time.Month(m).String()[:3]...)
		case tokenMonth2:
			dst = append2(dst, m)
		case tokenMonth:
			dst = appendShort(dst, m)
		case tokenDay2:
			dst = append2(dst, d)
		case tokenDay:
			dst = appendShort(dst, d)
		case tokenWeekday:
			dst = append(dst, time.Weekday(weekday(days)).String()...)
		case tokenWeekdayShort:
			dst = append(dst, time.Weekday(weekday(days)).String()[:3]...)
		case tokenHour2:
			dst = append2(dst, hour)
		case tokenHour:
			dst = appendShort(dst, hour)
		case tokenHalfHour2:
			dst = append2(dst, half)
		case tokenHalfHour:
			dst = appendShort(dst, half)
		case tokenMinute:
			dst = append2(dst, ms/60_000%60)
		case tokenSecond:
			dst = append2(dst, ms/1000%60)
		case tokenMillis:
			dst = append2(append(dst, byte('0'+ms%1000/100)), ms%100)
		case tokenHalf:
			dst = append(dst, "AP"[hour/12], 'M')
		}
	}
	return dst
}

func appendShort(dst []byte, n int64) []byte {
	if n < 10 {
		return append(dst, byte('0'+n))
	}
	return append2(dst, n)
}
