package sqlgen

import (
	"strconv"
	"sync"

	"github.com/livetables/livetables/lqp"
)

// Emitter appends SQL for one statement. Its methods that answer a bool give up with false and a reason ([Emitter.Fail]);
// what was appended before is then worthless and the caller returns false as well. An Emitter is used by one goroutine
// and is only valid inside the call that handed it out.
type Emitter struct {
	d    Dialect
	feat Features
	// filled is d where it knows of columns without NULLs.
	filled Filled
	buf    []byte
	args   []Arg
	tmp    []byte // text set aside while something before it grows

	sources []source   // of the open blocks, innermost last
	outputs []Output   // columns of the nested queries among sources
	keys    []fragment // group keys and aggregates emitted so far, of the open blocks
	texts   []byte     // the text of keys
	vals    []lqp.Value
	block   block
	aliases int
	having  bool // HAVING is being written
	// unbounded leaves out conditions on bare columns that are implied by others.
	unbounded bool

	reason string
}

// block is what an expression needs to know about the select block it stands in.
type block struct {
	q       *lqp.Query
	sources int // first of its sources
	keys    int // first of its keys
}

// source is a table or nested query in scope.
type source struct {
	alias    string     // in the plan
	n        int        // generated alias
	table    *lqp.Table // nil for a nested query
	query    *lqp.Query
	outputs  int  // first output of a nested query
	nullable bool // on the inner side of a left join: any column may be NULL
}

// fragment is the emitted text of a group key or aggregate, written again wherever its name is used.
type fragment struct {
	name     string
	from, to int // in texts
	rep      Rep
	typ      lqp.Type
	key      bool // a group key, not an aggregate
}

var emitters = sync.Pool{New: func() any { return new(Emitter) }}

func acquire(d Dialect) *Emitter {
	e := emitters.Get().(*Emitter)
	e.d, e.feat = d, d.Features()
	e.filled, _ = d.(Filled)
	if e.feat.DistinctFrom == "" {
		e.feat.DistinctFrom = "IS DISTINCT FROM"
	}
	return e
}

// release returns e to the pool without what it refers to: plans and values must not outlive their request.
func release(e *Emitter) {
	clear(e.args)
	clear(e.sources)
	clear(e.outputs)
	clear(e.keys)
	clear(e.vals[:cap(e.vals)])
	*e = Emitter{buf: e.buf[:0], args: e.args[:0], tmp: e.tmp[:0], sources: e.sources[:0], outputs: e.outputs[:0],
		keys: e.keys[:0], texts: e.texts[:0], vals: e.vals[:0]}
	if cap(e.buf) <= 64<<10 { // one giant statement must not pin its buffers for ever
		emitters.Put(e)
	}
}

// Len is the position at which the next text will stand.
func (e *Emitter) Len() int { return len(e.buf) }

// WriteString appends text, which must be a constant of the program.
func (e *Emitter) WriteString(s string) { e.buf = append(e.buf, s...) }

// WriteInt appends a whole number.
func (e *Emitter) WriteInt(n int) { e.buf = strconv.AppendInt(e.buf, int64(n), 10) }

// Wrap puts before in front of what was emitted from start on and after behind it.
func (e *Emitter) Wrap(start int, before, after string) {
	if before != "" {
		n := len(e.buf)
		e.buf = append(e.buf, before...)
		copy(e.buf[start+len(before):], e.buf[start:n])
		copy(e.buf[start:], before)
	}
	e.buf = append(e.buf, after...)
}

// Repeat appends once more what was emitted between from and to; parameters keep their numbers.
func (e *Emitter) Repeat(from, to int) { e.buf = append(e.buf, e.buf[from:to]...) }

// Write appends text that the emitter gave out before.
func (e *Emitter) Write(p []byte) { e.buf = append(e.buf, p...) }

// Cut takes the last n bytes back.
func (e *Emitter) Cut(n int) { e.buf = e.buf[:len(e.buf)-n] }

// Fail notes why the expression cannot be emitted, the first reason winning, and returns false.
func (e *Emitter) Fail(reason string) bool {
	if e.reason == "" {
		e.reason = reason
	}
	return false
}

// Arg binds a value and appends its placeholder.
func (e *Emitter) Arg(v lqp.Value, r Rep) {
	e.args = append(e.args, Arg{Value: v, Rep: r})
	e.buf = e.d.AppendPlaceholder(e.buf, len(e.args), r)
}

// Literal binds a literal that is not NULL to meet an expression of representation like.
func (e *Emitter) Literal(v lqp.Value, like Rep) (Rep, bool) {
	r, reason := e.d.Literal(v, like)
	if reason != "" {
		return Rep{}, e.Fail(reason)
	}
	e.Arg(v, r)
	return r, true
}

// InParams appends " IN ($1, $2, …)".
func (e *Emitter) InParams(r Rep, items []lqp.Value) {
	e.WriteString(" IN (")
	for i, v := range items {
		if i > 0 {
			e.WriteString(", ")
		}
		e.Arg(v, r)
	}
	e.WriteString(")")
}

// Filter appends the FILTER clause of an aggregate, when it has one.
func (e *Emitter) Filter(a *lqp.Aggregate) bool {
	if a.Filter == nil {
		return true
	}
	e.WriteString(" FILTER (WHERE ")
	if !e.Predicate(a.Filter, WhenTrue) {
		return false
	}
	e.WriteString(")")
	return true
}

// source finds the source that a column names.
func (e *Emitter) source(alias string) *source {
	for i := len(e.sources) - 1; i >= e.block.sources; i-- {
		if e.sources[i].alias == alias {
			return &e.sources[i]
		}
	}
	return nil
}

// lookup finds the column that c names without emitting it. It is false for names of the group scope.
func (e *Emitter) lookup(c *lqp.Col) (s *source, out Output, index int, ok bool) {
	s = e.source(c.Source)
	if s == nil {
		return nil, Output{}, 0, e.Fail("a column is not in scope")
	}
	if s.table == nil {
		for i := range s.query.Select {
			if s.query.Select[i].Name == c.Column {
				return s, e.outputs[s.outputs+i], i, true
			}
		}
		return nil, Output{}, 0, e.Fail("a column is not in scope")
	}
	col := s.table.Column(c.Column)
	if col == nil {
		return nil, Output{}, 0, e.Fail("a column is not in scope")
	}
	return s, Output{Type: col.Type, Storage: e.d.Storage(s.table, col), Column: col}, 0, true
}

// bare appends a column as it is stored.
func (e *Emitter) bare(c *lqp.Col) (Output, bool) {
	s, out, i, ok := e.lookup(c)
	if !ok {
		return out, false
	}
	e.WriteString("t")
	e.WriteInt(s.n)
	if s.table == nil {
		e.WriteString(".c")
		e.WriteInt(i)
	} else {
		e.WriteString(".")
		e.buf = e.d.AppendIdent(e.buf, out.Column.ID)
	}
	if s.nullable {
		out.Type.NotNull = false
	}
	return out, true
}

// BareRep is the representation in which a column is stored, the zero Rep when it is not in scope.
func (e *Emitter) BareRep(c *lqp.Col) Rep {
	if c.Source == "" {
		return Rep{}
	}
	_, out, _, _ := e.lookup(c)
	return out.Storage.Rep
}

// notNull reports that x is never NULL as far as the types tell.
func (e *Emitter) notNull(x lqp.Expr) bool {
	switch x := x.(type) {
	case *lqp.Lit:
		return !x.Val.IsNull()
	case *lqp.Col:
		if x.Source == "" || !x.Type().NotNull && e.filled == nil {
			return false
		}
		s := e.source(x.Source)
		if s == nil || s.nullable {
			return false
		}
		if s.table != nil {
			col := s.table.Column(x.Column)
			return col != nil && (x.Type().NotNull && col.Type.NotNull || e.filled != nil && e.filled.Filled(s.table, col))
		}
		if !x.Type().NotNull {
			return false
		}
		_, out, _, ok := e.lookup(x)
		return ok && out.Type.NotNull
	case *lqp.Call:
		if twoValued(x) {
			return true
		}
	}
	return false
}

// fragment appends the group key or aggregate of that name.
func (e *Emitter) fragment(name string) (fragment, bool) {
	for i := e.block.keys; i < len(e.keys); i++ {
		if f := e.keys[i]; f.name == name {
			inAggregate := e.having && f.key && e.feat.HavingKey != ""
			if inAggregate {
				e.WriteString(e.feat.HavingKey)
			}
			e.buf = append(e.buf, e.texts[f.from:f.to]...)
			if inAggregate {
				e.WriteString(")")
			}
			return f, true
		}
	}
	if e.block.q == nil {
		return fragment{}, e.Fail("a column is not in scope")
	}
	for i := range e.block.q.Aggregates {
		a := &e.block.q.Aggregates[i]
		if a.Name != name {
			continue
		}
		start := len(e.buf)
		r, ok := e.d.Aggregate(e, a)
		if !ok {
			return fragment{}, e.Fail("an aggregate is computed in memory")
		}
		return e.keep(name, start, r, a.Type()), true
	}
	return fragment{}, e.Fail("a column is not in scope")
}

// keep remembers what was emitted from start on under a name of the group scope.
func (e *Emitter) keep(name string, start int, r Rep, t lqp.Type) fragment {
	f := fragment{name: name, from: len(e.texts), rep: r, typ: t}
	e.texts = append(e.texts, e.buf[start:]...)
	f.to = len(e.texts)
	e.keys = append(e.keys, f)
	return f
}
