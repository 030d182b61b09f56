package sqlite

import "github.com/livetables/livetables/lqp"

// Calendar texts. SQLite has no date types: a store keeps the canonical texts, files of others any ISO 8601 form. A text
// that is not exactly such a form, or names a day that does not exist, is no date.

const millisPerDay = 86_400_000

// parseDate reads 'YYYY-MM-DD' as the days since 1970-01-01.
func parseDate(b []byte) (days int64, ok bool) { return lqp.ParseDate(borrowed(b)) }

// parseDateTime reads a date and time, in UTC unless the text has an offset, or a date alone, which is its midnight, as
// milliseconds since 1970-01-01Z.
func parseDateTime(b []byte) (millis int64, ok bool) {
	if days, ok := parseDate(b); ok {
		return days * millisPerDay, true
	}
	millis, _, ok = lqp.ParseDateTime(borrowed(b))
	return millis, ok
}

// appendInstant appends the canonical text of a date or datetime.
func appendInstant(dst []byte, v lqp.Value) []byte {
	if v.Kind() == lqp.Date {
		return lqp.AppendDate(dst, v.Days())
	}
	return lqp.AppendDateTime(dst, v.Millis())
}
