package lqp

import (
	"hash/maphash"
	"slices"
)

// spilledJoin joins two sides in temporary storage: both are divided by the hash of their keys, so that partners are in
// the same part, and the parts are joined one by one (the Grace hash join of Kitsuregawa, Tanaka and Moto-oka, 1983).
// The right side of a part that memory does not hold either, because one key is in most rows, say, is taken piece by
// piece, the left side being read again for each. A part's rows come in the order of the left side, so that merging the
// parts gives the order of the join as it is in memory: left rows in their order, partners of each in theirs, then the
// right rows that have none.
type spilledJoin struct {
	j     *joiner
	parts []joinPart
	pairs runs // by place of the left row, then of the right one
	tails runs // right rows without a partner
	out   rowSource
	last  bool // out yields the tails
}

type joinPart struct{ left, right *spillWriter }

// joinParts is how many parts a join has that memory does not hold.
const joinParts = 32

// spill goes on in temporary storage with the right rows in memory and the rest of them, and all of left.
func (j *joiner) spill(right, left iterator) error {
	s := &spilledJoin{j: j}
	n := joinParts
	if len(j.leftKeys) == 0 {
		n = 1
	}
	tick := ticker{ctx: j.r.ctx}
	width := j.leftWidth + j.rightWidth
	s.pairs = runs{account: j.r.account, step: j.step, values: width, tick: tick}
	s.tails = runs{account: j.r.account, step: j.step, values: width, tick: tick}
	s.parts = make([]joinPart, n)
	seed := maphash.MakeSeed()
	seq := int64(0)
	put := func(keys []func([]Value) Value, row []Value, side func(*joinPart) **spillWriter) error {
		if err := tick.tick(); err != nil {
			return err
		}
		part := 0
		if n > 1 {
			part = int(maphash.Bytes(seed, j.keyOf(keys, row)) % joinParts)
		}
		w := side(&s.parts[part])
		if *w == nil {
			var err error
			if *w, err = j.r.account.newWriter(j.step); err != nil {
				return err
			}
		}
		seq++
		return (*w).add(&spillRow{row: row, seq: seq})
	}
	rightSide := func(p *joinPart) **spillWriter { return &p.right }
	for i := range j.rows {
		if err := put(j.rightKeys, j.rows[i].row, rightSide); err != nil {
			return err
		}
	}
	j.rows, j.table = nil, nil
	j.share.releaseAll()
	if err := each(right, func(row []Value) error { return put(j.rightKeys, row, rightSide) }); err != nil {
		return err
	}
	seq = 0
	if err := each(left, func(row []Value) error {
		return put(j.leftKeys, row, func(p *joinPart) **spillWriter { return &p.left })
	}); err != nil {
		return err
	}
	for i := range s.parts {
		if err := s.join(&s.parts[i]); err != nil {
			return err
		}
	}
	out, err := s.pairs.merge()
	s.out, j.spilled = out, s
	return err
}

func each(it iterator, f func(row []Value) error) error {
	for {
		row, err := it.next()
		if row == nil || err != nil {
			return err
		}
		if err := f(row); err != nil {
			return err
		}
	}
}

func (s *spilledJoin) next() ([]Value, error) {
	for {
		row, err := s.out.next()
		if err != nil {
			return nil, err
		}
		if row != nil {
			return row.row, nil
		}
		if s.last {
			return nil, nil
		}
		if s.out, err = s.tails.merge(); err != nil {
			return nil, err
		}
		s.last = true
	}
}

// join writes the pairs of one part and gives the part's storage back.
func (s *spilledJoin) join(p *joinPart) error {
	j := s.j
	outerLeft, outerRight := j.kind == Left || j.kind == Full, j.kind == Right || j.kind == Full
	defer func() {
		for _, w := range []*spillWriter{p.left, p.right} {
			if w != nil {
				w.close()
			}
		}
		j.rows, j.table = nil, nil
		j.share.releaseAll()
	}()
	if p.left == nil && !outerRight || p.right == nil && !outerLeft {
		return nil
	}
	var right rowSource = noSpillRows{}
	if p.right != nil {
		r, err := p.right.read(0, j.rightWidth)
		if err != nil {
			return err
		}
		right = r
	}
	// Which left rows have found a partner in an earlier piece of the right side, one bit each.
	var found []uint64
	row, err := right.next()
	for pieces := 0; err == nil && (row != nil || pieces == 0); pieces++ {
		var seqs []int64
		if seqs, row, err = s.piece(right, row); err != nil {
			return err
		}
		if found == nil && row != nil && outerLeft && p.left != nil {
			found = make([]uint64, p.left.rows/64+1)
			if _, err := j.share.take(int64(8 * len(found))); err != nil {
				return err
			}
		}
		if p.left != nil {
			if err := s.pair(p.left, seqs, found, row == nil && outerLeft); err != nil {
				return err
			}
		}
		if outerRight {
			if err := s.writeTail(seqs); err != nil {
				return err
			}
		}
		j.rows, j.table = nil, nil
		j.share.release(j.share.held - int64(8*len(found)))
	}
	return err
}

// piece reads right rows into the table while memory lasts, and says where they stand and which row comes next.
func (s *spilledJoin) piece(right rowSource, row *spillRow) (seqs []int64, next *spillRow, err error) {
	j := s.j
	j.table, j.rows = map[string][]int{}, nil
	for row != nil {
		own := slices.Clone(row.row)
		k := string(j.keyOf(j.rightKeys, own))
		full, err := j.share.take(rowBytes(own) + int64(len(k)) + rightOverhead + 8)
		if err != nil {
			return nil, nil, err
		}
		j.table[k] = append(j.table[k], len(j.rows))
		j.rows, seqs = append(j.rows, rightRow{row: own}), append(seqs, row.seq)
		if row, err = right.next(); err != nil {
			return nil, nil, err
		}
		if full {
			break
		}
	}
	return seqs, row, nil
}

// pair writes a run of the pairs of all left rows of a part with the right rows in the table. found is kept for left
// rows when there are several pieces; after the last of them, rows that have found nothing are written alone.
func (s *spilledJoin) pair(left *spillWriter, seqs []int64, found []uint64, alone bool) error {
	rows, err := left.read(0, s.j.leftWidth)
	if err != nil {
		return err
	}
	return s.pairs.write(&pairRows{s: s, left: rows, seqs: seqs, found: found, alone: alone, at: -1})
}

// writeTail writes a run of the right rows in the table that have no partner.
func (s *spilledJoin) writeTail(seqs []int64) error {
	return s.tails.write(&tailRows{s: s, seqs: seqs})
}

// pairRows are the pairs of one piece of a part.
type pairRows struct {
	s     *spilledJoin
	left  *spillReader
	seqs  []int64
	found []uint64
	alone bool

	at    int // of the left row in the part
	row   *spillRow
	cands []int
	hit   bool
	out   spillRow
}

func (p *pairRows) next() (*spillRow, error) {
	j := p.s.j
	for {
		for len(p.cands) > 0 {
			if err := j.tick.tick(); err != nil {
				return nil, err
			}
			at := p.cands[0]
			p.cands = p.cands[1:]
			row := j.emit(p.row.row, j.rows[at].row)
			if Truth(j.on(row)) {
				p.hit, j.rows[at].matched = true, true
				p.out = spillRow{row: row, seq: p.row.seq, sub: p.seqs[at]}
				return &p.out, nil
			}
		}
		if p.row != nil {
			row, hit := p.row, p.hit
			p.row = nil
			if p.found != nil {
				word, bit := p.at/64, uint64(1)<<(p.at%64)
				hit = hit || p.found[word]&bit != 0
				if hit {
					p.found[word] |= bit
				}
			}
			if p.alone && !hit {
				p.out = spillRow{row: j.emit(row.row, nil), seq: row.seq}
				return &p.out, nil
			}
		}
		row, err := p.left.next()
		if row == nil || err != nil {
			return nil, err
		}
		p.at++
		p.row, p.hit = row, false
		p.cands = j.table[string(j.keyOf(j.leftKeys, row.row))]
	}
}

// tailRows are the right rows of a piece without a partner.
type tailRows struct {
	s    *spilledJoin
	seqs []int64
	at   int
	out  spillRow
}

func (t *tailRows) next() (*spillRow, error) {
	j := t.s.j
	for ; t.at < len(j.rows); t.at++ {
		if !j.rows[t.at].matched {
			t.out = spillRow{row: j.emit(nil, j.rows[t.at].row), seq: t.seqs[t.at]}
			t.at++
			return &t.out, nil
		}
	}
	return nil, nil
}

type noSpillRows struct{}

func (noSpillRows) next() (*spillRow, error) { return nil, nil }
