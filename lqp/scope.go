package lqp

import (
	"slices"
	"strings"
)

// Scope lists the sources whose columns an expression may name. The order of sources does not matter to names.
type Scope []ScopeSource

// ScopeSource is one source of a Scope.
type ScopeSource struct {
	Alias   string   // unique in the scope regardless of case; bound columns carry it as their Source
	Label   string   // another name under which people may refer to the source, empty for none
	Columns []Column // the visible columns; nobody learns of others
	Key     []string // the ids of the columns that identify a record, nil when that is not known
}

// Col is a bound reference to the column with that id, nil when the scope has none. It serves rewriters that add columns
// to bound queries.
func (s Scope) Col(alias, id string) *Col {
	if c := s.column(alias, id); c != nil {
		return TypedRef(alias, id, c.Type)
	}
	return nil
}

// column finds a column by the exact alias and id.
func (s Scope) column(alias, id string) *Column {
	for i := range s {
		if s[i].Alias != alias {
			continue
		}
		for j := range s[i].Columns {
			if s[i].Columns[j].ID == id {
				return &s[i].Columns[j]
			}
		}
	}
	return nil
}

// Scope lists the sources of a bound block with their columns as its clauses see them: columns from the optional side of
// an outer join may be NULL.
func (q *Query) Scope() Scope {
	s := make(Scope, 0, 1+len(q.Joins))
	s = append(s, q.From.scope())
	for i := range q.Joins {
		s = s.join(q.Joins[i].Kind, q.Joins[i].Source.scope())
	}
	return s
}

func (s *Source) scope() ScopeSource {
	src := ScopeSource{Alias: s.Alias, Columns: s.Columns()}
	if s.Schema != nil {
		src.Label, src.Key = s.Schema.Label, s.Schema.Key
	}
	return src
}

// join adds a source as the join kind says: the side that may be missing becomes nullable.
func (s Scope) join(kind JoinKind, right ScopeSource) Scope {
	if kind == Right || kind == Full {
		for i := range s {
			s[i].Columns = nullable(s[i].Columns)
		}
	}
	if kind == Left || kind == Full {
		right.Columns = nullable(right.Columns)
	}
	return append(s, right)
}

func nullable(cols []Column) []Column {
	cols = slices.Clone(cols)
	for i := range cols {
		cols[i].Type = cols[i].Type.Nullable()
	}
	return cols
}

// found is a column that a name leads to.
type found struct{ source, column int }

// anySource asks for all sources of a scope.
const anySource = -1

// findColumn finds a column by name in one source or anySource: by id, else by exact name, else by name regardless of
// case. The first of these ways that finds anything decides; more than one hit is an ambiguity.
func (s Scope) findColumn(name string, source int) (first found, hits int) {
	// Programs write ids, and most names are ids: nothing needs to be compared regardless of case then.
	s.eachColumn(source, func(i, j int) {
		if s[i].Columns[j].ID == name {
			if hits++; hits == 1 {
				first = found{i, j}
			}
		}
	})
	if hits > 0 {
		return first, hits
	}
	var best match
	s.eachColumn(source, func(i, j int) {
		switch m := s[i].Columns[j].match(name); {
		case m > best:
			first, hits, best = found{i, j}, 1, m
		case m == best && m > noMatch:
			hits++
		}
	})
	return first, hits
}

// match says how a name leads to a column, the better ways higher.
type match uint8

const (
	noMatch match = iota
	byFoldedName
	byName
	byID
)

func (c *Column) match(name string) match {
	switch {
	case c.ID == name:
		return byID
	case c.Name == name:
		return byName
	case strings.EqualFold(c.Name, name):
		return byFoldedName
	}
	return noMatch
}

func (s Scope) eachColumn(source int, f func(i, j int)) {
	for i := range s {
		if source != anySource && i != source {
			continue
		}
		for j := range s[i].Columns {
			f(i, j)
		}
	}
}

// findSource finds a source by its alias, else by alias regardless of case, else by a label that only it has; -1 for none.
func (s Scope) findSource(name string) int {
	for i := range s {
		if s[i].Alias == name {
			return i
		}
	}
	for i := range s {
		if strings.EqualFold(s[i].Alias, name) {
			return i
		}
	}
	at := -1
	for i := range s {
		if s[i].Label != "" && strings.EqualFold(s[i].Label, name) {
			if at >= 0 {
				return -1
			}
			at = i
		}
	}
	return at
}

// columnNames lists what people call the columns of a source or of anySource, for hints.
func (s Scope) columnNames(source int) []string {
	var names []string
	s.eachColumn(source, func(i, j int) { names = append(names, displayName(&s[i].Columns[j])) })
	return names
}

func (s Scope) aliases() []string {
	names := make([]string, len(s))
	for i := range s {
		names[i] = s[i].Alias
	}
	return names
}

// displayName is what people call a column.
func displayName(c *Column) string {
	if c.Name != "" {
		return c.Name
	}
	return c.ID
}

// resolve finds the column that a reference means. With neither a column nor a problem there is no such thing: the
// caller says so in its own words.
func (s Scope) resolve(ref *Col) (*Col, *Problem) {
	if ref.Source != "" {
		return s.resolveIn(ref.Source, ref.Column)
	}
	switch at, hits := s.findColumn(ref.Column, anySource); {
	case hits == 1:
		return s.at(at), nil
	case hits > 1:
		return nil, s.ambiguous(ref.Column, anySource)
	}
	// "orders.total" may be the short form of a qualified name; a column whose own name has the dot was found above.
	for i := range len(ref.Column) {
		if ref.Column[i] == '.' && s.findSource(ref.Column[:i]) >= 0 {
			return s.resolveIn(ref.Column[:i], ref.Column[i+1:])
		}
	}
	return nil, nil
}

func (s Scope) resolveIn(source, column string) (*Col, *Problem) {
	at := s.findSource(source)
	if at < 0 {
		// Fields of documents are columns whose names have points: address.city is not always a source and its column.
		if hit, hits := s.findColumn(source+"."+column, anySource); hits == 1 {
			return s.at(hit), nil
		}
		return nil, &Problem{Code: CodeUnknownSource, Message: "no source is called " + quoted(source) + suggest(source, s.aliases())}
	}
	switch hit, hits := s.findColumn(column, at); hits {
	case 1:
		return s.at(hit), nil
	case 0:
		return nil, &Problem{Code: CodeUnknownColumn, Message: quoted(s[at].Alias) + " has no column " + quoted(column) + suggest(column, s.columnNames(at))}
	}
	return nil, s.ambiguous(column, at)
}

func (s Scope) at(f found) *Col {
	c := &s[f.source].Columns[f.column]
	return TypedRef(s[f.source].Alias, c.ID, c.Type)
}

// ambiguous says which columns a name may mean.
func (s Scope) ambiguous(name string, source int) *Problem {
	first, _ := s.findColumn(name, source)
	way := s[first.source].Columns[first.column].match(name)
	var ways []string
	s.eachColumn(source, func(i, j int) {
		c := &s[i].Columns[j]
		if c.match(name) != way || len(ways) == 3 {
			return
		}
		unique := displayName(c)
		if _, hits := s.findColumn(unique, i); hits > 1 {
			unique = c.ID // two columns of one source with one name
		}
		ways = append(ways, s[i].Alias+"."+unique)
	})
	return &Problem{Code: CodeAmbiguousColumn, Message: quoted(name) + " may mean several columns; write " + strings.Join(ways, " or ")}
}
