package lqp

import "fmt"

// group evaluates group keys and aggregates; the rows that follow consist of both, addressed by name.
func (r *runner) group(in iterator, q *Query, s *shape) (iterator, *shape, error) {
	keys, err := r.compileAll(q.GroupBy, s)
	if err != nil {
		return nil, nil, err
	}
	g := &grouper{in: in, keys: keys, step: "group", account: r.account}
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
}

// add gives a row to the accumulator. keys is room for the sort keys.
func (a *aggregation) add(acc Accumulator, row, keys []Value) {
	if a.filter != nil && !Truth(a.filter(row)) {
		return
	}
	v := trueValue // countall counts rows, whatever the value
	if a.arg != nil {
		v = a.arg(row)
	}
	if o, ok := acc.(*orderedAccumulator); ok {
		keys = keys[:0]
		for _, k := range a.order {
			keys = append(keys, k(row))
		}
		o.add(keys, v)
		return
	}
	acc.Add(v)
}

type groupState struct {
	row  []Value // the keys, with room for the results
	accs []Accumulator
	held int64 // bytes accounted for
}

func (st *groupState) size() int64 {
	n := int64(0)
	for _, a := range st.accs {
		n += int64(a.Size())
	}
	return n
}

// grouper reads its whole input at the first call and then yields the groups in the order of their first row.
type grouper struct {
	in      iterator
	keys    []func([]Value) Value
	aggs    []aggregation
	step    string
	account *account
	groups  []*groupState
	ready   bool
}

func (g *grouper) next() ([]Value, error) {
	if !g.ready {
		if err := g.read(); err != nil {
			return nil, err
		}
		g.ready = true
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
		key = key[:0]
		for i, k := range g.keys {
			tuple[i] = k(row)
			key = tuple[i].AppendKey(key)
		}
		st := index[string(key)]
		if st == nil {
			if st, err = g.add(tuple); err != nil {
				return err
			}
			index[string(key)] = st
		}
		for i := range g.aggs {
			g.aggs[i].add(st.accs[i], row, order[:])
		}
		// Some aggregates grow with their rows: count_unique keeps every distinct value.
		if size := st.size(); size > st.held {
			if err := g.account.hold(size-st.held, g.step); err != nil {
				return err
			}
			st.held = size
		}
	}
	if len(g.keys) == 0 && len(g.groups) == 0 { // aggregates without keys: one group, even of nothing
		if _, err := g.add(nil); err != nil {
			return err
		}
	}
	return nil
}

func (g *grouper) add(tuple []Value) (*groupState, error) {
	st := &groupState{row: append(make([]Value, 0, len(tuple)+len(g.aggs)), tuple...), accs: make([]Accumulator, len(g.aggs))}
	for i, a := range g.aggs {
		st.accs[i] = a.start()
	}
	if err := g.account.hold(rowBytes(st.row), g.step); err != nil {
		return nil, err
	}
	g.groups = append(g.groups, st)
	return st, nil
}
