package mongodb

import (
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/livetables/livetables/lqp"
)

// sortKey is a sort key that the pipeline has computed: a canonical value or null.
type sortKey struct {
	name  string // of the computed field
	form  form
	order *lqp.Order
}

func (k *sortKey) nullsFirst() bool {
	return k.order.Nulls == lqp.NullsFirst || k.order.Nulls == lqp.NullsDefault && !k.order.Desc
}

// natural reports that null stands where the server puts it, before everything else.
func (k *sortKey) natural() bool { return k.nullsFirst() != k.order.Desc }

func (k *sortKey) direction() int {
	if k.order.Desc {
		return -1
	}
	return 1
}

// sortStages sort by computed keys. Keys whose nulls stand elsewhere than the server would put them are preceded by one
// that says whether there is a null.
func sortStages(keys []sortKey) bson.A {
	var nulls, by bson.D
	for i := range keys {
		k := &keys[i]
		if !k.natural() {
			isNull, first := k.name+"n", 1
			if k.nullsFirst() {
				first = -1
			}
			nulls = append(nulls, bson.E{Key: isNull, Value: cond(op1("$eq", "$"+k.name, nil), 1, 0)})
			by = append(by, bson.E{Key: isNull, Value: first})
		}
		by = append(by, bson.E{Key: k.name, Value: k.direction()})
	}
	var stages bson.A
	if len(nulls) > 0 {
		stages = append(stages, bson.D{{Key: "$set", Value: nulls}})
	}
	return append(stages, bson.D{{Key: "$sort", Value: by}})
}

// after matches what sorts after the row with these key values: k1 after v1, or equal to it and k2 after v2, and so on.
func (c *compiler) after(keys []sortKey, values []lqp.Value) (bson.D, string) {
	if len(values) != len(keys) {
		return nil, "the position to continue from does not fit the sort keys"
	}
	var arms bson.A
	var equal bson.D
	for i := range keys {
		k, v := &keys[i], values[i]
		var stored any
		if !v.IsNull() {
			var ok bool
			if v.Kind() == lqp.Text {
				v = lqp.TextValue(orderPrefix(v.Text()))
			}
			if stored, ok = k.form.stored(v); !ok {
				return nil, "the position to continue from does not fit the sort keys"
			}
			stored = c.bind(stored)
		}
		for _, beyond := range k.beyond(stored) {
			arms = append(arms, append(equal[:len(equal):len(equal)], beyond))
		}
		equal = append(equal[:len(equal):len(equal)], bson.E{Key: k.name, Value: bson.D{{Key: "$eq", Value: stored}}})
	}
	switch len(arms) {
	case 0:
		return never, ""
	case 1:
		return arms[0].(bson.D), ""
	}
	return bson.D{{Key: "$or", Value: arms}}, ""
}

// beyond lists the alternatives for a key that sorts after a stored value, nil for NULL.
func (k *sortKey) beyond(stored any) []bson.E {
	switch {
	case stored == nil && k.nullsFirst():
		return []bson.E{{Key: k.name, Value: bson.D{{Key: "$ne", Value: nil}}}}
	case stored == nil:
		return nil
	}
	op := "$gt"
	if k.order.Desc {
		op = "$lt"
	}
	alternatives := []bson.E{{Key: k.name, Value: bson.D{{Key: op, Value: stored}}}}
	if !k.nullsFirst() {
		alternatives = append(alternatives, bson.E{Key: k.name, Value: bson.D{{Key: "$eq", Value: nil}}})
	}
	return alternatives
}

// orderPrefix is what the place of a text among sorted texts depends on.
func orderPrefix(s string) string {
	if len(s) <= lqp.OrderPrefix {
		return s
	}
	end := 0
	for range lqp.OrderPrefix {
		if end >= len(s) {
			break
		}
		_, size := utf8.DecodeRuneInString(s[end:])
		end += size
	}
	return s[:end]
}
