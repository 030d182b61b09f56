package tabular

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestForms(t *testing.T) {
	for form, columns := range map[Form][][]string{
		Email: {{"ana@example.com", "b.c+d@mail.example.co.uk", ""}},
		URL:   {{"https://example.com", "http://example.com/a/b.html"}},
		UUID:  {{"0190b0c4-5a5e-7cc3-98c4-dc0c0c07398f"}},
		Phone: {{"+44 113 496 0000", "+493012345678"}},
		"": {{"ana@example.com", "none"}, {"Ana@Example.com"}, {"ana@@example.com"}, {"a..b@example.com"}, {"https://user@example.com/"}, {"ftp://example.com"},
			{"HTTPS://example.com"}, {"0190B0C4-5A5E-7CC3-98C4-DC0C0C07398F"}, {"+1"}, {"0113 496 0000"}, {"", ""}, {"ana@example.com", "https://example.com"},
			{"12"}, {"2026-01-02"}},
	} {
		for _, cells := range columns {
			r, err := Open(strings.NewReader("c,d\n"+strings.Join(cells, ",1\n")+",1\n"), Options{})
			require.NoError(t, err)
			cols, err := Infer(t.Context(), r)
			require.NoError(t, err)
			assert.Equal(t, form, cols[0].Form, "%q", cells)
		}
	}
}
