package minidb

import (
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/livetables/livetables/lqp"
)

// Attributes are facts about a member that row rules ask for as USER("name"). Values are texts, numbers, booleans, dates,
// datetimes and lists of one of these. Their JSON is an object of {"type", "value"} by name, the type being that of
// [lqp.Type.String]: "text", "list<number>". nil is no attribute.
type Attributes map[string]lqp.Value

// The bounds of attributes.
const (
	MaxAttributes     = 50    // of one member
	MaxAttributeItems = 200   // of one list
	MaxAttributeText  = 2_000 // code points of one text
	maxAttributeName  = 100
)

var attributeKinds = []lqp.Kind{lqp.Text, lqp.Number, lqp.Bool, lqp.Date, lqp.DateTime}

type attributeDocument struct {
	Type  string          `json:"type"`
	Value json.RawMessage `json:"value"`
}

// ParseAttribute reads one attribute: the name of its type and its JSON value, which is not null.
func ParseAttribute(typ string, value []byte) (lqp.Value, error) {
	for _, k := range attributeKinds {
		for _, t := range []lqp.Type{{Kind: k}, {Kind: lqp.List, Elem: k}} {
			if t.String() != typ {
				continue
			}
			v, err := lqp.ParseValue(t, value)
			if err == nil && (v.IsNull() || slices.ContainsFunc(items(v), lqp.Value.IsNull)) {
				err = fmt.Errorf("a value of the type %s is required", typ)
			}
			return v, err
		}
	}
	return lqp.Value{}, fmt.Errorf("%q is not one of text, number, bool, date, datetime, or list<…> of one of them", cleanText(typ, maxAttributeName))
}

// items are the elements of a list, nil for any other value.
func items(v lqp.Value) []lqp.Value {
	if v.Kind() != lqp.List {
		return nil
	}
	return v.Items()
}

// AttributeType is the name of an attribute's type. An empty list is one of texts.
func AttributeType(v lqp.Value) string {
	if v.Kind() != lqp.List {
		return v.Kind().String()
	}
	t := lqp.Type{Kind: lqp.List, Elem: lqp.Text}
	if list := v.Items(); len(list) > 0 {
		t.Elem = list[0].Kind()
	}
	return t.String()
}

// MarshalJSON implements json.Marshaler.
func (a Attributes) MarshalJSON() ([]byte, error) {
	doc := make(map[string]attributeDocument, len(a))
	for name, v := range a {
		doc[name] = attributeDocument{AttributeType(v), v.AppendJSON(nil)}
	}
	return json.Marshal(doc)
}

// UnmarshalJSON implements json.Unmarshaler.
func (a *Attributes) UnmarshalJSON(raw []byte) error {
	var doc map[string]attributeDocument
	if err := json.Unmarshal(raw, &doc); err != nil {
		return err
	}
	*a = make(Attributes, len(doc))
	for name, d := range doc {
		v, err := ParseAttribute(d.Type, d.Value)
		if err != nil {
			return fmt.Errorf("attribute %q: %w", name, err)
		}
		(*a)[name] = v
	}
	return nil
}

// check says what is wrong with attributes that are to be stored.
func (a Attributes) check() error {
	if len(a) > MaxAttributes {
		return &LimitError{Name: "attributes", Max: MaxAttributes}
	}
	for name, v := range a {
		if name == "" || !utf8.ValidString(name) || cleanText(name, maxAttributeName) != name {
			return invalid("attributes", CodeName, "the name of an attribute has 1 to %d characters", maxAttributeName)
		}
		list := []lqp.Value{v}
		if v.Kind() == lqp.List {
			if list = v.Items(); len(list) > MaxAttributeItems {
				return invalid("attributes."+name, CodeTooLong, "a list has at most %d values", MaxAttributeItems)
			}
		}
		for _, one := range list {
			switch {
			case !slices.Contains(attributeKinds, one.Kind()) || one.Kind() != list[0].Kind():
				return invalid("attributes."+name, CodeType, "not a text, number, boolean, date or datetime, or a list of one of them")
			case one.Kind() == lqp.Text && utf8.RuneCountInString(one.Text()) > MaxAttributeText:
				return invalid("attributes."+name, CodeTooLong, "a text has at most %d characters", MaxAttributeText)
			}
		}
	}
	return nil
}
