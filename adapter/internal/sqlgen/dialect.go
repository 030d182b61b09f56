package sqlgen

import "github.com/livetables/livetables/lqp"

// Rep is the representation of a value in a dialect's SQL: which SQL type it has and, for numbers kept as scaled
// integers, its scale. Two expressions with equal Reps can be compared, combined by CASE and COALESCE and grouped
// without conversion. The zero Rep means "none".
type Rep struct {
	Kind  lqp.Kind
	Form  uint8 // the dialect's own enumeration: integer or numeric, timestamp with or without zone, …
	Scale int8  // digits after the point of a scaled integer
	// Binary is set for text whose order the database already knows to be code-point order.
	Binary bool
}

// Storage says how the values of a column stand in the database.
type Storage struct {
	Rep Rep // of the bare column
	// Exact says that every stored value is its own canonical value: the bare column may be compared with anything of
	// the same Rep, grouped and sorted. Without it [Dialect.Canonical] must wrap the column first.
	Exact bool
	// NullExact says that the canonical value is NULL exactly when the stored one is. Exact implies it.
	NullExact bool
	// Opaque, when not empty, says why the column can be fetched and asked for NULL (if NullExact), but nothing more.
	Opaque string
}

// Op is a comparison operator, named as in the function catalogue.
type Op uint8

// The comparison operators.
const (
	Eq Op = iota
	Ne
	Lt
	Le
	Gt
	Ge
)

// Bound is one condition "column Op value" of [Bounds].
type Bound struct {
	Op Op
	// Value is bound as a parameter with Rep. When Const is not empty it is written instead; it must be a constant of
	// the dialect's source code, never anything that a user or a schema said.
	Value lqp.Value
	Rep   Rep
	Const string
}

// Bounds is what a comparison of a bare column with a literal comes to: up to three conditions on the bare column, all of
// which must hold, so that its index can serve them, or the constant FALSE. A stored value that is not canonical (NaN, infinity, finer than the
// canonical precision) must satisfy them exactly when its canonical value satisfies the comparison.
type Bounds struct {
	Never bool // no row satisfies the comparison
	// Implied says that the conditions follow from the comparison but are not all of it. Where only TRUE matters they are
	// written beside the comparison of the canonical value, for an index to serve; elsewhere they are left out.
	Implied bool
	N       int // how many of Bound are used
	Bound   [3]Bound
}

// Add appends a condition.
func (b *Bounds) Add(c Bound) { b.Bound[b.N] = c; b.N++ }

// Features are a dialect's facts that are not about one expression.
type Features struct {
	// NullsLargest says that the database sorts NULL after all values when ascending (PostgreSQL); otherwise NULL is the
	// smallest value (SQLite, MySQL). The emitter spells NULLS FIRST and NULLS LAST where the wanted order differs.
	NullsLargest bool
	// RowValues says that (a, b) > (x, y) is understood and served by an index.
	RowValues bool
	// True and False are the spellings of the constants in a condition.
	True, False string
	// DistinctFrom is the operator that is the exact negation of a null-safe equality, "IS DISTINCT FROM" when empty.
	DistinctFrom string
	// NullSafeEqual is the operator that also finds NULL equal to NULL, where it serves joins with an index (MySQL's <=>).
	// Its negation is then spelled NOT (…) and DistinctFrom is not used.
	NullSafeEqual string
	// NoNullsClause says that NULLS FIRST and NULLS LAST are not understood: another order of NULLs becomes a key of its own.
	NoNullsClause bool
	// ShortGroups says that texts are grouped by no more than what sorting looks at: those that may be longer are grouped
	// in memory.
	ShortGroups bool
	// HavingKey is the start of an aggregate, such as "MIN(", in which group keys stand in HAVING, where the database
	// knows no other expressions. All rows of a group have the same key.
	HavingKey string
	// JoinFirst, when not empty, is a join whose left table is read first, " STRAIGHT_JOIN ": the database makes better use of
	// what a small table says by it than by a subquery in a condition.
	JoinFirst string
	// LazyNulls: whether something is NULL is answered without computing it where nothing in it is NULL, so that an overflow
	// of floats, which is our NULL, stays unseen.
	LazyNulls bool
	// RoundsKeys: an index of a number is searched by a value rounded to its digits, and what is found is not compared again.
	RoundsKeys bool
	// LeftConstants says that a constant which a nested query shows stays what it is in rows where a left join found no
	// partner (MySQL): such joins are done in memory.
	LeftConstants bool
	// Derive says that functions which others can say are said by them, rather than asked of the dialect.
	Derive bool
	// UnlimitedOffset is written before OFFSET when a query has an offset and no limit ("LIMIT -1" in SQLite), with a blank at its end.
	UnlimitedOffset string
}

// Context says what of a condition matters.
type Context uint8

// The emission contexts.
const (
	// WhenTrue: only TRUE matters; FALSE and NULL may be mixed up. Where, join conditions and CASE WHEN.
	WhenTrue Context = iota
	// WhenFalse: the emitted condition is the negation of the expression, and only the negation's TRUE matters.
	WhenFalse
	// AsValue: the condition is shown, grouped, sorted or compared and must be TRUE or FALSE, never NULL.
	AsValue
)

// Dialect is what differs between SQL databases. Implementations are immutable and safe for concurrent use. Methods that
// take an [Emitter] append to it; those that answer ok=false must have called [Emitter.Fail] with a reason that a person
// understands ("upper() maps letters differently here"); what they appended before is dropped.
type Dialect interface {
	Features() Features

	// AppendIdent appends one quoted identifier. It must be safe for every text that a schema can contain.
	AppendIdent(dst []byte, name string) []byte
	// AppendPlaceholder appends the n-th parameter (counted from 1) with the cast that gives it Rep r, if one is needed.
	// Placeholders are numbered ($1, ?1): the same one may be written several times and in any order.
	AppendPlaceholder(dst []byte, n int, r Rep) []byte

	// Storage says how a column is stored. Cheap: it is asked for every reference. t is the column's table.
	Storage(t *lqp.Table, c *lqp.Column) Storage
	// Canonical turns the bare column that was emitted from start on into its canonical value ([Emitter.Wrap]) and
	// returns the representation of that. It is called only for columns that are neither Exact nor Opaque.
	Canonical(e *Emitter, start int, s Storage) Rep
	// Fetch turns the bare column that was emitted from start on into what Rows can decode. Opaque columns come here too.
	// Most dialects do nothing for most columns.
	Fetch(e *Emitter, start int, s Storage)
	// Bounds answers the comparison of a bare column with a literal that is not NULL and not of another kind, except that
	// numbers and floats, dates and datetimes may meet. Op is never Ne. ok=false means that there is no such form: the
	// emitter then compares canonical values.
	Bounds(op Op, s Storage, v lqp.Value) (b Bounds, ok bool)

	// Literal says in which representation a literal that is not NULL is bound when it meets an expression of
	// representation like (the zero Rep: nothing in particular). reason is not empty when it cannot be bound.
	Literal(v lqp.Value, like Rep) (r Rep, reason string)
	// Null appends a NULL that has the type of an expression of type t, and returns its representation.
	Null(e *Emitter, t lqp.Type) (r Rep, ok bool)
	// Unify says in which common representation values of a and b can be compared, or that they cannot. It is not called
	// for equal ones.
	Unify(a, b Rep) (r Rep, ok bool)
	// Convert turns the canonical value emitted from start on from one representation into another that Unify answered,
	// without changing the value.
	Convert(e *Emitter, start int, from, to Rep) bool
	// Ordered prepares the left operand of < and its kin, emitted from start on, for canonical order, say by a collation.
	Ordered(e *Emitter, start int, r Rep)
	// SortKey prepares an expression of type t, emitted from start on, for ORDER BY and keyset comparisons: by a collation,
	// and for texts that may be longer than 255 code points by cutting them there ([SortCut]).
	SortKey(e *Emitter, start int, r Rep, t lqp.Type)
	// Equals prepares the left operand of an equality or a group key likewise: usually nothing is needed, a text column
	// with a case-insensitive collation needs another one. The right operand is emitted after it.
	Equals(e *Emitter, start int, r Rep)

	// In appends " IN (…)" or the like after an operand of representation r emitted from start on, for one or more values
	// that are not NULL and are all bound in r ([Emitter.InParams] is the usual form).
	In(e *Emitter, start int, r Rep, items []lqp.Value)

	// Call emits a function or operator that the emitter does not know itself, its arguments through [Emitter.Value] and
	// [Emitter.ValueAs]. The emitter knows: eq ne lt le gt ge, and or not xor, in between, is_null, is_blank of
	// scalars, true false blank, if ifs switch coalesce zn. A boolean result may be NULL where it should be FALSE: the
	// emitter sees to that; ctx is WhenTrue if nobody will see the value (then an index-friendly form may be chosen),
	// else AsValue. The result's representation is returned.
	Call(e *Emitter, c *lqp.Call, ctx Context) (r Rep, ok bool)
	// Aggregate emits an aggregate, its argument through the emitter as well; a.Filter is written by the dialect
	// ([Emitter.Filter] appends the usual clause).
	Aggregate(e *Emitter, a *lqp.Aggregate) (r Rep, ok bool)
}

// EqualColumns is implemented by dialects in which the equality of two bare columns says something that the equality of
// their canonical values implies: an index can then serve a join.
type EqualColumns interface {
	// ImpliedEqual reports that whenever the canonical values of the columns are equal and not NULL, a = b holds for what
	// is stored.
	ImpliedEqual(a, b Output) bool
}

// NullKeys is implemented by dialects that lose the group of NULL.
type NullKeys interface {
	// NullKey says why rows are not grouped by a computed value of that representation which may be NULL, nothing where
	// they are.
	NullKey(r Rep) (reason string)
}

// Filled is implemented by dialects that know of columns without NULLs whose types would allow them.
type Filled interface {
	// Filled reports that a column holds no NULL in the rows that the statement will read.
	Filled(t *lqp.Table, c *lqp.Column) bool
}

// Arg is one bound parameter: a canonical value and the representation in which the adapter must send it.
type Arg struct {
	Value lqp.Value
	Rep   Rep
}

// Output describes one result column of a statement.
type Output struct {
	Type lqp.Type
	// Storage is set for a bare column: what arrives is the stored value, not the canonical one. For every other
	// expression it is Exact with the Rep of the canonical value.
	Storage Storage
	// Column is the schema's column of a bare column, else nil.
	Column *lqp.Column
}

// Statement is a compiled query.
type Statement struct {
	SQL     string
	Args    []Arg // in the order of their numbers
	Columns []Output
}
