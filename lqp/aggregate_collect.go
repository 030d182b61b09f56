package lqp

// joinSeparator stands between the texts of the aggregate join.
const joinSeparator = ", "

// listAccumulator collects values, the elements in the place of lists. Beyond MaxList it keeps nothing: the answer is
// NULL.
type listAccumulator struct {
	distinct bool
	items    []Value
	seen     map[string]struct{}
	key      []byte
	size     int
	over     bool
}

func (s *listAccumulator) Add(v Value) {
	for _, e := range v.Items() {
		s.add(e)
	}
	if v.kind != List {
		s.add(v)
	}
}

func (s *listAccumulator) add(v Value) {
	if v.kind == Null || s.over {
		return
	}
	if s.distinct {
		s.key = v.AppendKey(s.key[:0])
		if _, ok := s.seen[string(s.key)]; ok {
			return
		}
		if s.seen == nil {
			s.seen = map[string]struct{}{}
		}
		s.seen[string(s.key)] = struct{}{}
		s.size += len(s.key) + 40
	}
	if len(s.items) == MaxList {
		*s = listAccumulator{over: true}
		return
	}
	s.items = append(s.items, v)
	s.size += v.Size()
}

func (s *listAccumulator) Result() Value {
	if len(s.items) == 0 {
		return Value{}
	}
	return ListValue(s.items)
}

func (s *listAccumulator) Size() int { return 96 + s.size }

// joinAccumulator joins the texts of values. Beyond MaxText it keeps nothing: the answer is NULL.
type joinAccumulator struct {
	text builder
	some bool
}

func (s *joinAccumulator) Add(v Value) {
	for _, e := range v.Items() {
		s.add(e)
	}
	if v.kind != List {
		s.add(v)
	}
}

func (s *joinAccumulator) add(v Value) {
	if v.kind == Null || s.text.over {
		return
	}
	if s.some {
		s.text.addCounted(joinSeparator, len(joinSeparator))
	}
	s.some = true
	if v.kind == Text {
		s.text.add(v.str)
	} else {
		s.text.add(string(v.AppendText(nil)))
	}
	if s.text.over {
		s.text.buf = nil
	}
}

func (s *joinAccumulator) Result() Value {
	if !s.some {
		return Value{}
	}
	return s.text.value()
}

func (s *joinAccumulator) Size() int { return 48 + cap(s.text.buf) }

// firstAccumulator keeps the first value or the last one.
type firstAccumulator struct {
	last bool
	v    Value
}

func (s *firstAccumulator) Add(v Value) {
	if v.kind != Null && (s.last || s.v.kind == Null) {
		s.v = v
	}
}

func (s *firstAccumulator) Result() Value { return s.v }
func (s *firstAccumulator) Size() int     { return 16 + s.v.Size() }

// truthAccumulator folds truth values, NULL for none.
type truthAccumulator struct {
	fold func(a, b bool) bool
	v    Value
}

func (s *truthAccumulator) Add(v Value) {
	switch {
	case v.kind != Bool:
	case s.v.kind == Null:
		s.v = v
	default:
		s.v = BoolValue(s.fold(s.v.Bool(), v.Bool()))
	}
}

func (s *truthAccumulator) Result() Value { return s.v }
func (s *truthAccumulator) Size() int     { return 16 + s.v.Size() }

// percentAccumulator answers how many of a hundred rows count.
type percentAccumulator struct {
	countAccumulator
	all int64
}

func (s *percentAccumulator) Add(v Value) {
	s.all++
	s.countAccumulator.Add(v)
}

func (s *percentAccumulator) Result() Value {
	if s.all == 0 {
		return Value{}
	}
	return exact(DecimalFromInt(s.n * 100).Div(DecimalFromInt(s.all)))
}

// rangeAccumulator answers the largest number minus the smallest.
type rangeAccumulator struct{ least, most extremeAccumulator }

func (s *rangeAccumulator) Add(v Value) {
	if v.kind.Numeric() {
		s.least.Add(v)
		s.most.Add(v)
	}
}

func (s *rangeAccumulator) Result() Value {
	if s.least.best.kind == Null {
		return Value{}
	}
	return sub(nil, s.most.best, s.least.best)
}

func (s *rangeAccumulator) Size() int { return s.least.Size() + s.most.Size() }
