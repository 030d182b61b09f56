package httpapi

import (
	"encoding/csv"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/livetables/livetables/lqp"
)

// maxQuery bounds the query string, in bytes.
const maxQuery = 16 << 10

// param is one parameter of a query string.
type param struct{ name, value string }

// params are the parameters of a query string: those that the route knows, and the short filters of routes that take them.
type params struct {
	known   []param
	filters []param // in the order of the query string
}

// parseParams reads a query string strictly: unknown and repeated parameters are errors.
func parseParams(query string, known []string, filters bool) (params, error) {
	var p params
	var faults []FieldError
	fail := func(name, code, message string) {
		faults = append(faults, FieldError{Path: "?" + name, Code: code, Message: message})
	}
	if len(query) > maxQuery {
		return p, invalidProblem(fmt.Sprintf("the query string has %d bytes; at most %d are allowed", len(query), maxQuery))
	}
	for part := range strings.SplitSeq(query, "&") {
		if part == "" {
			continue
		}
		rawName, rawValue, _ := strings.Cut(part, "=")
		name, err := url.QueryUnescape(rawName)
		value, err2 := url.QueryUnescape(rawValue)
		if err != nil || err2 != nil || !utf8.ValidString(name) || !utf8.ValidString(value) || strings.Contains(name+value, "\x00") {
			fail(clipped(rawName), lqp.CodeSyntax, "the parameter is not UTF-8 text in percent encoding")
			continue
		}
		switch {
		case slices.Contains(known, name):
			if _, ok := p.find(name); ok {
				fail(name, lqp.CodeDuplicateKey, "the parameter is given twice")
				continue
			}
			p.known = append(p.known, param{name, value})
		case filters && strings.Contains(name, "."):
			p.filters = append(p.filters, param{name, value})
		default:
			fail(clipped(name), lqp.CodeUnknownKey, unknownParam(name, known, filters))
		}
	}
	if len(faults) > 0 {
		return p, invalidProblem("the query string cannot be used", faults...)
	}
	return p, nil
}

func unknownParam(name string, known []string, filters bool) string {
	msg := fmt.Sprintf("unknown parameter %q", clipped(name))
	if len(known) > 0 {
		msg += "; known are " + strings.Join(known, ", ")
	}
	if filters {
		msg += fmt.Sprintf(" and filters such as %q", "Column.gte")
	}
	return msg
}

func clipped(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if utf8.RuneCountInString(s) > 60 {
		s = string([]rune(s)[:60]) + "…"
	}
	return s
}

func (p *params) find(name string) (string, bool) {
	for i := range p.known {
		if p.known[i].name == name {
			return p.known[i].value, true
		}
	}
	return "", false
}

// text is a parameter's value, empty when it is absent.
func (p *params) text(name string) string {
	v, _ := p.find(name)
	return v
}

// required is a parameter that must be there.
func (p *params) required(name string) (string, error) {
	v, _ := p.find(name)
	if v == "" {
		return "", badParam(name, lqp.CodeMissing, "the parameter is needed")
	}
	return v, nil
}

func badParam(name, code, message string) error {
	return invalidProblem("the query string cannot be used", FieldError{Path: "?" + name, Code: code, Message: message})
}

// integer is a whole number between two bounds.
func (p *params) integer(name string, def, low, high int) (int, error) {
	v, ok := p.find(name)
	if !ok {
		return def, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < low || n > high {
		return 0, badParam(name, lqp.CodeLimit, fmt.Sprintf("a whole number from %d to %d was expected", low, high))
	}
	return n, nil
}

// boolean is true or false.
func (p *params) boolean(name string) (bool, error) {
	switch v, ok := p.find(name); {
	case !ok, v == "false":
		return false, nil
	case v == "true":
		return true, nil
	}
	return false, badParam(name, lqp.CodeArgument, "true or false was expected")
}

// time is an instant (RFC 3339), zero when the parameter is absent.
func (p *params) time(name string) (time.Time, error) {
	v, ok := p.find(name)
	if !ok {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, v)
	if err != nil {
		return t, badParam(name, lqp.CodeArgument, "a time such as 2026-03-01T12:00:00Z was expected")
	}
	return t, nil
}

// list is a list of texts separated by commas; one that has a comma itself stands in double quotes.
func (p *params) list(name string) ([]string, error) {
	v, ok := p.find(name)
	if !ok {
		return nil, nil
	}
	return splitList(name, v)
}

func splitList(name, value string) ([]string, error) {
	if !strings.Contains(value, `"`) {
		return strings.Split(value, ","), nil
	}
	r := csv.NewReader(strings.NewReader(value))
	items, err := r.Read()
	if err != nil || strings.Contains(value, "\n") {
		return nil, badParam(name, lqp.CodeSyntax, `a list such as a,b,"with, comma" was expected`)
	}
	return items, nil
}
