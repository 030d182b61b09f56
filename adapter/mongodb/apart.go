package mongodb

import (
	"math"
	"strings"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/livetables/livetables/lqp"
)

const (
	// maxApart is how many rows a page may have to be read in pieces.
	maxApart = 10_000
	// apartFrom is how many documents a collection must have for that to be worth more than one command.
	apartFrom = 2000
	// maxRun and maxRunBytes bound what is held at once of the rows that agree in the first sort key.
	maxRun      = 1000
	maxRunBytes = 4 << 20
	// slack is how many rows more are read of a page that continues, as some may lie before its position.
	slack = 16
)

// stepKind says what a step of a page reads.
type stepKind uint8

const (
	// stepNulls reads the documents whose first sort key is NULL, by the other keys.
	stepNulls stepKind = iota
	// stepTie reads those whose first sort key is a value, by the other keys.
	stepTie
	// stepValues reads those whose first sort key is not NULL, in the order of the bare field, which an index has.
	stepValues
)

// step is one command of a page that is read in pieces.
type step struct {
	kind stepKind
	// key is the value of a tie, or where values start: NULL at the beginning. Rows of a key's own are among the values
	// where inclusive says so.
	key       lqp.Value
	inclusive bool
	after     []lqp.Value // where the other keys continue, nil at their beginning
	noArrays  bool        // the field of the first key is known to hold none
}

// paged is a page whose first sort key is a column. Rows in which it is NULL, or has another type and counts as NULL, are
// read apart from those that have a value, so that these can come in the order of an index: of the bare field.
type paged struct {
	q     *lqp.Query
	first field
	steps []step
}

// readApart says how a page is read in pieces; not ok when it is not.
func readApart(q *lqp.Query, from int64, facts *facts) (p paged, ok bool) {
	t := q.From.Schema
	if q.Grouped() || len(q.OrderBy) == 0 || q.Page.Limit <= 0 || q.Page.Limit > maxApart || q.Page.Offset > maxApart ||
		t == nil || t.Kind != lqp.Collection || t.Rows < from {
		return p, false
	}
	b, reason := newBuilder(q, mode{facts: facts})
	if reason != "" || b.byID() {
		return p, false
	}
	f, reason := b.field(q.OrderBy[0].Expr)
	if reason != "" || !f.form.scalar() {
		return p, false
	}
	p.q, p.first = q, f
	key := sortKey{order: &q.OrderBy[0]}
	nulls, values := step{kind: stepNulls}, step{kind: stepValues, inclusive: true}
	after := q.Page.After
	switch {
	case len(after) == 0:
		if p.steps = []step{values, nulls}; key.nullsFirst() {
			p.steps = []step{nulls, values}
		}
	case len(after) != len(q.OrderBy):
		return p, false
	case after[0].IsNull():
		nulls.after = after[1:]
		if len(after) > 1 {
			p.steps = []step{nulls}
		}
		if key.nullsFirst() {
			p.steps = append(p.steps, values)
		}
	default:
		values.key = after[0]
		if p.steps = []step{values}; !key.nullsFirst() {
			p.steps = append(p.steps, nulls)
		}
	}
	return p, true
}

// statement makes the command of a step that reads so many rows. That of values brings the sort keys after the selected
// columns.
func (p *paged) statement(s *step, limit int, m mode) (statement, string) {
	q := *p.q
	q.Page = lqp.Page{Limit: limit, After: s.after}
	if s.kind == stepValues {
		q.Select = append([]lqp.Named(nil), q.Select...)
		for i := range q.OrderBy {
			q.Select = append(q.Select, lqp.Named{Expr: q.OrderBy[i].Expr})
		}
		q.Page.After = nil
	} else {
		q.OrderBy = q.OrderBy[1:]
	}
	b, reason := newBuilder(&q, m)
	if reason != "" {
		return statement{}, reason
	}
	desc := p.q.OrderBy[0].Desc
	switch s.kind {
	case stepNulls:
		if s.noArrays {
			b.narrow(p.first.missingByType())
		} else {
			b.narrow(p.first.missing())
		}
	case stepTie:
		b.narrow(p.first.tie(s.key, b.bind))
	default:
		b.narrow(p.first.present())
		if !s.key.IsNull() {
			b.narrow(p.first.onwards(s.key, desc, s.inclusive, b.bind))
		}
		direction := 1
		if desc {
			direction = -1
		}
		reason = b.plain(bson.D{{Key: p.first.name, Value: direction}})
		return b.st, reason
	}
	if len(q.OrderBy) == 0 {
		reason = b.plain(nil)
		return b.st, reason
	}
	// By computed keys: a server that could walk the whole index of _id for the few documents that are wanted may do so.
	reason = b.sorted()
	return b.st, reason
}

// missing matches the documents whose field is NULL.
func (f *field) missing() bson.D { return negation(f.present()) }

// telling reports whether NULL shows in an index of the field: by the type, or by being beyond the ends. A text with
// U+0000 or a double among integers stands in the index between the others. A path may lead through an array, of which no
// index of the field tells.
func (f *field) telling() bool {
	switch f.form {
	case objectIDForm, uuidForm, boolForm, dateForm:
		return len(f.path) == 1
	}
	return false
}

// missingByType is missing for a telling field that is known to hold no arrays, in a form that an index serves.
func (f *field) missingByType() bson.D {
	one := func(op string, v any) bson.D {
		return bson.D{{Key: f.name, Value: bson.D{{Key: op, Value: v}}}}
	}
	own := bsonTypes[f.form][0]
	others := make([]string, 0, len(everyType))
	for _, t := range everyType {
		if t != own && t != "array" { // arrays are found by their elements, which are of any type: by reading everything
			others = append(others, t)
		}
	}
	arms := bson.A{one("$eq", nil), one("$type", others)}
	if iv := f.form.valid(); iv.lowOp != "" {
		arms = append(arms, one("$lt", iv.low), one("$gt", iv.high))
	}
	return bson.D{{Key: "$or", Value: arms}}
}

// everyType are the aliases of all types.
var everyType = []string{
	"double", "string", "object", "array", "binData", "undefined", "objectId", "bool", "date", "null", "regex", "dbPointer",
	"javascript", "symbol", "javascriptWithScope", "int", "timestamp", "long", "decimal", "minKey", "maxKey",
}

// tie matches the documents whose field sorts as v does, which is not NULL.
func (f *field) tie(v lqp.Value, bind func(any) any) bson.D {
	if s, long := longText(f, v); long {
		d := bson.D{{Key: "$gte", Value: bind(s)}}
		if next, ok := afterPrefix(s); ok {
			d = append(d, bson.E{Key: "$lt", Value: bind(next)})
		}
		return f.clause(append(d, bson.E{Key: "$regex", Value: anyText}))
	}
	iv, none, reason := f.form.compared(opEq, v)
	switch {
	case none:
		return never
	case reason == "":
		return f.clause(iv.ops(bind))
	}
	near := f.clause(bson.D{
		{Key: "$gte", Value: bind(math.Nextafter(v.Float(), math.Inf(-1)))}, {Key: "$lte", Value: bind(math.Nextafter(v.Float(), math.Inf(1)))},
	})
	return append(near, bson.E{Key: "$expr", Value: op1("$eq", f.canonical(), bind(v.Float()))})
}

// onwards matches the documents whose field is beyond v in the direction of the sort, and if inclusive those that sort as
// v does.
func (f *field) onwards(v lqp.Value, desc, inclusive bool, bind func(any) any) bson.D {
	if s, long := longText(f, v); long {
		op := map[bool]string{false: "$gte", true: "$lt"}[desc]
		if desc == inclusive { // on the far side of all texts that begin so
			next, ok := afterPrefix(s)
			switch {
			case !ok && desc:
				return nil
			case !ok:
				return never
			}
			s = next
		}
		return f.clause(bson.D{{Key: op, Value: bind(s)}})
	}
	o := opGt
	switch {
	case desc && inclusive:
		o = opLe
	case desc:
		o = opLt
	case inclusive:
		o = opGe
	}
	iv, none, reason := f.form.compared(o, v)
	switch {
	case none:
		return never
	case reason == "":
		return f.clause(iv.ops(bind))
	}
	op, toward := "$gte", math.Inf(-1)
	if desc {
		op, toward = "$lte", math.Inf(1)
	}
	near := f.clause(bson.D{{Key: op, Value: bind(math.Nextafter(v.Float(), toward))}})
	return append(near, bson.E{Key: "$expr", Value: op1(matchOperators[o], f.canonical(), bind(v.Float()))})
}

// longText is what order looks at of a text, and whether longer ones agree with it in that.
func longText(f *field, v lqp.Value) (string, bool) {
	if f.form != stringForm {
		return "", false
	}
	s := orderPrefix(v.Text())
	return s, len(s) >= lqp.OrderPrefix && utf8.RuneCountInString(s) >= lqp.OrderPrefix
}

// afterPrefix is the first text, in the order of code points, after all that begin with s; not ok when there is none.
func afterPrefix(s string) (string, bool) {
	s = strings.TrimRight(s, string(utf8.MaxRune))
	if s == "" {
		return "", false
	}
	last, size := utf8.DecodeLastRuneInString(s)
	if last++; last == 0xD800 {
		last = 0xE000
	}
	return s[:len(s)-size] + string(last), true
}
