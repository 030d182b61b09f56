package lqp

// groupEntries answers an aggregate, group by group in the order of their keys, from the values in temporary storage.
type groupEntries struct {
	agg   *aggregation
	share *share
	rows  rowSource
	row   *spillRow // the first of the groups that are still to come
}

func newGroupEntries(a *aggregation) (*groupEntries, error) {
	rows, err := a.entries.sorted()
	if err != nil {
		return nil, err
	}
	e := &groupEntries{agg: a, rows: rows, share: &share{account: a.entries.share.account, step: a.entries.share.step}}
	e.row, err = rows.next()
	return e, err
}

// of is the aggregate of a group.
func (e *groupEntries) of(group string) (Value, error) {
	switch {
	case e.agg.entries.runs.values == 1:
		return e.inOrder(group)
	case e.agg.fn.Name == "median":
		return e.median(group)
	}
	n, last := int64(0), ""
	err := e.each(group, func(r *spillRow) error {
		if key := r.keys[1].str; n == 0 || key != last {
			n, last = n+1, key
		}
		return nil
	})
	return IntValue(n), err
}

// each goes over the values of a group.
func (e *groupEntries) each(group string, f func(*spillRow) error) (err error) {
	for err == nil && e.row != nil && e.row.keys[0].str == group {
		if err = f(e.row); err == nil {
			e.row, err = e.rows.next()
		}
	}
	return err
}

// inOrder gives the values, which come in the order of their rows, to a function that looks at it.
func (e *groupEntries) inOrder(group string) (Value, error) {
	acc := e.agg.fn.NewAccumulator(e.agg.argType)
	defer e.share.releaseAll()
	err := e.each(group, func(r *spillRow) error {
		acc.Add(r.row[0])
		if grown := int64(acc.Size()) - e.share.held; grown > 0 {
			if full, err := e.share.take(grown); err != nil || !full {
				return err
			}
			return e.share.exceeded()
		}
		return nil
	})
	return acc.Result(), err
}

// median reads the sorted values twice as far as their middle: once to count them, which puts them into a queue.
func (e *groupEntries) median(group string) (Value, error) {
	q := newRowQueue(e.share.account, e.share.step, 1)
	defer q.close()
	if err := e.each(group, func(r *spillRow) error { return q.add(r.keys[1:]) }); err != nil || q.rows == 0 {
		return Value{}, err
	}
	acc := medianAccumulator{}
	n := q.rows
	for i := range n/2 + 1 {
		row, err := q.next()
		if err != nil {
			return Value{}, err
		}
		if i >= (n-1)/2 {
			acc.Add(row[0])
			if n%2 == 1 {
				acc.Add(row[0]) // the middle one counts twice
			}
		}
	}
	return acc.Result(), nil
}
