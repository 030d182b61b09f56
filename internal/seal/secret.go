package seal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// Placeholder is what a [Secret] prints as, in every form.
const Placeholder = "[redacted]"

// Secret is a text that must not appear in logs, errors or responses: fmt, encoding/json, encoding/text and log/slog all
// see [Placeholder]. The text sits behind a pointer, because fmt prints unexported fields without asking their methods.
// The zero Secret is the empty text. Secrets are immutable and safe to share; compare them by [Secret.Reveal].
type Secret struct{ text *string }

// NewSecret hides text.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{&text}
}

// Reveal returns the text itself. It is the only way to it, so that uses can be found by name.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero reports whether the text is empty.
func (s Secret) IsZero() bool { return s.text == nil }

// String is [Placeholder].
func (s Secret) String() string { return Placeholder }

// GoString is [Placeholder].
func (s Secret) GoString() string { return Placeholder }

// Format writes [Placeholder] for every verb and flag.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Placeholder) }

// MarshalText is [Placeholder].
func (s Secret) MarshalText() ([]byte, error) { return []byte(Placeholder), nil }

// MarshalJSON is [Placeholder] as a JSON string.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + Placeholder + `"`), nil }

// LogValue is [Placeholder].
func (s Secret) LogValue() slog.Value { return slog.StringValue(Placeholder) }

// errPlaceholder refuses a value that a client read from us and sends back as if it were the secret.
var errPlaceholder = errors.New("the placeholder of a secret is not a secret")

// UnmarshalText takes the text; it refuses [Placeholder].
func (s *Secret) UnmarshalText(text []byte) error {
	if string(text) == Placeholder {
		return errPlaceholder
	}
	*s = NewSecret(string(text))
	return nil
}

// UnmarshalJSON takes a JSON string; it refuses anything else and [Placeholder].
func (s *Secret) UnmarshalJSON(data []byte) error {
	var text *string
	if err := json.Unmarshal(data, &text); err != nil {
		// The decoder's own error may quote the input.
		return errors.New("a secret must be a JSON string")
	}
	if text == nil {
		return errors.New("a secret must be a JSON string, not null")
	}
	return s.UnmarshalText([]byte(*text))
}
