package formula

import (
	"slices"
	"strconv"
	"strings"

	"github.com/livetables/livetables/lqp"
)

// Definition is one formula of a set that may read each other, such as the computed columns of a table.
type Definition struct {
	ID   string   // by which other formulas read it, as the Column of an [lqp.Col]
	Name string   // for messages, ID when empty
	Expr lqp.Expr // nil reads nothing
}

// Dependencies knows which formulas of a set read which. It is immutable.
type Dependencies struct {
	defs  []Definition
	order []int          // places in defs, read formulas before those that read them
	at    map[string]int // place in defs of an id
	reads [][]string     // ids that each definition reads, formulas and plain columns
	level []int          // 0 for a formula that reads no other one, else one more than the highest that it reads
}

// CycleError says that formulas read each other in a circle. Of several circles it names the first one.
type CycleError struct {
	// IDs and Names are the formulas of the circle, each reading the next and the last one the first.
	IDs, Names []string
}

// Error names the whole way: `"a" uses "b" uses "a"`.
func (e *CycleError) Error() string {
	way := make([]string, 0, len(e.Names)+1)
	for _, n := range append(slices.Clone(e.Names), e.Names[0]) {
		way = append(way, strconv.Quote(n))
	}
	return "formulas depend on each other in a circle: " + strings.Join(way, " uses ")
}

// Unwrap is the same report as an [lqp.Problem] without a path.
func (e *CycleError) Unwrap() error { return lqp.Problem{Code: lqp.CodeCycle, Message: e.Error()} }

// Reads lists the ids of the columns that an expression reads, each once, from left to right.
func Reads(e lqp.Expr) []string {
	var ids []string
	seen := map[string]bool{}
	for _, c := range lqp.Columns(e) {
		if !seen[c.Column] {
			seen[c.Column] = true
			ids = append(ids, c.Column)
		}
	}
	return ids
}

// Depend finds the order in which formulas can be computed: each after those that it reads, and else as they are given.
// Columns that are no formula of the set are read without further question. Of two definitions with one id the last
// counts. The error is a [*CycleError].
func Depend(defs []Definition) (*Dependencies, error) {
	d := &Dependencies{defs: slices.Clone(defs), at: make(map[string]int, len(defs)), reads: make([][]string, len(defs)), level: make([]int, len(defs))}
	for i := range d.defs {
		if d.defs[i].Name == "" {
			d.defs[i].Name = d.defs[i].ID
		}
		d.at[d.defs[i].ID] = i
		d.reads[i] = Reads(d.defs[i].Expr)
	}
	state := make([]visit, len(defs))
	for i := range defs {
		if err := d.visit(i, state); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// visit is what is known of a definition while the order is being found.
type visit uint8

const (
	unseen visit = iota
	busy         // one of those that it reads is being visited
	done
)

// visit puts what a definition reads before itself, on a stack of its own: chains may be as long as a table is wide.
func (d *Dependencies) visit(start int, state []visit) error {
	type frame struct{ def, next int }
	if state[start] == done {
		return nil
	}
	way := []frame{{def: start}}
	state[start] = busy
	for len(way) > 0 {
		top := &way[len(way)-1]
		if top.next == len(d.reads[top.def]) {
			state[top.def] = done
			d.order = append(d.order, top.def)
			way = way[:len(way)-1]
			if len(way) > 0 {
				above := way[len(way)-1].def
				d.level[above] = max(d.level[above], d.level[top.def]+1)
			}
			continue
		}
		read, ok := d.at[d.reads[top.def][top.next]]
		top.next++
		switch {
		case !ok:
		case state[read] == done:
			d.level[top.def] = max(d.level[top.def], d.level[read]+1)
		case state[read] == busy:
			e := &CycleError{}
			for _, f := range way {
				if f.def == read || len(e.IDs) > 0 {
					e.IDs, e.Names = append(e.IDs, d.defs[f.def].ID), append(e.Names, d.defs[f.def].Name)
				}
			}
			return e
		default:
			state[read] = busy
			way = append(way, frame{def: read})
		}
	}
	return nil
}

// Order lists the ids in an order in which the formulas can be computed.
func (d *Dependencies) Order() []string {
	ids := make([]string, 0, len(d.order))
	for _, i := range d.order {
		ids = append(ids, d.defs[i].ID)
	}
	return ids
}

// Level is 0 for a formula that reads no other one, else one more than the highest level among those that it reads; 0 for
// an unknown id.
func (d *Dependencies) Level(id string) int {
	if i, ok := d.at[id]; ok {
		return d.level[i]
	}
	return 0
}

// Affected lists the formulas that must be computed again when columns change, in the order in which they can be: those
// that read one of them, directly or by way of other formulas. A formula that is itself among changed is not listed
// unless it reads another one.
func (d *Dependencies) Affected(changed ...string) []string {
	stale := make(map[string]bool, len(changed))
	for _, id := range changed {
		stale[id] = true
	}
	var ids []string
	for _, i := range d.order {
		if slices.ContainsFunc(d.reads[i], func(id string) bool { return stale[id] }) {
			stale[d.defs[i].ID] = true
			ids = append(ids, d.defs[i].ID)
		}
	}
	return ids
}
