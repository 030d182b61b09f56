package lqp

import "fmt"

// group evaluates group keys and aggregates; the rows that follow consist of both, addressed by name.
func (r *runner) group(in iterator, q *Query, s *shape) (iterator, *shape, error) {
	keys, err := r.compileAll(q.GroupBy, s)
	if err != nil {
		return nil, nil, err
	}
	g := &grouper{in: in, keys: keys, share: share{account: r.account, step: "group", keep: 2}, tick: ticker{ctx: r.ctx}}
	out := &shape{slots: map[colKey]int{}}
	for _, k := range q.GroupBy {
		out.slots[colKey{"", k.Name}] = out.width
		out.width++
	}
	for _, a := range q.Aggregates {
		agg := aggregation{}
		var argType Type
		if a.Arg != nil {
			argType = a.Arg.Type()
			if agg.arg, err = r.compile(a.Arg, s); err != nil {
				return nil, nil, err
			}
		}
		if a.Filter != nil {
			if agg.filter, err = r.compile(a.Filter, s); err != nil {
				return nil, nil, err
			}
		}
		fn, ok := LookupAggregate(a.Func)
		if !ok {
			return nil, nil, fmt.Errorf("unknown aggregate %q: the query is not bound", a.Func)
		}
		for _, o := range a.OrderBy {
			key, err := r.compile(o.Expr, s)
			if err != nil {
				return nil, nil, err
			}
			agg.order = append(agg.order, key)
		}
		order := a.OrderBy
		agg.orderBy, agg.fn, agg.argType = order, fn, argType
		agg.start = func() Accumulator {
			if len(order) > 0 {
				return &orderedAccumulator{order: order, inner: fn.NewAccumulator(argType), one: fn.one}
			}
			return fn.NewAccumulator(argType)
		}
		g.aggs = append(g.aggs, agg)
		out.slots[colKey{"", a.Name}] = out.width
		out.width++
	}
	return g, out, nil
}

type aggregation struct {
	arg, filter func([]Value) Value
	order       []func([]Value) Value // sort keys of a function that looks at the order of rows
	start       func() Accumulator
	fn          *AggregateFunction
	argType     Type
	orderBy     []Order
	entries     *external // the values in temporary storage, in the place of accumulators; nil while memory lasts
}

// value is the argument of a row that the aggregate sees.
func (a *aggregation) value(row []Value) (v Value, seen bool) {
	if a.filter != nil && !Truth(a.filter(row)) {
		return Value{}, false
	}
	if a.arg == nil {
		return trueValue, true // countall counts rows, whatever the value
	}
	return a.arg(row), true
}

// orderKeys appends the sort keys of a function that looks at the order of rows.
func (a *aggregation) orderKeys(dst, row []Value) []Value {
	for _, k := range a.order {
		dst = append(dst, k(row))
	}
	return dst
}

// add gives a row to the accumulator. keys is room for the sort keys.
func (a *aggregation) add(acc Accumulator, row, keys []Value) {
	v, seen := a.value(row)
	if !seen {
		return
	}
	if o, ok := acc.(*orderedAccumulator); ok {
		o.add(a.orderKeys(keys[:0], row), v)
		return
	}
	acc.Add(v)
}

type groupState struct {
	key  string  // bytes that identify the group
	row  []Value // the keys, with room for the results
	accs []Accumulator
	seq  int64 // of the first row
	held int64 // bytes accounted for
}

func (st *groupState) size() int64 {
	n := int64(0)
	for _, a := range st.accs {
		if a != nil {
			n += int64(a.Size())
		}
	}
	return n
}

// groupOverhead is about what a group costs besides its row and its accumulators.
const groupOverhead = 160

// grouper reads its whole input at the first call and then yields the groups in the order of their first row.
type grouper struct {
	in     iterator
	keys   []func([]Value) Value
	aggs   []aggregation
	share  share
	tick   ticker
	groups []*groupState
	seq    int64     // rows read
	others *external // rows of the groups that memory has no room for, nil while it has
	out    rowSource // groups that come from temporary storage, nil for none
	done   bool      // with reading: the groups are put together
	ready  bool
}

func (g *grouper) next() ([]Value, error) {
	if !g.ready {
		if err := g.read(); err != nil {
			return nil, err
		}
		g.ready = true
	}
	if g.out != nil {
		r, err := g.out.next()
		if r == nil || err != nil {
			return nil, err
		}
		return r.row, nil
	}
	if len(g.groups) == 0 {
		return nil, nil
	}
	st := g.groups[0]
	g.groups = g.groups[1:]
	for _, a := range st.accs {
		st.row = append(st.row, a.Result())
	}
	return st.row, nil
}

func (g *grouper) read() error {
	index := map[string]*groupState{}
	var key []byte
	tuple := make([]Value, len(g.keys))
	var order [4]Value
	for {
		row, err := g.in.next()
		if err != nil {
			return err
		}
		if row == nil {
			break
		}
		g.seq++
		key = key[:0]
		for i, k := range g.keys {
			tuple[i] = k(row)
			key = tuple[i].AppendKey(key)
		}
		st := index[string(key)]
		if st == nil && g.others == nil {
			if st, err = g.add(string(key), tuple); err != nil {
				return err
			}
			index[st.key] = st
		}
		if err := g.addEntries(key, row); err != nil {
			return err
		}
		if st == nil {
			if err := g.addOther(key, tuple, row); err != nil {
				return err
			}
			continue
		}
		for i := range g.aggs {
			if acc := st.accs[i]; acc != nil {
				g.aggs[i].add(acc, row, order[:])
			}
		}
		// Some aggregates grow with their rows: count_unique keeps every distinct value.
		if size := st.size(); size > st.held {
			if err := g.take(size - st.held); err != nil {
				return err
			}
			st.held = st.size()
		}
	}
	if len(g.keys) == 0 && len(g.groups) == 0 { // aggregates without keys: one group, even of nothing
		if _, err := g.add("", nil); err != nil {
			return err
		}
	}
	return g.finish()
}

func (g *grouper) add(key string, tuple []Value) (*groupState, error) {
	st := &groupState{key: key, row: append(make([]Value, 0, len(tuple)+len(g.aggs)), tuple...), accs: make([]Accumulator, len(g.aggs)), seq: g.seq}
	for i := range g.aggs {
		if g.aggs[i].entries == nil {
			st.accs[i] = g.aggs[i].start()
		}
	}
	g.groups = append(g.groups, st)
	return st, g.take(rowBytes(st.row) + int64(len(key)) + groupOverhead)
}
