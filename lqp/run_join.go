package lqp

import "fmt"

// join pairs the rows so far (the left side, whose order is kept) with the rows of another source (the right side).
//
// When the condition holds an equality between the sides, the right side is found by key: looked up at its source in
// batches of left keys where the source offers that, else read once into a hash table. The whole condition is then asked
// of every candidate pair. Without an equality every pair is tried. first is the first source of the block when nothing
// but inner and left joins stand before this one, nil otherwise: rows of it without a partner may then stay unread.
func (r *runner) join(left iterator, j *Join, in *shape, first *Source) (iterator, error) {
	switch j.Kind {
	case Inner, Left, Right, Full:
	default:
		return nil, fmt.Errorf("unknown join kind %q", j.Kind)
	}
	rightCols := j.Source.Columns()
	right := &shape{slots: map[colKey]int{}}
	right.add(j.Source.Alias, rightCols)

	step := "join " + j.Source.Alias
	jn := &joiner{r: r, left: left, kind: j.Kind, source: &j.Source, leftWidth: in.width, rightWidth: len(rightCols),
		step: step, share: share{account: r.account, step: step}, tick: ticker{ctx: r.ctx}}
	for _, c := range Conjuncts(j.On) {
		l, rt, ok := equiKeys(c, j.Source.Alias)
		if !ok {
			continue
		}
		lf, err := r.compile(l, in)
		if err != nil {
			return nil, err
		}
		rf, err := r.compile(rt, right)
		if err != nil {
			return nil, err
		}
		jn.leftKeys, jn.rightKeys, jn.rightExprs = append(jn.leftKeys, lf), append(jn.rightKeys, rf), append(jn.rightExprs, rt)
		if first != nil && jn.first == nil && (j.Kind == Inner || j.Kind == Right) && onlyOf(l, first.Alias) {
			jn.first, jn.firstExpr, jn.firstKey = first, l, rf
		}
	}
	in.add(j.Source.Alias, rightCols)
	on := j.On
	if on == nil {
		on = Literal(BoolValue(true))
	}
	var err error
	if jn.on, err = r.compile(on, in); err != nil {
		return nil, err
	}
	return jn, nil
}

// JoinKeys are the expressions over the joined source that its condition sets equal to expressions over the sources
// before it: what [Run] looks its rows up by. Without any, every pair of rows is tried.
func JoinKeys(j *Join) (on []Expr) {
	for _, c := range Conjuncts(j.On) {
		if _, right, ok := equiKeys(c, j.Source.Alias); ok {
			on = append(on, right)
		}
	}
	return on
}

// equiKeys recognises the conjunct left = right of expressions that each belong to one side only and have the same kind.
func equiKeys(c Expr, alias string) (left, right Expr, ok bool) {
	call, isCall := c.(*Call)
	if !isCall || call.Func != "eq" || !call.Args[0].Type().Same(call.Args[1].Type()) {
		return nil, nil, false
	}
	a, b := sideOf(call.Args[0], alias), sideOf(call.Args[1], alias)
	switch {
	case a == leftSide && b == rightSide:
		return call.Args[0], call.Args[1], true
	case a == rightSide && b == leftSide:
		return call.Args[1], call.Args[0], true
	}
	return nil, nil, false
}

type side uint8

const (
	noSide side = iota
	leftSide
	rightSide
	bothSides
)

func sideOf(e Expr, alias string) side {
	s := noSide
	for _, c := range Columns(e) {
		if c.Source == alias {
			s |= rightSide
		} else {
			s |= leftSide
		}
	}
	return s
}

// onlyOf reports whether an expression uses columns of that source and of no other.
func onlyOf(e Expr, alias string) bool {
	cols := Columns(e)
	for _, c := range cols {
		if c.Source != alias {
			return false
		}
	}
	return len(cols) > 0
}
