package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/formula"
	"github.com/livetables/livetables/internal/testenv"
	"github.com/livetables/livetables/lqp"
)

// pushedForm is a query whose form an index is to serve: the filters, columns and sorts of the table "events", or a query.
type pushedForm struct{ name, filter, sorts, query string }

// page is the count of rows on a page of the walks.
const indexPage = 50

var pushedForms = []pushedForm{
	{name: "a number equals", filter: `{account} = 77`},
	{name: "the key equals", filter: `{id} = 77`},
	{name: "a text equals (binary)", filter: `{code} = "E000000077"`},
	{name: "a text equals (collated)", filter: `{title} = "Title 77"`},
	{name: "one of a list", filter: `IN({id}, 7, 77, 777)`},
	{name: "between", filter: `BETWEEN({id}, 100, 200)`},
	{name: "range of a number", filter: `AND({amount} >= 99.5, {amount} < 100)`},
	{name: "range of a float", filter: `{rating} > 139.4`},
	{name: "prefix (binary)", filter: `STARTS_WITH({code}, "E00000007")`},
	{name: "prefix (collated)", filter: `STARTS_WITH({title}, "Title 777")`},
	{name: "range of times", filter: `AND({at} >= TO_DATETIME("2020-03-01T00:00:00Z"), {at} < TO_DATETIME("2020-03-01T04:00:00Z"))`},
	{name: "the day of a time", filter: `TO_DATE({changed}) = TO_DATE("2020-03-01")`},
	{name: "the day of a time in a zone", query: `{"source":{"table":"events"},"filters":"TO_DATE({changed}) = TO_DATE(\"2020-03-29\")","columns":["id","title"],"time_zone":"Europe/Berlin"}`},
	{name: "a date equals", filter: `{due} = TO_DATE("2001-01-01")`},
	{name: "is NULL", query: `{"source":{"table":"events"},"filters":"IS_NULL({closed})","columns":["id","title"],"sorts":["id"],"pagination":{"limit":50}}`},
	{name: "composite key", filter: `AND({status} = "paid", {account} = 79)`},
	{name: "join by key", query: `{"source":{"table":"events","alias":"a"},"joins":[{"kind":"left","source":{"table":"events","alias":"b"},"on":"{a.account} = {b.id}"}],"filters":"{a.account} = 77","columns":["a.id","b.title"]}`},
	{name: "count with a filter", query: `{"source":{"table":"events"},"filters":"{account} = 77","aggregates":[{"name":"n","function":"countall"}],"columns":["n"]}`},
	{name: "smallest number", query: `{"source":{"table":"events"},"aggregates":[{"name":"n","function":"min","expr":"id"}],"columns":["n"]}`},
	{name: "page by the key", sorts: `["id"]`},
	{name: "page by a unique text", sorts: `["-code"]`},
	{name: "page by a time, newest first", sorts: `["-at","-id"]`},
	{name: "page by a time, mixed", sorts: `["-at","id"]`},
	{name: "page by a date", sorts: `["-due","-id"]`},
	{name: "page by a nullable time", sorts: `["-changed","-id"]`},
	{name: "page by a nullable time, oldest first", sorts: `["changed","id"]`},
	{name: "page by a nullable float", sorts: `["rating","id"]`},
	{name: "page of one status", filter: `{status} = "paid"`, sorts: `["account","id"]`},
}

// measureIndexes shows whether indexes serve what is pushed, on tables of as many rows as there are orders, and what the
// first and a late page of a walk cost.
func measureIndexes(ctx context.Context, b *bench) error {
	var failed []error
	for _, fill := range []func(context.Context, *bench) (*indexSource, error){indexPostgres, indexMySQL("MySQL", testenv.KindMySQL, "utf8mb4_0900_bin"),
		indexMySQL("MariaDB", testenv.KindMariaDB, "utf8mb4_nopad_bin"), indexSQLite} {
		began := time.Now()
		s, err := fill(ctx, b)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		b.report.add(line{What: "index " + s.name + ": table", Ours: time.Since(began).Round(time.Second).String(), Notes: fmt.Sprintf("%d rows, loaded and indexed", b.rows)})
		failed = append(failed, b.indexesOf(ctx, s), s.close())
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(failed...)
}

func (b *bench) indexesOf(ctx context.Context, s *indexSource) error {
	if err := s.adapter.Ping(ctx); err != nil {
		return err
	}
	cat, err := s.adapter.Tables(ctx)
	if err != nil {
		return err
	}
	tables := map[string]*lqp.Table{}
	for _, t := range cat.Tables {
		tables[t.Name] = t
	}
	for _, f := range pushedForms {
		q, err := bindQuery(tables, f.text())
		if err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		l, err := s.examine(ctx, q)
		if err != nil {
			return fmt.Errorf("%s, %s: %w", s.name, f.name, err)
		}
		l.What = "index " + s.name + ": " + f.name
		b.report.add(l)
	}
	for _, sorts := range []string{`["id"]`, `["-at","-id"]`, `["-changed","-id"]`, `["-code"]`} {
		l, err := b.walk(ctx, s, tables, sorts)
		if err != nil {
			return fmt.Errorf("%s, walk by %s: %w", s.name, sorts, err)
		}
		b.report.add(l)
	}
	return nil
}

func (f *pushedForm) text() string {
	if f.query != "" {
		return f.query
	}
	text := `{"source":{"table":"events"},"columns":["id","title","amount"]`
	if f.filter != "" {
		text += `,"filters":` + string(lqp.AppendJSONString(nil, f.filter))
	}
	if f.sorts != "" {
		text += fmt.Sprintf(`,"sorts":%s,"pagination":{"limit":%d}`, f.sorts, indexPage)
	}
	return text + "}"
}

func bindQuery(tables map[string]*lqp.Table, text string) (*lqp.Query, error) {
	q, err := lqp.DecodeQuery([]byte(text), lqp.DecodeOptions{Formula: formula.Parse})
	if err != nil {
		return nil, err
	}
	return lqp.Bind(q, lqp.Env{Table: func(_, name string) (*lqp.Table, error) {
		if t := tables[name]; t != nil {
			return t, nil
		}
		return nil, lqp.ErrUnknownTable
	}})
}

// examine tells what of a query is pushed and how the database finds its rows.
func (s *indexSource) examine(ctx context.Context, q *lqp.Query) (line, error) {
	split := s.adapter.Plan(q)
	if split.Pushed == nil {
		return line{Ours: "memory", Notes: "nothing is pushed"}, nil
	}
	var notes []string
	for _, n := range split.Notes {
		if n.Placement != adapter.PushedExact {
			notes = append(notes, fmt.Sprintf("%s %s: %s", n.Clause, n.Placement, n.Reason))
		}
	}
	if split.Residual != nil && !slices.ContainsFunc(split.Notes, func(n adapter.Note) bool { return n.Clause == "filter" && n.Placement != adapter.InMemory }) && !split.Sorted {
		return line{Ours: "memory", Notes: strings.Join(notes, "; ")}, nil
	}
	var x adapter.Examination
	var err error
	if e, ok := s.adapter.(adapter.Examiner); ok {
		x, err = e.Examine(ctx, split.Pushed)
	} else {
		x, err = s.queryPlan(split.Pushed)
	}
	if err != nil {
		return line{}, err
	}
	l := line{Base: "no index", Notes: strings.Join(notes, "; ")}
	if len(x.Indexes) > 0 {
		l.Base = strings.Join(x.Indexes, ", ")
	}
	switch most := 20*x.Returned + 1000; {
	case len(x.Scans) > 0 && x.Read >= 0 && x.Read <= most:
		l.Notes = strings.Trim("a scan is planned and not needed; "+l.Notes, "; ")
	case len(x.Scans) > 0:
		l.Base += ", scan of " + strings.Join(x.Scans, ", ")
	case len(x.Indexes) == 0 && x.Read >= 0 && x.Read <= most:
		l.Base = "none needed"
	}
	if l.Ours = fmt.Sprintf("%d rows read, %d returned", x.Read, x.Returned); x.Read < 0 {
		l.Ours = "rows unknown"
	}
	return l, nil
}

// queryPlan asks SQLite itself, which tells of no rows.
func (s *indexSource) queryPlan(q *lqp.Query) (x adapter.Examination, err error) {
	x.Read, x.Returned = -1, -1
	explainer, ok := s.adapter.(adapter.Explainer)
	if !ok || s.file == "" {
		return x, nil
	}
	text, err := explainer.Native(q)
	if err != nil {
		return x, err
	}
	db, err := sqlite3.OpenFlags(s.file, sqlite3.OPEN_READONLY)
	if err != nil {
		return x, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	st, _, err := db.Prepare("EXPLAIN QUERY PLAN " + text)
	if err != nil { // a function or collation that only the adapter's own connections know
		x.Indexes = []string{"not told outside the adapter"}
		return x, nil
	}
	defer st.Close()
	for st.Step() {
		switch words := strings.Fields(st.ColumnText(3)); {
		case len(words) > 4 && (words[0] == "SEARCH" || words[0] == "SCAN") && slices.Contains(words, "INDEX"):
			x.Indexes = append(x.Indexes, words[slices.Index(words, "INDEX")+1])
		case slices.Contains(words, "PRIMARY") || slices.Contains(words, "ROWID"):
			x.Indexes = append(x.Indexes, "primary key")
		case len(words) > 0 && words[0] == "SCAN":
			x.Scans = append(x.Scans, words[1])
		case len(words) > 2 && words[1] == "TEMP":
			x.Scans = append(x.Scans, "(sorted)")
		}
	}
	return x, st.Err()
}

// walk compares the first page of a sorted table with the 10,000th, or the one in the middle of a smaller table, each read
// as a cursor continues.
func (b *bench) walk(ctx context.Context, s *indexSource, tables map[string]*lqp.Table, sorts string) (line, error) {
	late := min(10_000, b.rows/2/indexPage)
	first, err := bindQuery(tables, (&pushedForm{sorts: sorts}).text())
	if err != nil {
		return line{}, err
	}
	place := late * indexPage // of the row before the late page
	if strings.HasPrefix(sorts, `["-`) {
		place = b.rows - place
	}
	if strings.Contains(sorts, "changed") { // one of four is NULL: the row is further on, and must have a value
		place = max(b.rows-late*indexPage/3*4, 0)/4*4 + 1
	}
	key := &lqp.Query{From: first.From, Where: lqp.NewCall("eq", lqp.TypedRef("events", "id", first.From.Schema.Column("id").Type), lqp.Literal(lqp.IntValue(int64(place)))), Page: lqp.Page{Limit: 1}}
	for _, o := range first.OrderBy {
		key.Select = append(key.Select, lqp.Named{Name: fmt.Sprint("k", len(key.Select)), Expr: o.Expr})
	}
	values, err := firstRow(ctx, s.adapter, key)
	if err != nil {
		return line{}, err
	}
	then := first.Clone()
	then.Page.After = values
	var times [2][]float64
	var ratios []float64
	for range 5 {
		for i, q := range []*lqp.Query{first, then} {
			took, err := s.timePage(ctx, q)
			if err != nil {
				return line{}, err
			}
			times[i] = append(times[i], took.Seconds())
		}
		ratios = append(ratios, times[1][len(times[1])-1]/times[0][len(times[0])-1])
		if times[0][0]+times[1][0] > 1 { // seconds: nothing serves this sort, once is enough
			break
		}
	}
	return line{What: fmt.Sprintf("index %s: page %d of a walk by %s against the first", s.name, late, sorts), Ratio: spreadOf(ratios), Target: "about 1",
		Base: micros(spreadOf(times[0]).Median), Ours: micros(spreadOf(times[1]).Median), Notes: fmt.Sprintf("%d rows a page", indexPage)}, nil
}

// timePage reads a page three times and answers with the fastest.
func (s *indexSource) timePage(ctx context.Context, q *lqp.Query) (best time.Duration, err error) {
	split := s.adapter.Plan(q)
	if split.Pushed == nil || split.Residual != nil {
		return 0, fmt.Errorf("the page is not pushed: %v", split.Notes)
	}
	for i := range 3 {
		began := time.Now()
		rows, err := s.adapter.Scan(ctx, split.Pushed)
		if err != nil {
			return 0, err
		}
		n := 0
		for rows.Next() {
			n++
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil || n != indexPage {
			return 0, fmt.Errorf("%d rows on a page: %w", n, err)
		}
		took := time.Since(began)
		if i == 0 || took < best {
			best = took
		}
		if took > 100*time.Millisecond { // no noise to get rid of
			break
		}
	}
	return best, nil
}

// firstRow reads the first row of a query.
func firstRow(ctx context.Context, a adapter.Adapter, q *lqp.Query) (values []lqp.Value, err error) {
	rows, err := a.Scan(ctx, a.Plan(q).Pushed)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	if !rows.Next() {
		return nil, errors.Join(rows.Err(), errors.New("no such row"))
	}
	for i := range q.Select {
		values = append(values, rows.Value(i))
	}
	return values, nil
}
