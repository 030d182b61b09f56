package rewrite

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/rbac"
)

// Alias is the source that the expressions of a [Sight] speak of.
const Alias = "t"

// Reader is who looks at tables, under which policy and when. Now is the instant that now() and today() mean in rules.
type Reader struct {
	Principal rbac.Principal
	Policy    *rbac.Policy
	Now       time.Time

	timed func() // called when a rule asks for Now, nil for nobody
}

func (r Reader) env() lqp.Env {
	return lqp.Env{Now: r.Now, Timed: r.timed, User: r.Principal.ID, Attribute: func(name string) (lqp.Value, bool) {
		return r.Policy.Attribute(r.Principal, name)
	}}
}

// BrokenError says that a rule of a table does not compile for a principal, which closes the table. It wraps [ErrNoTable]:
// for the principal the table is not there.
type BrokenError struct {
	Table rbac.TableRef
	Err   error
}

// Error implements error.
func (e *BrokenError) Error() string {
	return fmt.Sprintf("a rule of %s does not compile: %v", e.Table.Table, e.Err)
}

// Unwrap is ErrNoTable.
func (e *BrokenError) Unwrap() error { return ErrNoTable }

// Sight is one table as one principal sees it: which columns there are, which rows, and what masked columns show. Every path
// to rows goes through it: plans, results of writes, events, history, schema listings. A Sight is immutable and may be
// shared; [Reader.Look] is the only way to one.
type Sight struct {
	ref     rbac.TableRef
	role    rbac.Role
	full    *lqp.Table
	seen    *lqp.Table
	rule    rbac.TableRule
	read    lqp.Expr            // nil for every row
	masks   map[string]lqp.Expr // of masked columns, over the real row
	parts   map[string]part     // of masked columns with links some of which are in sight
	reader  Reader
	visible lqp.Expr // read with its columns placed
	shown   []cell   // for every column of seen; nil when seen is full
}

// cell is what a column of a row shows: the value at a place of the real row, or a mask over it.
type cell struct {
	at   int
	mask lqp.Expr
}

// Look binds the policy of a table. Its error is ErrNoTable for a table that is closed to the principal, and a *BrokenError,
// which is ErrNoTable too, for one with a rule or a mask that does not compile, because a column is gone or the principal
// lacks an attribute. ref names the table for the policy, t has all its columns.
func (r Reader) Look(ref rbac.TableRef, t *lqp.Table) (*Sight, error) {
	rule := r.Policy.Table(r.Principal, ref)
	if rule.Closed {
		return nil, ErrNoTable
	}
	rule, parts := r.withoutOrigins(ref, t, rule)
	s := &Sight{ref: ref, role: r.Policy.Role(r.Principal), full: t, seen: t, rule: rule, parts: parts, reader: r}
	var err error
	if s.read, err = r.predicate(rule.Read, t); err != nil {
		return nil, &BrokenError{ref, fmt.Errorf("the row rule: %w", err)}
	}
	if s.visible, err = s.place(s.read); err != nil {
		return nil, &BrokenError{ref, err}
	}
	if len(rule.Columns) > 0 {
		if err := s.narrow(); err != nil {
			return nil, &BrokenError{ref, err}
		}
	}
	s.reader.timed = nil // a sight lives longer than who asked for it
	return s, nil
}

// predicate binds a rule to all columns of a table. Its time zone is UTC: whoever asks the query chooses the query's zone and
// must not move a rule's days with it.
func (r Reader) predicate(e lqp.Expr, t *lqp.Table) (lqp.Expr, error) {
	if e == nil {
		return nil, nil
	}
	bound, err := r.bind(e, t)
	if err != nil {
		return nil, err
	}
	if k := bound.Type().Kind; k != lqp.Bool && k != lqp.Null {
		return nil, fmt.Errorf("it is a %s and not a condition", k)
	}
	return bound, nil
}

// bind binds an expression whose columns are all of the table, whatever source they name.
func (r Reader) bind(e lqp.Expr, t *lqp.Table) (lqp.Expr, error) {
	e = lqp.Rewrite(e, func(e lqp.Expr) lqp.Expr {
		if c, ok := e.(*lqp.Col); ok {
			return lqp.Ref(Alias, c.Column)
		}
		return e
	})
	return lqp.BindExpr(e, lqp.Scope{{Alias: Alias, Columns: t.Columns, Key: t.Key}}, r.env())
}

// place gives the columns of a bound expression their places in the real row.
func (s *Sight) place(e lqp.Expr) (lqp.Expr, error) {
	if e == nil {
		return nil, nil
	}
	return lqp.Resolve(e, func(c *lqp.Col) (int, error) {
		if at := slices.IndexFunc(s.full.Columns, func(o lqp.Column) bool { return o.ID == c.Column }); at >= 0 {
			return at, nil
		}
		return 0, fmt.Errorf("column %s is gone", c.Column)
	})
}

// hides reports whether an access leaves nothing of a column. What is none of the accesses hides.
func hides(a rbac.Access) bool { return a != "" && a != rbac.Masked && a != rbac.ReadOnly }

// narrow applies the column rules: hidden columns are not there, masked ones are their masks. Keys, unique and foreign keys and
// versions that need one of them are gone.
func (s *Sight) narrow() error {
	t, rule := s.full, s.rule
	touched := func(id string) bool { a := rule.Columns[id]; return hides(a) || a == rbac.Masked }
	if !slices.ContainsFunc(t.Columns, func(c lqp.Column) bool { return touched(c.ID) }) {
		return nil
	}
	v := *t
	v.Columns = make([]lqp.Column, 0, len(t.Columns))
	for i, c := range t.Columns {
		switch {
		case hides(rule.Columns[c.ID]):
			continue
		case rule.Columns[c.ID] == rbac.Masked:
			mask, err := s.reader.mask(rule.Masks[c.ID], t, &c)
			if err != nil {
				return fmt.Errorf("the mask of column %s: %w", c.ID, err)
			}
			placed, err := s.place(mask)
			if err != nil {
				return fmt.Errorf("the mask of column %s: %w", c.ID, err)
			}
			if s.masks == nil {
				s.masks = map[string]lqp.Expr{}
			}
			s.masks[c.ID] = mask
			s.shown = append(s.shown, cell{mask: placed})
			// What the source says of the column is said of its values, which are not shown.
			p, ok := s.parts[c.ID]
			c = lqp.Column{ID: c.ID, Name: c.Name, Type: mask.Type(), ReadOnly: !ok || p.readOnly, Comment: c.Comment}
		default:
			s.shown = append(s.shown, cell{at: i})
		}
		v.Columns = append(v.Columns, c)
	}
	if slices.ContainsFunc(t.Key, touched) {
		v.Key = nil
	}
	if touched(t.Version) {
		v.Version = ""
	}
	v.Uniques = slices.DeleteFunc(slices.Clone(t.Uniques), func(u []string) bool { return slices.ContainsFunc(u, touched) })
	v.ForeignKeys = slices.DeleteFunc(slices.Clone(t.ForeignKeys), func(f lqp.ForeignKey) bool { return slices.ContainsFunc(f.Columns, touched) })
	s.seen = &v
	return nil
}

// mask binds the mask of a column; none is NULL.
func (r Reader) mask(e lqp.Expr, t *lqp.Table, c *lqp.Column) (lqp.Expr, error) {
	if e == nil {
		return lqp.TypedNull(lqp.Type{Kind: c.Type.Kind, Elem: c.Type.Elem}), nil
	}
	bound, err := r.bind(e, t)
	if err != nil {
		return nil, err
	}
	switch got := bound.Type(); {
	case got.Kind == lqp.Null:
		return lqp.TypedNull(lqp.Type{Kind: c.Type.Kind, Elem: c.Type.Elem}), nil
	case !got.Same(c.Type):
		return nil, fmt.Errorf("it is a %s, the column a %s", got, c.Type)
	}
	return bound, nil
}

// CheckMask reports what is wrong with a mask for a column of a table, for whoever stores it: problems of its expression as
// lqp.Problems, another type than the column's, or a column that names the row and cannot be masked. A nil mask is right: it
// shows NULL.
func CheckMask(e lqp.Expr, t *lqp.Table, column string, r Reader) error {
	c := t.Column(column)
	switch {
	case c == nil:
		return fmt.Errorf("there is no column %q", column)
	case c.Type.Kind == lqp.Bytes || c.Type.Kind == lqp.JSON:
		if e != nil {
			return errors.New("a column of " + c.Type.String() + " can only be masked by nothing")
		}
	}
	_, err := r.mask(e, t, c)
	return err
}

// Table is the table with the columns that the principal sees, masked ones with what is known of their masks. It is t itself
// where nothing is hidden. The estimate of rows is that of the whole table and not for showing where Narrows says so.
func (s *Sight) Table() *lqp.Table { return s.seen }

// Narrows reports whether a rule keeps rows of the table from the principal.
func (s *Sight) Narrows() bool { return s.read != nil }

// Shows reports whether the principal sees the real values of a column.
func (s *Sight) Shows(column string) bool {
	a := s.rule.Columns[column]
	return !hides(a) && a != rbac.Masked
}

// Access is what remains of a column: empty for all of it. Whatever hides is Hidden.
func (s *Sight) Access(column string) rbac.Access {
	a := s.rule.Columns[column]
	if hides(a) {
		return rbac.Hidden
	}
	return a
}

// Whole reports whether no rule takes anything of the table's rows and columns from what the principal reads.
func (s *Sight) Whole() bool { return s.read == nil && s.seen == s.full }

// Sees reports whether a real row, in the order of the whole table's columns, is there for the principal.
func (s *Sight) Sees(row []lqp.Value) bool {
	return s.read == nil || lqp.Truth(lqp.Eval(s.visible, row))
}

// Show is what the principal sees of a real row, in the order of Table's columns. A nil row stays nil. The answer may be
// the row itself.
func (s *Sight) Show(row []lqp.Value) []lqp.Value {
	if row == nil || s.seen == s.full {
		return row[:min(len(row), len(s.full.Columns))] // a table may keep more in its rows than it has columns
	}
	out := make([]lqp.Value, len(s.shown))
	for i, c := range s.shown {
		if c.mask != nil {
			out[i] = lqp.Eval(c.mask, row)
		} else {
			out[i] = row[c.at]
		}
	}
	return out
}

// Bind binds a condition of the principal's own over what it sees, and answers with the same condition over the real row: masked
// columns in it are their masks. Both speak of the source [Alias].
func (s *Sight) Bind(e lqp.Expr) (lqp.Expr, error) {
	bound, err := lqp.BindExpr(e, lqp.Scope{{Alias: Alias, Columns: s.seen.Columns}}, s.reader.env())
	if err != nil {
		return nil, err
	}
	return s.unmask(bound, Alias), nil
}

// unmask puts masks in the place of masked columns of the source that is called alias.
func (s *Sight) unmask(e lqp.Expr, alias string) lqp.Expr {
	if len(s.masks) == 0 || e == nil {
		return e
	}
	return lqp.Rewrite(e, func(e lqp.Expr) lqp.Expr {
		c, ok := e.(*lqp.Col)
		if !ok || c.Source != alias {
			return e
		}
		if mask, ok := s.masks[c.Column]; ok {
			return requalify(mask, alias)
		}
		return e
	})
}

// Guard are the predicates of the table's rule over the real row, for whoever checks writes; nil is true. They speak of the
// source [Alias]. The error is a *BrokenError.
type Guard struct{ Read, Create, Update, Delete lqp.Expr }

// Guard binds what a write is checked with.
func (s *Sight) Guard() (Guard, error) {
	g := Guard{Read: s.read}
	for _, part := range []struct {
		name  string
		rule  lqp.Expr
		bound *lqp.Expr
	}{{"create", s.rule.Create, &g.Create}, {"update", s.rule.Update, &g.Update}, {"delete", s.rule.Delete, &g.Delete}} {
		e, err := s.reader.predicate(part.rule, s.full)
		if err != nil {
			return Guard{}, &BrokenError{s.ref, fmt.Errorf("the %s rule: %w", part.name, err)}
		}
		*part.bound = e
	}
	return g, nil
}

// Same reports whether another sight of the table shows the same of it.
func (s *Sight) Same(o *Sight) bool {
	if !lqp.EqualExpr(s.read, o.read) || len(s.masks) != len(o.masks) || len(s.rule.Columns) != len(o.rule.Columns) || !sameParts(s.parts, o.parts) {
		return false
	}
	for id, a := range s.rule.Columns {
		if o.rule.Columns[id] != a {
			return false
		}
	}
	for id, m := range s.masks {
		if !lqp.EqualExpr(m, o.masks[id]) {
			return false
		}
	}
	return true
}
