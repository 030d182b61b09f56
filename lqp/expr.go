package lqp

import "time"

// Expr is a node of the one expression language: view filters, computed columns, row rules, join conditions, having and
// defaults are all Exprs. The concrete types are [*Lit], [*Col], [*Call], [*ListLit] and [*Param]; no other package can
// add one. Expressions are immutable once built and may be shared between plans and goroutines.
type Expr interface {
	// Type is the expression's static type. Before [Bind] a column's type is unknown: the zero Type.
	Type() Type
	expr()
}

// Lit is a constant. Its kind may be Null (the literal NULL).
type Lit struct {
	Val Value
	typ Type
}

// Col refers to a column. Unbound, Column is a name or an id and Source an alias or empty. Bound, Source is the alias of
// a source in the same block and Column an id of its schema; in a block with groups, Having, Select and OrderBy refer to
// the group keys and aggregates with an empty Source and the name as Column.
type Col struct {
	Source string
	Column string
	// From and To are the code-point offsets of the reference in the text it was parsed from, both 0 when there is none.
	From, To int
	typ      Type
	slot     int // 1 + place in the row, 0 before Resolve
}

// Call applies a function of the catalogue ([LookupFunction]) to its arguments. Operators are calls too: add sub mul div
// mod neg power concat eq ne lt le gt ge.
type Call struct {
	Func     string
	Args     []Expr
	From, To int // code-point offsets in the source text, as in Col
	typ      Type
	zone     *time.Location // zone of the date functions, nil for UTC; set by InZone
	fn       *Function      // the function named Func, a cache
}

// ListLit is a list of literals, the right-hand side of in and has_any.
type ListLit struct {
	Items []*Lit
	typ   Type
}

// Param is a constant of the plan's run: "now", "today" or "current_user", or "user.NAME" for a named attribute of the
// principal. [Bind] replaces it by a literal.
type Param struct {
	Name     string
	From, To int
}

func (*Lit) expr()     {}
func (*Col) expr()     {}
func (*Call) expr()    {}
func (*ListLit) expr() {}
func (*Param) expr()   {}

// Type implements [Expr].
func (e *Lit) Type() Type { return e.typ }

// Type implements [Expr].
func (e *Col) Type() Type { return e.typ }

// Type implements [Expr].
func (e *Call) Type() Type { return e.typ }

// Type implements [Expr].
func (e *ListLit) Type() Type { return e.typ }

// Type implements [Expr].
func (e *Param) Type() Type { return Type{} }
