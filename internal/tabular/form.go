package tabular

import "regexp"

// Form is a way in which texts are written.
type Form string

// The forms. They are narrower than what a column of such texts accepts: whatever has the form is kept letter for letter.
const (
	Email Form = "email" // a mail address, its domain in small letters
	URL   Form = "url"   // an http or https address with a host in small letters
	UUID  Form = "uuid"  // in small letters
	Phone Form = "phone" // an international number: a plus sign and 7 to 15 digits with blanks between
)

var formPatterns = [...]struct {
	form    Form
	pattern *regexp.Regexp
	most    int // bytes
}{
	{Email, regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9_+-]|\.[A-Za-z0-9_+-])*@[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*\.[a-z]{2,}$`), 200},
	{URL, regexp.MustCompile(`^https?://[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*\.[a-z]{2,}(?:/[A-Za-z0-9/._~-]*)?$`), 1000},
	{UUID, regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`), 36},
	{Phone, regexp.MustCompile(`^\+[0-9](?: ?[0-9]){6,14}$`), 30},
}

// forms are those that every text so far has, as bits in the order of formPatterns.
type forms uint8

const allForms = forms(1<<len(formPatterns) - 1)

func (f *forms) narrow(text string) {
	for i := range formPatterns {
		if p := &formPatterns[i]; *f&(1<<i) != 0 && (len(text) > p.most || !p.pattern.MatchString(text)) {
			*f &^= 1 << i
		}
	}
}

// only is the one form that is left, empty for none. No text has two.
func (f forms) only() Form {
	for i := range formPatterns {
		if f == 1<<i {
			return formPatterns[i].form
		}
	}
	return ""
}
