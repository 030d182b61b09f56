package supervise

import "github.com/livetables/livetables/adapter"

// The optional interfaces that an adapter may implement, as bits.
const (
	explains = 1 << iota
	estimates
	examines
	writes
)

// offering is the guarded source with the optional interfaces that the adapter behind it has, and without the others: who
// asks for one must be told the truth, and Go knows no other way to make a type of chosen methods than to spell it.
func (s *source) offering() adapter.Adapter {
	has := 0
	x, ok := s.inner.(adapter.Explainer)
	has |= bit(ok, explains)
	estimated, ok := s.inner.(adapter.Estimator)
	has |= bit(ok, estimates)
	examined, ok := s.inner.(adapter.Examiner)
	has |= bit(ok, examines)
	written, ok := s.inner.(adapter.Writer)
	has |= bit(ok, writes)
	e, m, w := estimator{s, estimated}, examiner{s, examined}, writer{s, written}
	switch has {
	case explains:
		return struct {
			*source
			adapter.Explainer
		}{s, x}
	case estimates:
		return struct {
			*source
			adapter.Estimator
		}{s, e}
	case examines:
		return struct {
			*source
			adapter.Examiner
		}{s, m}
	case writes:
		return struct {
			*source
			adapter.Writer
		}{s, w}
	case explains | estimates:
		return struct {
			*source
			adapter.Explainer
			adapter.Estimator
		}{s, x, e}
	case explains | examines:
		return struct {
			*source
			adapter.Explainer
			adapter.Examiner
		}{s, x, m}
	case explains | writes:
		return struct {
			*source
			adapter.Explainer
			adapter.Writer
		}{s, x, w}
	case estimates | examines:
		return struct {
			*source
			adapter.Estimator
			adapter.Examiner
		}{s, e, m}
	case estimates | writes:
		return struct {
			*source
			adapter.Estimator
			adapter.Writer
		}{s, e, w}
	case examines | writes:
		return struct {
			*source
			adapter.Examiner
			adapter.Writer
		}{s, m, w}
	case explains | estimates | examines:
		return struct {
			*source
			adapter.Explainer
			adapter.Estimator
			adapter.Examiner
		}{s, x, e, m}
	case explains | estimates | writes:
		return struct {
			*source
			adapter.Explainer
			adapter.Estimator
			adapter.Writer
		}{s, x, e, w}
	case explains | examines | writes:
		return struct {
			*source
			adapter.Explainer
			adapter.Examiner
			adapter.Writer
		}{s, x, m, w}
	case estimates | examines | writes:
		return struct {
			*source
			adapter.Estimator
			adapter.Examiner
			adapter.Writer
		}{s, e, m, w}
	case explains | estimates | examines | writes:
		return struct {
			*source
			adapter.Explainer
			adapter.Estimator
			adapter.Examiner
			adapter.Writer
		}{s, x, e, m, w}
	}
	return s
}

func bit(set bool, b int) int {
	if set {
		return b
	}
	return 0
}
