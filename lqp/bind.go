package lqp

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Env is what Bind knows of the world: the tables that the principal may see, the clock, and who is asking. It is not
// changed and may be shared when its functions may.
type Env struct {
	// Table finds a table by connection id (empty for the mini-DB) and name, with the columns that the principal may see
	// and no others. An error that wraps ErrUnknownTable, or a nil table, is the problem unknown_table; any other error ends Bind
	// and is returned as it is, wrapped.
	Table func(connection, table string) (*Table, error)
	// Tables lists the names of a connection's visible tables, for "did you mean". It may be nil.
	Tables func(connection string) []string
	// Now is the instant that now() and today() mean; zero is the time of the call.
	Now time.Time
	// Timed is called when now() or today() was bound: what Bind answers with then holds for Now alone. It may be nil.
	Timed func()
	// TimeZone is the IANA zone of queries that name none, empty for UTC.
	TimeZone string
	// User is what current_user() means, the id of the principal. Empty when there is none: using it is then a problem.
	User string
	// Attribute finds an attribute of the principal. One that is missing or NULL is the problem missing_parameter: a rule
	// that rests on it must not match rows where the other side is NULL too. It may be nil.
	Attribute func(name string) (Value, bool)
	// DefaultLimit bounds queries that ask for no limit, 0 for no bound. MaxLimit is the largest limit that may be asked
	// for, 0 for any. Both concern the outermost block only.
	DefaultLimit, MaxLimit int
}

// ErrUnknownTable is what Env.Table answers for a table that does not exist or may not be seen.
var ErrUnknownTable = errors.New("unknown table")

// Bind turns a user's query into a bound one, see [Query]: names resolved, types checked, computed columns put in their
// places, parameters replaced by constants. q is not changed. The bound query's Page has no Cursor: the token is the
// caller's to open.
//
// A column without its source is looked for among the computed columns (in a grouped block: among keys and aggregates), in
// OrderBy before that among the names given in Select, and then among the sources: by id, by name, by name regardless of
// case. Text that is compared with a number, date or date-time is read as one.
//
// The error is a Problems with all that is wrong, or wraps the error of env.Table. Messages name only what env shows.
func Bind(q *Query, env Env) (*Query, error) {
	b, err := newBinder(env)
	if err != nil {
		return nil, err
	}
	bound := b.query(q, "$", 1, b.zone)
	if b.failed != nil {
		return nil, b.failed
	}
	if err := b.problems.err(); err != nil {
		return nil, err
	}
	return bound, nil
}

// BindExpr binds one expression over a scope, for row rules, defaults and the like. Paths of problems begin with "$".
// Whether the result's type is the wanted one is the caller's to check. A nil e stays nil.
func BindExpr(e Expr, scope Scope, env Env) (Expr, error) {
	if e == nil {
		return nil, nil
	}
	b, err := newBinder(env)
	if err != nil {
		return nil, err
	}
	x := &exprBinder{binder: b, scope: scope, zone: b.zone}
	bound := x.top(e, clausePath{block: "$"})
	if err := b.problems.err(); err != nil {
		return nil, err
	}
	return bound, nil
}

// binder is the state of one Bind.
type binder struct {
	env      Env
	zone     *time.Location
	problems Problems
	failed   error // not a problem of the query
}

func newBinder(env Env) (*binder, error) {
	if env.Now.IsZero() {
		env.Now = time.Now()
	}
	b := &binder{env: env}
	zone, ok := loadZone(env.TimeZone)
	if !ok {
		return nil, fmt.Errorf("bind: unknown time zone %s of the environment", quoted(env.TimeZone))
	}
	b.zone = zone
	return b, nil
}

// loadZone finds an IANA zone. "Local" is the machine's setting and no zone.
func loadZone(name string) (*time.Location, bool) {
	if name == "" || name == "UTC" {
		return time.UTC, true
	}
	if len(name) > 64 || name == "Local" {
		return nil, false
	}
	zone, err := time.LoadLocation(name)
	return zone, err == nil
}

func (b *binder) problem(path, code, format string, args ...any) {
	b.problems.add(Problem{Path: path, Code: code, Message: fmt.Sprintf(format, args...)})
}

// block is the state of binding one select block.
type block struct {
	*binder
	path     string
	depth    int
	in, out  *Query
	zone     *time.Location
	scope    Scope
	computed map[string]*computedColumn
	// computing are the computed columns being bound, each used by the one before it.
	computing []*computedColumn
	grouped   bool
}

func (b *binder) query(q *Query, path string, depth int, zone *time.Location) *Query {
	if depth > MaxQueryDepth {
		b.problem(path, CodeLimit, "queries are nested too deeply; at most %d levels are allowed", MaxQueryDepth)
		return nil
	}
	bl := &block{binder: b, path: path, depth: depth, in: q, out: &Query{}, zone: zone}
	if q.TimeZone != "" {
		if z, ok := loadZone(q.TimeZone); ok {
			bl.zone = z
		} else {
			b.problem(path+".time_zone", CodeUnknownTimeZone, "%s is not the name of a time zone such as \"Europe/Berlin\"", quoted(q.TimeZone))
		}
	}
	if bl.zone != time.UTC {
		bl.out.TimeZone = bl.zone.String()
	}
	if !bl.sizes() || !bl.sources() {
		return nil // without the sources every name would be reported as unknown
	}
	bl.computeAll()
	bl.out.Where = bl.where()
	bl.group()
	bl.selectColumns()
	bl.order()
	bl.pageAndCount()
	return bl.out
}

// sizes refuses clauses that are too long before anything is made of them.
func (b *block) sizes() bool {
	before := len(b.problems)
	for _, c := range [...]struct {
		key     string
		n, most int
	}{
		{"joins", len(b.in.Joins), MaxSources - 1}, {"computed_columns", len(b.in.Compute), MaxClauses},
		{"group_by", len(b.in.GroupBy), MaxClauses}, {"aggregates", len(b.in.Aggregates), MaxClauses},
		{"columns", len(b.in.Select), MaxClauses}, {"sorts", len(b.in.OrderBy), MaxClauses},
	} {
		if c.n > c.most {
			b.problem(b.path+"."+c.key, CodeLimit, "there are %d elements; at most %d are allowed", c.n, c.most)
		}
	}
	return len(b.problems) == before
}

// sources binds From and Joins; false when a source could not be.
func (b *block) sources() bool {
	before := len(b.problems)
	taken := map[string]bool{}
	for i := -1; i < len(b.in.Joins); i++ {
		path, s := b.clause("source"), b.in.From
		if i >= 0 {
			path, s = b.element("joins", i, ".source"), b.in.Joins[i].Source
		}
		key := strings.ToLower(s.Alias)
		if key != "" && taken[key] {
			b.problem(path.String()+".alias", CodeDuplicateName, "two sources are called %s", quoted(s.Alias))
		}
		taken[key] = true
	}
	b.out.From = b.source(b.in.From, b.clause("source"), taken)
	joins := make([]Source, len(b.in.Joins))
	for i := range b.in.Joins {
		joins[i] = b.source(b.in.Joins[i].Source, b.element("joins", i, ".source"), taken)
	}
	if b.failed != nil || len(b.problems) > before {
		return false
	}
	b.scope = Scope{b.out.From.scope()}
	for i, j := range b.in.Joins {
		path := b.element("joins", i, "")
		if j.Kind == "" {
			j.Kind = Inner
		}
		if j.Kind != Inner && j.Kind != Left && j.Kind != Right && j.Kind != Full {
			b.problem(path.String()+".kind", CodeArgument, "%s is no kind of join; one of \"inner\", \"left\", \"right\", \"full\" was expected", quoted(string(j.Kind)))
		}
		right := joins[i].scope()
		bound := Join{Kind: j.Kind, Source: joins[i]}
		if j.On == nil {
			b.problem(path.String(), CodeMissing, "the join has no condition")
		} else {
			// The condition sees the pair before it is known whether one side will be missing.
			x := &exprBinder{binder: b.binder, scope: append(slices.Clone(b.scope), right), zone: b.zone}
			bound.On = x.condition(j.On, path.at(".on"))
		}
		b.out.Joins = append(b.out.Joins, bound)
		b.scope = b.scope.join(j.Kind, right)
	}
	return true
}

func (b *block) source(s Source, path clausePath, taken map[string]bool) Source {
	s.Schema = nil
	switch {
	case s.Query != nil && (s.Table != "" || s.Connection != ""):
		b.problem(path.String(), CodeConflict, "a source is either a table or a query, not both")
		return s
	case s.Query != nil:
		s.Query = b.query(s.Query, path.String()+".query", b.depth+1, b.zone)
	case s.Table == "":
		b.problem(path.String(), CodeMissing, "the source names no table")
		return s
	default:
		s.Schema = b.table(s.Connection, s.Table, path)
	}
	if s.Alias == "" {
		s.Alias = freeAlias(s, taken)
	} else if !validName(s.Alias) {
		b.problem(path.String()+".alias", CodeArgument, "the alias %s must have 1 to %d characters, none of them a control character", quoted(s.Alias), maxNameLength)
	}
	return s
}

func (b *block) table(connection, name string, path clausePath) *Table {
	var t *Table
	err := ErrUnknownTable
	if b.env.Table != nil {
		t, err = b.env.Table(connection, name)
	}
	switch {
	case err == nil && t != nil:
		return t
	case err != nil && !errors.Is(err, ErrUnknownTable):
		if b.failed == nil {
			b.failed = fmt.Errorf("bind %s: %w", quoted(name), err)
		}
		return nil
	}
	hint := ""
	if b.env.Tables != nil {
		hint = suggest(name, b.env.Tables(connection))
	}
	b.problem(path.String()+".table", CodeUnknownTable, "there is no table %s%s", quoted(name), hint)
	return nil
}

// freeAlias is the last part of the table's name, with a number when that is taken.
func freeAlias(s Source, taken map[string]bool) string {
	base := "query"
	if s.Query == nil {
		base = s.Table[strings.LastIndexByte(s.Table, '.')+1:]
	}
	if !validName(base) {
		base = "source"
	}
	alias := base
	for n := 2; taken[strings.ToLower(alias)]; n++ {
		alias = fmt.Sprintf("%s_%d", base, n)
	}
	taken[strings.ToLower(alias)] = true
	return alias
}
