package sqlgen

// inMemory says why no SQL dialect is asked for a function that it does not know.
func inMemory(fn string) string {
	switch fn {
	case "power", "exp", "ln", "log", "log10":
		return "servers compute " + fn + "() with other last digits"
	case "regex_match", "regex_extract", "regex_replace":
		return "patterns mean other things to other servers"
	case "to_number", "to_float", "to_bool", "datetime_parse":
		return "servers read other texts as values"
	case "rept", "pad_left", "pad_right", "encode_url_component", "proper", "split", "split_part", "char", "code", "join":
		return "servers have no " + fn + "() that is the same"
	case "workday", "workday_diff", "datetime_format", "datetime", "date", "at_zone", "from_unix":
		return "the calendar of " + fn + "() is computed in memory"
	case "round", "roundup", "rounddown", "trunc", "ceiling", "floor", "mround", "quotient", "even", "odd", "product", "average", "sum":
		return fn + "() of these numbers is computed in memory"
	}
	return fn + "() is computed in memory"
}

// AggregatedInMemory says why a dialect that does not know an aggregate is not asked for it.
func AggregatedInMemory(fn string) string {
	switch fn {
	case "median", "stdev", "stdevp", "var", "varp":
		return "servers compute " + fn + "() with doubles"
	case "array_agg", "array_unique", "first", "last", "join":
		return "what depends on the order of the rows is aggregated in memory"
	case "xor":
		return "servers have no such aggregate"
	}
	return "values of this kind are aggregated in memory"
}

// UnseenOverflow is why computed floats are not asked for NULL under [Features].LazyNulls.
const UnseenOverflow = "the server does not compute what it only asks for NULL, and an overflow would stay unseen"
