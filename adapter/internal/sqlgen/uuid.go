package sqlgen

// IsUUID reports whether s is a UUID in canonical form; only such a text can equal one.
func IsUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case c-'0' > 9 && c-'a' > 5:
			return false
		}
	}
	return true
}
