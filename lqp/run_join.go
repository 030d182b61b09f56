package lqp

import (
	"errors"
	"fmt"
	"slices"
)

// join pairs the rows so far (the left side, whose order is kept) with the rows of another source (the right side).
//
// When the condition holds an equality between the sides, the right side is found by key: looked up at its source in
// batches of left keys where the source offers that, else read once into a hash table. The whole condition is then asked
// of every candidate pair. Without an equality every pair is tried.
func (r *runner) join(left iterator, j *Join, in *shape) (iterator, error) {
	switch j.Kind {
	case Inner, Left, Right, Full:
	default:
		return nil, fmt.Errorf("unknown join kind %q", j.Kind)
	}
	rightCols := j.Source.Columns()
	right := &shape{slots: map[colKey]int{}}
	right.add(j.Source.Alias, rightCols)

	jn := &joiner{r: r, left: left, kind: j.Kind, source: &j.Source, leftWidth: in.width, rightWidth: len(rightCols),
		step: "join " + j.Source.Alias, tick: ticker{ctx: r.ctx}}
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

type rightRow struct {
	row     []Value
	matched bool
}

type joiner struct {
	r                     *runner
	left                  iterator
	kind                  JoinKind
	source                *Source
	leftWidth, rightWidth int
	leftKeys, rightKeys   []func([]Value) Value
	rightExprs            []Expr
	on                    func([]Value) Value
	step                  string

	started bool
	lookup  bool // the right side is looked up batch by batch
	table   map[string][]int
	rows    []rightRow

	batch    [][]Value // left rows waiting, lookup only
	held     int64     // bytes of the batch and of rows
	current  []Value   // left row being paired
	cands    []int     // right rows still to try with it
	hit      bool
	leftDone bool
	tail     int // next right row to give out unmatched, right and full only
	out      []Value
	key      []byte
	tick     ticker // few rows may make very many pairs
}

func (j *joiner) next() ([]Value, error) {
	if !j.started {
		if err := j.start(); err != nil {
			return nil, err
		}
	}
	for !j.leftDone {
		if j.current == nil {
			if err := j.advance(); err != nil {
				return nil, err
			}
			continue
		}
		row, err := j.pair()
		if row != nil || err != nil {
			return row, err
		}
		unmatched := !j.hit
		left := j.current
		j.current = nil
		if unmatched && (j.kind == Left || j.kind == Full) {
			return j.emit(left, nil), nil
		}
	}
	if j.kind == Right || j.kind == Full {
		for ; j.tail < len(j.rows); j.tail++ {
			if !j.rows[j.tail].matched {
				j.tail++
				return j.emit(nil, j.rows[j.tail-1].row), nil
			}
		}
	}
	return nil, nil
}

func (j *joiner) start() error {
	j.started = true
	j.out = make([]Value, j.leftWidth+j.rightWidth)
	if len(j.leftKeys) > 0 && (j.kind == Inner || j.kind == Left) {
		// Asked with no keys first: whether look-ups are offered must be known before the left side is read in batches.
		rows, err := j.r.sources.Lookup(j.r.ctx, j.source, j.rightExprs, nil)
		if err == nil {
			j.lookup = true
			return rows.Close()
		}
		if !errors.Is(err, ErrNoLookup) {
			return err
		}
	}
	return j.build(j.r.source(j.source, &shape{slots: map[colKey]int{}}))
}

// build reads the right side into the hash table.
func (j *joiner) build(it iterator) error {
	j.table = map[string][]int{}
	for {
		row, err := it.next()
		if row == nil || err != nil {
			return err
		}
		row = slices.Clone(row)
		k := string(j.keyOf(j.rightKeys, row))
		if err := j.hold(rowBytes(row) + int64(len(k)) + rightOverhead); err != nil {
			return err
		}
		j.table[k] = append(j.table[k], len(j.rows))
		j.rows = append(j.rows, rightRow{row: row})
	}
}

// rightOverhead is about what a right row costs in the hash table besides itself and its key.
const rightOverhead = 64

func (j *joiner) hold(bytes int64) error {
	j.held += bytes
	return j.r.account.hold(bytes, j.step)
}

func (j *joiner) keyOf(keys []func([]Value) Value, row []Value) []byte {
	j.key = j.key[:0]
	for _, f := range keys {
		j.key = f(row).AppendKey(j.key)
	}
	return j.key
}

// advance makes the next left row current.
func (j *joiner) advance() error {
	var row []Value
	var err error
	if j.lookup {
		row, err = j.nextOfBatch()
	} else {
		row, err = j.left.next()
	}
	if err != nil {
		return err
	}
	if row == nil {
		j.leftDone = true
		return nil
	}
	j.current, j.hit = row, false
	j.cands = j.table[string(j.keyOf(j.leftKeys, row))]
	return nil
}

// nextOfBatch reads a batch of left rows when the last one is used up and looks their partners up in one go.
func (j *joiner) nextOfBatch() ([]Value, error) {
	if len(j.batch) == 0 {
		if err := j.readBatch(); err != nil || len(j.batch) == 0 {
			return nil, err
		}
	}
	row := j.batch[0]
	j.batch = j.batch[1:]
	return row, nil
}

func (j *joiner) readBatch() error {
	j.r.account.release(j.held)
	j.rows, j.table, j.batch, j.held = j.rows[:0], nil, nil, 0
	seen := map[string]bool{}
	var keys [][]Value
	for len(j.batch) < j.r.opt.LookupBatch {
		row, err := j.left.next()
		if err != nil {
			return err
		}
		if row == nil {
			break
		}
		row = slices.Clone(row)
		j.batch = append(j.batch, row)
		if err := j.hold(rowBytes(row)); err != nil {
			return err
		}
		if k := j.keyOf(j.leftKeys, row); !seen[string(k)] {
			seen[string(k)] = true
			tuple := make([]Value, len(j.leftKeys))
			for i, f := range j.leftKeys {
				tuple[i] = f(row)
			}
			keys = append(keys, tuple)
		}
	}
	if len(j.batch) == 0 {
		return nil
	}
	rows, err := j.r.sources.Lookup(j.r.ctx, j.source, j.rightExprs, keys)
	if err != nil {
		return err
	}
	return j.build(j.r.scan(rows, j.source, j.rightWidth))
}

// pair gives the current left row's next partner, nil when there is none left.
func (j *joiner) pair() ([]Value, error) {
	for len(j.cands) > 0 {
		if err := j.tick.tick(); err != nil {
			return nil, err
		}
		c := &j.rows[j.cands[0]]
		j.cands = j.cands[1:]
		row := j.emit(j.current, c.row)
		if Truth(j.on(row)) {
			j.hit, c.matched = true, true
			return row, nil
		}
	}
	return nil, nil
}

// emit lays both halves side by side; a nil half is all NULL.
func (j *joiner) emit(left, right []Value) []Value {
	clear(j.out)
	copy(j.out, left)
	copy(j.out[j.leftWidth:], right)
	return j.out
}
