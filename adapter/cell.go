package adapter

import "github.com/livetables/livetables/lqp"

// TextCell reads a cell of a source that has texts only, such as a file, as a value of kind t.Kind: texts as they are, the
// other kinds as they stand in canonical JSON without quotes (true, -12.50, 2024-02-29, 2024-02-29T10:00:00Z). A text that
// is no value of the kind is NULL, as a value of a wrong kind is at every source. Facets of t are not looked at; lists,
// documents and bytes are always NULL.
func TextCell(t lqp.Type, text string) lqp.Value {
	var doc []byte
	switch {
	case t.Kind == lqp.Text:
		return lqp.TextValue(text)
	case t.Kind == lqp.Bool:
		doc = append(doc, text...)
	case t.Kind.Orderable():
		doc = lqp.AppendJSONString(nil, text)
	default:
		return lqp.NullValue
	}
	v, err := lqp.ParseValue(lqp.Type{Kind: t.Kind}, doc)
	if err != nil {
		return lqp.NullValue
	}
	return v
}
