package sqlgen

import (
	"strings"

	"github.com/livetables/livetables/lqp"
)

// Holes are the places of a statement's arguments that are filled anew each time.
type Holes []hole

type hole struct{ arg, value int }

// HolesOf finds the arguments that are one of some texts. ok is false when one of the texts is no argument, or a part of something
// else: then another text could not simply be put in its place.
func HolesOf(st *Statement, texts []lqp.Value) (holes Holes, ok bool) {
	for v, text := range texts {
		s, found := text.Text(), false
		if s == "" || strings.Contains(st.SQL, s) {
			return nil, false
		}
		for a := range st.Args {
			switch arg := &st.Args[a]; {
			case arg.Value.Kind() == lqp.Text && arg.Value.Text() == s:
				holes, found = append(holes, hole{arg: a, value: v}), true
			case strings.Contains(arg.Value.String(), s):
				return nil, false
			}
		}
		if !found {
			return nil, false
		}
	}
	return holes, true
}

// Fill is the arguments with values in the holes.
func (h Holes) Fill(args []Arg, values []lqp.Value) []Arg {
	if len(h) == 0 {
		return args
	}
	filled := append(make([]Arg, 0, len(args)), args...)
	for _, at := range h {
		filled[at.arg].Value = values[at.value]
	}
	return filled
}

// Size is about how many bytes of memory a statement takes.
func (st *Statement) Size() int { return len(st.SQL) + 64*len(st.Args) + 160*len(st.Columns) }
