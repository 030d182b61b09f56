package formula

import (
	"strconv"
	"strings"

	"github.com/livetables/livetables/lqp"
)

// exactDecimal reads a number as expr writes it, with a fraction and an exponent or without; not ok where a number of
// ours cannot hold it exactly.
func exactDecimal(text string) (d lqp.Decimal, ok bool) {
	mantissa, _, scientific := strings.Cut(strings.ToLower(text), "e")
	whole, fraction, pointed := strings.Cut(mantissa, ".")
	if pointed {
		if fraction = strings.TrimRight(fraction, "0"); fraction == "" {
			mantissa = whole
		} else {
			mantissa = whole + "." + fraction
		}
	}
	if strings.HasPrefix(mantissa, ".") || mantissa == "" {
		mantissa = "0" + mantissa
	}
	if !scientific {
		d, err := lqp.ParseDecimal(mantissa)
		return d, err == nil && len(fraction) <= lqp.DecimalDigits
	}
	// Reading may round at the tenth digit. What it rounded away shows in the double that the text means.
	d, err := lqp.ParseDecimal(mantissa + text[strings.IndexAny(text, "eE"):])
	f, failed := strconv.ParseFloat(text, 64)
	return d, err == nil && failed == nil && d.Float() == f && (f != 0 || strings.Trim(mantissa, "0.") == "")
}
