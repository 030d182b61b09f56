package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// read runs a query as somebody and reads its page as JSON, which is thrown away.
func (w *world) read(ctx context.Context, a *livetables.Access, q *lqp.Query) (rows int, next string, err error) {
	r, err := a.Query(ctx, w.workspace, q)
	if err != nil {
		return 0, "", err
	}
	held := buffers.Get().(*[]byte)
	defer buffers.Put(held)
	buf := (*held)[:0]
	for ; r.Next(); rows++ {
		buf = buf[:0]
		for i := range r.Columns {
			buf = r.AppendJSON(buf, i)
		}
	}
	*held = buf
	err, next = r.Err(), r.NextCursor()
	if closeErr := r.Close(); err == nil {
		err = closeErr
	}
	return rows, next, err
}

// reader is read as a side that expects a full page.
func (w *world) reader(name string, server *serverCPU, a *livetables.Access, query func() *lqp.Query) side {
	return repeat(name, server, func(ctx context.Context) error {
		n, _, err := w.read(ctx, a, query())
		if err == nil && n != 100 {
			err = fmt.Errorf("%d rows instead of 100", n)
		}
		return err
	})
}

// postgresInWorld is the engine of this process with the PostgreSQL data connected.
func (b *bench) postgresInWorld(ctx context.Context) (*world, *postgresData, error) {
	data, err := b.ordersInPostgres(ctx)
	if err != nil {
		return nil, nil, err
	}
	w, err := b.inWorld(ctx)
	if err != nil {
		return nil, nil, err
	}
	_, err = w.connect(ctx, data)
	return w, data, err
}

// cursorAfter reads so many rows of a sorted query and answers with the cursor that leads on.
func (w *world) cursorAfter(ctx context.Context, q *lqp.Query, rows int) (string, error) {
	// A cursor does not depend on the size of the pages before it.
	skip := q.Clone()
	for left := rows; left > 0; {
		skip.Page.Limit = min(left, 1000)
		n, next, err := w.read(ctx, w.owner, skip)
		if err != nil {
			return "", err
		}
		if n != skip.Page.Limit || next == "" {
			return "", fmt.Errorf("%d rows before the page are missing", left)
		}
		left -= n
		skip.Page.Cursor = next
	}
	return skip.Page.Cursor, nil
}

// deepPage is the page that is compared with the first one, or the last full one of a smaller table.
const deepPage = 10_000

// measureKeyset compares the first page of all orders with a page deep inside, which its cursor leads to.
func measureKeyset(ctx context.Context, b *bench) error {
	w, data, err := b.postgresInWorld(ctx)
	if err != nil {
		return err
	}
	q := lqp.FromSource(lqp.Source{Connection: w.pg, Table: "orders"}).Columns(orderColumns...).Sort("-id").Limit(100).Query()
	deep := q.Clone()
	pages := min(deepPage, b.rows/100)
	if deep.Page.Cursor, err = w.cursorAfter(ctx, q, (pages-1)*100); err != nil {
		return err
	}
	s, err := b.compare(ctx, w.reader("page 1", data.server, w.owner, func() *lqp.Query { return q }),
		w.reader(fmt.Sprintf("page %d", pages), data.server, w.owner, func() *lqp.Query { return deep }))
	if err != nil {
		return err
	}
	b.report.addTime("keyset pages from PostgreSQL", "T11: <= 1.1", s[0], s[1], "latency against that of page 1, in process")
	return nil
}

var customersTable = minidb.TableSpec{Name: "customers", Columns: []minidb.ColumnSpec{
	{Name: "id", Type: minidb.IntegerColumn, Unique: true, Required: true}, {Name: "name", Type: minidb.TextColumn},
	{Name: "country", Type: minidb.TextColumn}, {Name: "email", Type: minidb.TextColumn}}}

// measureFederated compares a page of orders in PostgreSQL joined with customers in the mini-DB with the same page when
// both are in PostgreSQL.
func measureFederated(ctx context.Context, b *bench) error {
	w, data, err := b.postgresInWorld(ctx)
	if err != nil {
		return err
	}
	t, err := w.owner.CreateTable(ctx, w.base, customersTable)
	if err != nil {
		return err
	}
	var csv strings.Builder
	csv.WriteString("id,name,country,email\n")
	for id := 1; id <= customersOf(b.rows); id++ {
		csv.WriteString(strings.Join(appendCustomer(nil, id), ",") + "\n")
	}
	if _, err := w.owner.Import(ctx, livetables.ImportSpec{Table: t.ID}, strings.NewReader(csv.String())); err != nil {
		return err
	}
	orders, n := lqp.Source{Connection: w.pg, Table: "orders"}, 0
	side := func(name string, customers lqp.Source) side {
		return w.reader(name, data.server, w.owner, func() *lqp.Query {
			n++
			return joinQuery(orders, customers, statusOf(n), leastOf(n%variants))
		})
	}
	s, err := b.compare(ctx, side("one database", lqp.Source{Connection: w.pg, Table: "customers"}), side("two databases", lqp.Source{Table: t.ID}))
	if err != nil {
		return err
	}
	b.report.addTime("join of 100 rows", "T10: <= 2.5", s[0], s[1], "latency against the join pushed into PostgreSQL, in process")
	return nil
}
