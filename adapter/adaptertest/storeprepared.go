package adaptertest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// preparedTexts are texts that are sought; what stands for them is none of them.
var preparedTexts = []string{"a", "b", "", "a ", " a", "A", "Zürich", "O'Brien", `"q"`, "100%", "_", "12", "2024-01-02", "true", "NULL", "?", "$1", `\`,
	strings.Repeat("x", 128), strings.Repeat("é", 120)}

const preparedHole = "a text that nobody has"

// storePrepared runs prepared statements: they answer as the query with the texts in it does.
func storePrepared(t *testing.T, h *StoreHarness) {
	s := h.open(t)
	ctx := context.Background()
	preparer, ok := s.Store.(adapter.Preparer)
	if !ok {
		return // a store need not be one
	}
	key, text := lqp.Type{Kind: lqp.Number, Precision: 19}, lqp.Type{Kind: lqp.Text, MaxLen: 200}
	s.exec("CREATE TABLE sought (id " + s.DeclareType(key) + " NOT NULL PRIMARY KEY, name " + s.DeclareType(text) + ", version " + s.DeclareType(key) + ")")
	cat, err := s.Tables(ctx)
	if err != nil {
		t.Fatal(err)
	}
	table := cat.Table("sought")
	var rows [][]lqp.Value
	for i := range 3 * len(preparedTexts) {
		rows = append(rows, []lqp.Value{lqp.IntValue(int64(i)), lqp.TextValue(preparedTexts[i%len(preparedTexts)]), lqp.IntValue(1)})
	}
	rows = append(rows, []lqp.Value{lqp.IntValue(1000), {}, lqp.IntValue(1)})
	if err := s.Write(ctx, func(tx adapter.Tx) error { return tx.Insert(ctx, table, []string{"id", "name", "version"}, rows) }); err != nil {
		t.Fatal(err)
	}
	column := func(i int) lqp.Expr { return lqp.TypedRef("s", table.Columns[i].ID, table.Columns[i].Type) }
	query := func(name string, more ...lqp.Expr) *lqp.Query {
		where := append([]lqp.Expr{lqp.NewCall("eq", column(1), lqp.Literal(lqp.TextValue(name)))}, more...)
		return &lqp.Query{From: lqp.Source{Table: "sought", Alias: "s", Schema: table}, Where: lqp.And(where...),
			Select:  []lqp.Named{{Name: "id", Expr: column(0)}, {Name: "name", Expr: column(1)}},
			OrderBy: []lqp.Order{{Expr: column(0), Nulls: lqp.NullsFirst}}, Page: lqp.Page{Limit: 2}}
	}
	hole := []lqp.Value{lqp.TextValue(preparedHole)}
	small := lqp.NewCall("lt", column(0), lqp.Literal(lqp.IntValue(40)))
	for _, more := range [][]lqp.Expr{nil, {small}, {small, lqp.NewCall("not", lqp.NewCall("is_null", column(1)))}} {
		p, err := preparer.Prepare(s.Plan(query(preparedHole, more...)).Pushed, hole)
		if err != nil {
			t.Fatal(err)
		}
		if p.Size() <= 0 {
			t.Errorf("a prepared statement takes %d bytes", p.Size())
		}
		var wg sync.WaitGroup
		for range 2 { // a prepared statement is for everybody at once
			wg.Go(func() {
				for _, name := range preparedTexts {
					got, err := p.Scan(ctx, []lqp.Value{lqp.TextValue(name)})
					want, plainErr := s.Scan(ctx, s.Plan(query(name, more...)).Pushed)
					if a, b := read(got, err), read(want, plainErr); a != b {
						t.Errorf("%q: prepared %s, planned %s", name, a, b)
					}
				}
			})
		}
		wg.Wait()
	}
	for what, other := range map[string][]lqp.Value{"absent": {lqp.TextValue("elsewhere")}, "a part": {lqp.TextValue("that nobody")}, "empty": {lqp.TextValue("")}} {
		if _, err := preparer.Prepare(s.Plan(query(preparedHole)).Pushed, other); !errors.Is(err, adapter.ErrUnprepared) {
			t.Errorf("a hole that is %s in the query: %v", what, err)
		}
	}
	p, err := preparer.Prepare(s.Plan(query(preparedHole)).Pushed, hole)
	if err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := p.Scan(ended, hole); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: %v", err)
	}
	s.follows(preparer, p, query)
	s.exec("DROP TABLE sought")
	if _, err := p.Scan(ctx, hole); !errors.Is(err, adapter.ErrNoTable) {
		t.Errorf("of a table that is gone: %v", err)
	}
}

// follows runs a statement behind another one, where the store does that.
func (s tested) follows(preparer adapter.Preparer, p adapter.Prepared, query func(string, ...lqp.Expr) *lqp.Query) {
	s.t.Helper()
	f, ok := p.(adapter.Follower)
	if !ok {
		return
	}
	ctx := context.Background()
	ask := func(name string) []lqp.Value { return []lqp.Value{lqp.TextValue(name)} }
	for _, name := range []string{"a", "nobody"} {
		var seen []lqp.Value
		calls := 0
		got, err := f.ScanAfter(ctx, p, ask(name), func(row []lqp.Value) error { calls++; seen = row; return nil }, ask("b"))
		want, plainErr := s.Scan(ctx, s.Plan(query("b")).Pushed)
		if a, b := read(got, err), read(want, plainErr); a != b || calls != 1 {
			s.t.Errorf("behind %q: %s, alone %s; %d questions", name, a, b, calls)
		}
		if name == "a" && (len(seen) != 2 || seen[0].String() != "0" || seen[1].Text() != "a") || name == "nobody" && seen != nil {
			s.t.Errorf("behind %q the first row is %v", name, seen)
		}
	}
	no := errors.New("no")
	for range 30 { // more than there are connections
		if rows, err := f.ScanAfter(ctx, p, ask("a"), func([]lqp.Value) error { return no }, ask("b")); err == nil || rows != nil {
			s.t.Fatalf("a read that was refused answers: %v", err)
		}
	}
	// What the question shows is never newer than what is read behind it.
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() {
		for i := int64(2); ; i++ {
			select {
			case <-stop:
				return
			default:
				s.exec("UPDATE sought SET version = ?", lqp.IntValue(i))
			}
		}
	})
	q := query("b")
	q.Select = []lqp.Named{{Name: "version", Expr: lqp.TypedRef("s", q.From.Schema.Columns[2].ID, q.From.Schema.Columns[2].Type)}}
	versions, err := preparer.Prepare(s.Plan(q).Pushed, ask("b"))
	if err != nil {
		s.t.Fatal(err)
	}
	for range 50 {
		var asked lqp.Value
		rows, err := versions.(adapter.Follower).ScanAfter(ctx, versions, ask("b"), func(row []lqp.Value) error { asked = row[0]; return nil }, ask("b"))
		if err != nil {
			s.t.Fatal(err)
		}
		if !rows.Next() {
			s.t.Fatal("no row")
		}
		if lqp.Compare(rows.Value(0), asked) < 0 {
			s.t.Errorf("version %v was read after %v was seen", rows.Value(0), asked)
		}
		_ = rows.Close() // one row is enough
	}
	close(stop)
	wg.Wait()
}

// read is all rows of a scan, or what went wrong.
func read(rows adapter.Rows, err error) string {
	if err != nil {
		return "error " + err.Error()
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		out = append(out, fmt.Sprintf("%s %s", rows.AppendJSON(nil, 0), rows.AppendJSON(nil, 1)))
	}
	if rows.Err() != nil {
		out = append(out, rows.Err().Error())
	}
	return strings.Join(out, ", ")
}
