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
	s.preparedInTx(h, p, table)
	s.continues(preparer, query)
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

// preparedInTx runs a prepared statement inside of transactions: it sees what they have written, and ends with them.
func (s tested) preparedInTx(h *StoreHarness, p adapter.Prepared, table *lqp.Table) {
	s.t.Helper()
	ctx := context.Background()
	sought := []lqp.Value{lqp.TextValue("written just now")}
	undone := errors.New("undone")
	var left adapter.Rows
	err := s.Write(ctx, func(tx adapter.Tx) error {
		in, ok := tx.(adapter.PreparedTx)
		if !ok {
			s.t.Error("a store that prepares statements runs none in its transactions")
			return undone
		}
		for n := range 3 {
			rows, err := in.ScanPrepared(ctx, p, sought)
			got := read(rows, err)
			if want := []string{"", `2000 "written just now"`, `2000 "written just now", 2001 "written just now"`}[n]; got != want {
				s.t.Errorf("in a transaction that has inserted %d rows: %s", n, got)
			}
			id := lqp.IntValue(int64(2000 + n))
			if err := tx.Insert(ctx, table, []string{"id", "name", "version"}, [][]lqp.Value{{id, sought[0], lqp.IntValue(1)}}); err != nil {
				return err
			}
		}
		var err error
		if left, err = in.ScanPrepared(ctx, p, sought); err != nil {
			return err
		}
		if _, err := in.ScanPrepared(ctx, nil, sought); !errors.Is(err, adapter.ErrUnprepared) {
			s.t.Errorf("what is not prepared: %v", err)
		}
		return undone
	})
	if !errors.Is(err, undone) {
		s.t.Fatal(err)
	}
	if left.Next() {
		s.t.Error("rows outlive their transaction")
	}
	_ = left.Close()
	if got := read(p.Scan(ctx, sought)); got != "" {
		s.t.Errorf("after a transaction that was undone: %s", got)
	}
	other := h.open(s.t)
	err = other.Write(ctx, func(tx adapter.Tx) error {
		_, err := tx.(adapter.PreparedTx).ScanPrepared(ctx, p, sought)
		return err
	})
	if !errors.Is(err, adapter.ErrUnprepared) {
		s.t.Errorf("a statement of another store: %v", err)
	}
}

// continues walks through the rows page by page, by statements that a prepared one makes of each position: sorted up and down,
// with NULLs at either end, by the key alone and by offset, with a text that is sought and without.
func (s tested) continues(preparer adapter.Preparer, query func(string, ...lqp.Expr) *lqp.Query) {
	s.t.Helper()
	ctx := context.Background()
	hole := []lqp.Value{lqp.TextValue(preparedHole)}
	for at := range 16 {
		q := query(preparedHole)
		values, sought := hole, []lqp.Value{lqp.TextValue("b")}
		if at&1 == 0 {
			q.Where, values, sought = nil, nil, nil
		}
		name := lqp.Order{Expr: q.Select[1].Expr, Desc: at&2 != 0, Nulls: lqp.NullsFirst}
		if at&4 != 0 {
			name.Nulls = lqp.NullsLast
		}
		q.OrderBy = append([]lqp.Order{name}, q.OrderBy...)
		first, err := preparer.Prepare(s.Plan(q).Pushed, values)
		if err != nil {
			s.t.Fatal(err)
		}
		plain := *q
		if sought != nil {
			plain.Where = query("b").Where
		}
		p, pages, seen := first, 0, 0
		for ; pages < 100; pages++ {
			rows, err := p.Scan(ctx, sought)
			if err != nil {
				s.t.Fatal(err)
			}
			var last []lqp.Value
			n := 0
			for ; rows.Next(); n++ {
				last = []lqp.Value{rows.Value(1), rows.Value(0)}
			}
			if err := errors.Join(rows.Err(), rows.Close()); err != nil {
				s.t.Fatal(err)
			}
			got, err := p.Scan(ctx, sought)
			want, plainErr := s.Scan(ctx, s.Plan(&plain).Pushed)
			if a, b := read(got, err), read(want, plainErr); a != b {
				s.t.Errorf("page %d of walk %d: prepared %s, planned %s", pages, at, a, b)
			}
			if seen += n; n < q.Page.Limit {
				break
			}
			if at&8 != 0 {
				plain.Page.Offset += n
			} else {
				plain.Page.After = last
			}
			if p, err = first.Behind(plain.Page.After, plain.Page.Offset); err != nil {
				s.t.Fatal(err)
			}
		}
		if all := map[bool]int{false: 3*len(preparedTexts) + 1, true: 3}[sought != nil]; seen != all {
			s.t.Errorf("walk %d has met %d rows in the place of %d", at, seen, all)
		}
	}
	if p, err := preparer.Prepare(s.Plan(query("b")).Pushed, nil); err != nil {
		s.t.Error(err)
	} else if _, err := p.Behind([]lqp.Value{lqp.IntValue(1), lqp.IntValue(1)}, 0); !errors.Is(err, adapter.ErrUnprepared) {
		s.t.Errorf("a position that does not fit the order: %v", err)
	}
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
