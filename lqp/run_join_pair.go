package lqp

import (
	"errors"
	"slices"
)

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

	// The first source of the block with an expression over it that equals firstKey of the right side; nil when there is none.
	first     *Source
	firstExpr Expr
	firstKey  func([]Value) Value

	started bool
	lookup  bool // the right side is looked up batch by batch
	table   map[string][]int
	rows    []rightRow
	share   share
	spilled *spilledJoin // does the work when memory does not hold the right side

	batch    [][]Value // left rows waiting, lookup only
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
	for {
		if j.spilled != nil {
			row, err := j.spilled.next()
			if row != nil || err != nil {
				return row, err
			}
			if j.spilled = nil; !j.lookup {
				j.leftDone, j.rows = true, nil
			}
		}
		if j.leftDone {
			return j.unmatched(), nil
		}
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
		missed := !j.hit
		left := j.current
		j.current = nil
		if missed && (j.kind == Left || j.kind == Full) {
			return j.emit(left, nil), nil
		}
	}
}

// unmatched gives the right rows without a partner, which follow all others; nil at their end.
func (j *joiner) unmatched() []Value {
	if j.kind == Right || j.kind == Full {
		for ; j.tail < len(j.rows); j.tail++ {
			if !j.rows[j.tail].matched {
				j.tail++
				return j.emit(nil, j.rows[j.tail-1].row)
			}
		}
	}
	return nil
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
	if err := j.readRight(j.left); err != nil || j.spilled != nil {
		return err
	}
	if len(j.rows) == 0 && (j.kind == Inner || j.kind == Right) {
		j.leftDone = true // nothing has a partner: the left side stays unread
		return nil
	}
	return j.narrow()
}

// readRight reads the whole right side for the rows of left, which are still to come.
func (j *joiner) readRight(left iterator) error {
	it := j.r.source(j.source, &shape{slots: map[colKey]int{}})
	full, err := j.build(it)
	if err != nil || !full {
		return err
	}
	return j.spill(it, left)
}

// narrow tells the first source which keys its rows need to have, if they are few.
func (j *joiner) narrow() error {
	n, ok := j.r.sources.(Narrower)
	if !ok || j.first == nil || j.r.opt.NarrowKeys <= 0 {
		return nil
	}
	var values []Value
	seen := map[string]bool{}
	for i := range j.rows {
		v := j.firstKey(j.rows[i].row)
		j.key = v.AppendKey(j.key[:0])
		if seen[string(j.key)] {
			continue
		}
		if len(values) == j.r.opt.NarrowKeys {
			return nil
		}
		seen[string(j.key)] = true
		values = append(values, v)
	}
	return n.Narrow(j.first, j.firstExpr, values)
}

// build reads the right side into the hash table until its end, or until the memory for it is full.
func (j *joiner) build(it iterator) (full bool, err error) {
	j.table = map[string][]int{}
	for {
		row, err := it.next()
		if row == nil || err != nil {
			return false, err
		}
		row = slices.Clone(row)
		k := string(j.keyOf(j.rightKeys, row))
		full, err := j.share.take(rowBytes(row) + int64(len(k)) + rightOverhead)
		if err != nil {
			return false, err
		}
		j.table[k] = append(j.table[k], len(j.rows))
		j.rows = append(j.rows, rightRow{row: row})
		if full {
			return true, nil
		}
	}
}

// rightOverhead is about what a right row costs in the hash table besides itself and its key.
const rightOverhead = 64

func (j *joiner) keyOf(keys []func([]Value) Value, row []Value) []byte {
	j.key = j.key[:0]
	for _, f := range keys {
		j.key = f(row).AppendKey(j.key)
	}
	return j.key
}

// advance makes the next left row current.
func (j *joiner) advance() error {
	row, err := j.nextLeft()
	if err != nil || j.spilled != nil {
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

// nextLeft is the next left row with the rows it may be paired with in the table. With look-ups a batch of left rows is
// read when the last one is used up, and their partners are looked up in one go.
func (j *joiner) nextLeft() ([]Value, error) {
	if j.lookup && len(j.batch) == 0 {
		if err := j.readBatch(); err != nil || j.spilled != nil {
			return nil, err
		}
		if j.lookup && len(j.batch) == 0 {
			return nil, nil
		}
	}
	if len(j.batch) == 0 {
		return j.left.next()
	}
	row := j.batch[0]
	j.batch = j.batch[1:]
	return row, nil
}

func (j *joiner) readBatch() error {
	j.share.releaseAll()
	j.rows, j.table, j.batch = j.rows[:0], nil, nil
	seen := map[string]bool{}
	var keys [][]Value
	for full := false; !full && len(j.batch) < j.r.opt.LookupBatch; {
		row, err := j.left.next()
		if err != nil {
			return err
		}
		if row == nil {
			break
		}
		row = slices.Clone(row)
		j.batch = append(j.batch, row)
		if full, err = j.share.take(rowBytes(row)); err != nil {
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
	if errors.Is(err, ErrNoLookup) { // enough: the rest of the left side is joined with the whole right side
		j.lookup = false
		return j.readRight(&chained{j.takeBatch(), j.left})
	}
	if err != nil {
		return err
	}
	it := j.r.scan(rows, j.source, j.rightWidth)
	full, err := j.build(it)
	if err != nil || !full {
		return err
	}
	return j.spill(it, j.takeBatch())
}

// takeBatch is the batch as an iterator, which empties it.
func (j *joiner) takeBatch() iterator { return &batchRows{j} }

type batchRows struct{ j *joiner }

func (b *batchRows) next() ([]Value, error) {
	if len(b.j.batch) == 0 {
		return nil, nil
	}
	row := b.j.batch[0]
	b.j.batch = b.j.batch[1:]
	return row, nil
}

// chained is one iterator after the other.
type chained struct{ first, second iterator }

func (c *chained) next() ([]Value, error) {
	if row, err := c.first.next(); row != nil || err != nil {
		return row, err
	}
	return c.second.next()
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
