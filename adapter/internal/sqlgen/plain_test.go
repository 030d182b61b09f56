package sqlgen

import (
	"strconv"

	"github.com/livetables/livetables/lqp"
)

// plain is a dialect in which every column is exact and no function exists: what is left is the emitter's own work.
// Numbers are kept in two forms, so that representations have to be unified.
type plain struct{ feat Features }

const (
	plainForm uint8 = iota + 1
	bigForm
)

func (d plain) Features() Features {
	f := d.feat
	f.True, f.False, f.UnlimitedOffset = "TRUE", "FALSE", "LIMIT -1 "
	return f
}
func (plain) AppendIdent(dst []byte, name string) []byte {
	return append(append(append(dst, '['), name...), ']')
}
func (plain) AppendPlaceholder(dst []byte, n int, r Rep) []byte {
	dst = strconv.AppendInt(append(dst, '?'), int64(n), 10)
	if r.Form == bigForm {
		dst = append(dst, "::big"...)
	}
	return dst
}
func (plain) Storage(_ *lqp.Table, c *lqp.Column) Storage {
	r := Rep{Kind: c.Type.Kind, Form: plainForm}
	switch c.Native {
	case "big":
		r.Form = bigForm
	case "opaque":
		return Storage{Rep: r, NullExact: true, Opaque: "it is opaque"}
	case "raw":
		return Storage{Rep: r}
	}
	return Storage{Rep: r, Exact: true, NullExact: true}
}
func (plain) Canonical(e *Emitter, start int, s Storage) Rep {
	e.Wrap(start, "clean(", ")")
	return s.Rep
}
func (plain) Fetch(*Emitter, int, Storage) {}
func (plain) Bounds(op Op, s Storage, v lqp.Value) (b Bounds, ok bool) {
	if v.Kind() != s.Rep.Kind {
		return b, false
	}
	if v.Kind() == lqp.Number && v.Decimal().Sign() < 0 && op == Eq {
		b.Never = true
		return b, true
	}
	b.Add(Bound{Op: op, Value: v, Rep: s.Rep})
	return b, true
}
func (plain) Literal(v lqp.Value, like Rep) (Rep, string) {
	if v.Kind() == like.Kind {
		return like, ""
	}
	return Rep{Kind: v.Kind(), Form: plainForm}, ""
}
func (plain) Null(e *Emitter, t lqp.Type) (Rep, bool) {
	e.WriteString("NULL")
	return Rep{Kind: t.Kind, Form: plainForm}, true
}
func (plain) Unify(a, b Rep) (Rep, bool) {
	return Rep{Kind: a.Kind, Form: bigForm}, a.Kind == b.Kind
}
func (plain) Convert(e *Emitter, start int, from, to Rep) bool {
	e.Wrap(start, "big(", ")")
	return to.Form == bigForm && from.Form == plainForm
}
func (plain) Ordered(e *Emitter, _ int, r Rep) {
	if r.Kind == lqp.Text {
		e.WriteString(" COLLATE b")
	}
}
func (d plain) SortKey(e *Emitter, start int, r Rep, t lqp.Type) {
	if Cuts(t) {
		e.Wrap(start, "cut(", ")")
	}
	d.Ordered(e, start, r)
}
func (plain) Equals(*Emitter, int, Rep)                      {}
func (plain) In(e *Emitter, _ int, r Rep, items []lqp.Value) { e.InParams(r, items) }
func (plain) Call(e *Emitter, c *lqp.Call, _ Context) (Rep, bool) {
	if c.Func != "len" {
		return Rep{}, false
	}
	e.WriteString("len(")
	if _, ok := e.Value(c.Args[0]); !ok {
		return Rep{}, false
	}
	e.WriteString(")")
	return Rep{Kind: lqp.Number, Form: plainForm}, true
}
func (plain) Aggregate(e *Emitter, a *lqp.Aggregate) (Rep, bool) {
	e.WriteString(a.Func + "(")
	if a.Arg != nil {
		if _, ok := e.Value(a.Arg); !ok {
			return Rep{}, false
		}
	}
	e.WriteString(")")
	return Rep{Kind: lqp.Number, Form: plainForm}, e.Filter(a)
}
