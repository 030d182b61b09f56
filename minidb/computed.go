package minidb

import (
	"encoding/json"
	"fmt"

	"github.com/livetables/livetables/lqp"
)

// The columns whose values the mini-DB computes from others and keeps in the row, so that they are filtered, sorted,
// indexed and exported like any other. A write that changes what they read changes them in the same transaction.

// Through says of a lookup, rollup or count column which rows of another table it looks at, and at what of them.
type Through struct {
	// Link is the id of a link column of the same table. On input a name will do.
	Link string `json:"link"`
	// Target is the id of the column of the linked table whose values a lookup lists and a rollup aggregates; a count has none.
	// On input a name will do.
	Target string `json:"target,omitempty"`
	// Aggregate is the function of a rollup, one of lqp.Aggregates by name: "sum", "max", "count_unique".
	Aggregate string `json:"aggregate,omitempty"`
	// Filter is a condition over the columns of the linked table that linked rows must satisfy to be looked at, empty for all.
	Filter string `json:"filter,omitempty"`
	// FilterExpr is the tree of Filter, worked out from it.
	FilterExpr json.RawMessage `json:"filter_expr,omitempty"`
}

// ResultType is the type of a computed column's values. It is worked out, never given.
type ResultType struct {
	Type      string `json:"type"` // as lqp.Type.String writes it: "number", "list<text>"
	Precision int    `json:"precision,omitempty"`
	Scale     int    `json:"scale,omitempty"`
	MaxLength int    `json:"max_length,omitempty"`
}

// Computed reports whether columns of this type are computed from others. Nobody writes them; see also Filled.
func (t ColumnType) Computed() bool { return t == FormulaColumn || t.looks() }

// looks reports whether columns of this type look at linked rows.
func (t ColumnType) looks() bool {
	return t == LookupColumn || t == RollupColumn || t == CountColumn
}

// through is what the column looks at; nothing for a column that looks at nothing.
func (c *Column) through() *Through {
	if c.Options.Through == nil {
		return &Through{}
	}
	return c.Options.Through
}

const (
	// resultDigits and resultScale are enough for every number of a plan.
	resultDigits = maxPrecision
	resultScale  = maxScale
)

// resultOf is the type in which values of a type are kept, or what is wrong with it.
func resultOf(t lqp.Type) (*ResultType, error) {
	r := &ResultType{Type: t.Nullable().String()}
	switch t.Kind {
	case lqp.Bool, lqp.Float, lqp.Date, lqp.DateTime:
	case lqp.Number:
		switch {
		case t.Integer():
			r.Precision = intPrecision
		case t.Precision > 0 && t.Precision <= smallPrecision && t.Scale >= 0 && t.Scale <= maxScale:
			r.Precision, r.Scale = t.Precision, t.Scale
		default:
			r.Precision, r.Scale = resultDigits, resultScale
		}
	case lqp.Text:
		// Two lengths only: a column that is read may get longer texts without the results having to be kept anew.
		r.MaxLength = lqp.MaxText
		if t.MaxLen > 0 && t.MaxLen <= lqp.OrderPrefix {
			r.MaxLength = lqp.OrderPrefix
		}
	case lqp.List:
		if t.Elem == lqp.Null {
			r.Type = lqp.Type{Kind: lqp.List, Elem: lqp.Text}.String()
		}
	case lqp.Null:
		return nil, fmt.Errorf("it is always empty")
	default:
		return nil, fmt.Errorf("a %s cannot be kept", t)
	}
	return r, nil
}

// typ is the plan's type of the values.
func (r *ResultType) typ() lqp.Type {
	if r == nil { // not worked out yet
		return lqp.Type{Kind: lqp.Text, MaxLen: lqp.MaxText}
	}
	t := lqp.Type{Precision: r.Precision, Scale: r.Scale, MaxLen: r.MaxLength}
	if k, ok := lqp.ParseKind(r.Type); ok {
		t.Kind = k
		return t
	}
	t.Kind = lqp.List
	for k := lqp.Bool; k <= lqp.DateTime; k++ {
		if (lqp.Type{Kind: lqp.List, Elem: k}).String() == r.Type {
			t.Elem = k
		}
	}
	return t
}

// kept is a computed value as it is stored: an empty text or list is no value, as in any other cell.
func kept(v lqp.Value) lqp.Value {
	switch {
	case v.Kind() == lqp.Text && v.Text() == "", v.Kind() == lqp.List && len(v.Items()) == 0:
		return lqp.Value{}
	}
	return v
}

// checkComputed checks the options of a computed column for themselves; what they name is for compile.
func (c *Column) checkComputed() error {
	o := &c.Options
	if !c.Type.Computed() {
		if o.Formula != "" || len(o.Expr) > 0 || o.Through != nil || o.Result != nil || o.Broken != "" {
			return invalid("options", CodeOption, "a %s column is not computed: it has neither formula nor through", c.Type)
		}
		return nil
	}
	if c.Type == FormulaColumn {
		switch {
		case o.Through != nil:
			return invalid("options", CodeOption, "a formula column has no through")
		case o.Formula == "" && len(o.Expr) == 0:
			return invalid("options.formula", CodeRequired, "a formula column has a formula")
		}
		return nil
	}
	if o.Formula != "" || len(o.Expr) > 0 {
		return invalid("options", CodeOption, "a %s column has no formula", c.Type)
	}
	th := o.Through
	switch {
	case th == nil || th.Link == "":
		return invalid("options.through", CodeRequired, "a %s column names the link that it goes through", c.Type)
	case c.Type == CountColumn && th.Target != "":
		return invalid("options.through.target", CodeOption, "a count column counts rows: it has no target")
	case c.Type != CountColumn && th.Target == "":
		return invalid("options.through.target", CodeRequired, "a %s column names a column of the linked table", c.Type)
	case c.Type != RollupColumn && th.Aggregate != "":
		return invalid("options.through.aggregate", CodeOption, "a %s column has no aggregate", c.Type)
	}
	if c.Type == RollupColumn {
		if _, ok := lqp.LookupAggregate(th.Aggregate); !ok {
			return invalid("options.through.aggregate", CodeOption, "%q is no aggregate", cleanText(th.Aggregate, maxLook))
		}
	}
	return nil
}

// clone is a copy that shares nothing with the original.
func (th *Through) clone() *Through {
	if th == nil {
		return nil
	}
	c := *th
	return &c
}
