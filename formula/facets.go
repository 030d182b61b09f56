package formula

import (
	"slices"
	"strings"

	"github.com/livetables/livetables/lqp"
)

// Facets is what is known of a formula without running it. Whether a source can compute it is not among them: that depends
// on the source, and its explanation of a query says so.
type Facets struct {
	// Type is the kind of the answer with its static facts: digits, scale, longest text, whether it can be NULL, whether it
	// is ASCII.
	Type lqp.Type
	// Columns are the columns that the formula reads, each once, from left to right; their Column is an id.
	Columns []*lqp.Col
	// Parameters are the parameters of the run that it reads, sorted: "now", "today", "current_user", "user.NAME".
	Parameters []string
	// Functions are the functions that it calls, operators included, sorted, each once.
	Functions []string
	// Constant says that it reads no columns and no parameters: the same on every row for ever.
	Constant bool
	// Volatile says that it reads the clock: its answer may change although no row does.
	Volatile bool
	// Personal says that it reads who is asking: its answer may differ from one user to the next.
	Personal bool
	// Zoned says that its answer may depend on the time zone of the query.
	Zoned bool
	// Approximate says that it computes with floats, whose last digits are not exact.
	Approximate bool
	// Metered says that it works with texts or lists, so that [lqp.MaxWork] may make it NULL.
	Metered bool
	// Nodes and Depth are the size of the bound tree.
	Nodes, Depth int
}

// Deterministic reports whether the same row gives the same answer whenever and by whomever it is asked for: what an
// index or a stored value needs.
func (f Facets) Deterministic() bool { return len(f.Parameters) == 0 }

// FacetsOf looks at an expression as it was written, with its parameters, and as it was bound.
func FacetsOf(written, bound lqp.Expr) Facets {
	f := Facets{}
	if bound == nil {
		return f
	}
	f.Type = bound.Type()
	lqp.Walk(written, func(n lqp.Expr) bool {
		if p, ok := n.(*lqp.Param); ok {
			f.parameter(p.Name)
		}
		return true
	})
	seen := map[[2]string]bool{}
	lqp.Walk(bound, func(n lqp.Expr) bool {
		f.Nodes++
		switch n := n.(type) {
		case *lqp.Col:
			if key := [2]string{n.Source, n.Column}; !seen[key] {
				seen[key] = true
				f.Columns = append(f.Columns, n)
			}
		case *lqp.Call:
			f.call(n)
		}
		f.Approximate = f.Approximate || n.Type().Kind == lqp.Float
		return true
	})
	f.Depth = depth(bound)
	slices.Sort(f.Parameters)
	slices.Sort(f.Functions)
	f.Constant = len(f.Columns) == 0 && len(f.Parameters) == 0
	return f
}

func (f *Facets) parameter(name string) {
	if !slices.Contains(f.Parameters, name) {
		f.Parameters = append(f.Parameters, name)
	}
	f.Volatile = f.Volatile || name == "now" || name == "today"
	f.Personal = f.Personal || name == "current_user" || strings.HasPrefix(name, userAttribute)
}

func (f *Facets) call(c *lqp.Call) {
	if !slices.Contains(f.Functions, c.Func) {
		f.Functions = append(f.Functions, c.Func)
	}
	fn := c.Function()
	if fn == nil {
		return
	}
	f.Metered = f.Metered || fn.Metered()
	if fn.Zoned && slices.ContainsFunc(c.Args, func(a lqp.Expr) bool { return dated(a.Type()) }) || fn.Name == "datetime_parse" || fn.Name == "to_datetime" {
		f.Zoned = true
	}
}

// dated reports whether values of the type can depend on a zone in a function that does, such as a comparison.
func dated(t lqp.Type) bool {
	return t.Kind == lqp.Date || t.Kind == lqp.DateTime || t.Kind == lqp.List && (t.Elem == lqp.Date || t.Elem == lqp.DateTime)
}

// depth is the count of levels of the tree. Its recursion is bounded as that of binding is.
func depth(e lqp.Expr) int {
	most := 0
	if c, ok := e.(*lqp.Call); ok {
		for _, a := range c.Args {
			most = max(most, depth(a))
		}
	}
	return most + 1
}
