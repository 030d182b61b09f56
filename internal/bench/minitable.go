package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// ordersTable is the table of orders in the mini-DB.
var ordersTable = minidb.TableSpec{Columns: []minidb.ColumnSpec{
	{Name: "id", Type: minidb.IntegerColumn, Unique: true, Required: true},
	{Name: "number", Type: minidb.TextColumn}, {Name: "customer_id", Type: minidb.IntegerColumn}, {Name: "status", Type: minidb.TextColumn},
	{Name: "currency", Type: minidb.TextColumn}, {Name: "quantity", Type: minidb.IntegerColumn},
	{Name: "total", Type: minidb.DecimalColumn, Options: minidb.ColumnOptions{Scale: 2}},
	{Name: "discount", Type: minidb.DecimalColumn, Options: minidb.ColumnOptions{Scale: 4}},
	{Name: "paid", Type: minidb.BooleanColumn}, {Name: "placed", Type: minidb.DateTimeColumn}, {Name: "due", Type: minidb.DateColumn},
	{Name: "address", Type: minidb.TextColumn}, {Name: "note", Type: minidb.LongTextColumn},
}}

// miniOrders makes a table of the mini-DB with a number of orders in it.
func (b *bench) miniOrders(ctx context.Context, w *world, name string, orders int) (*minidb.Table, error) {
	spec := ordersTable
	spec.Name = name
	t, err := w.owner.CreateTable(ctx, w.base, spec)
	if err != nil || orders == 0 {
		return t, err
	}
	path, err := b.writeCSV(orders)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	_, err = w.owner.Import(ctx, livetables.ImportSpec{Table: t.ID}, f)
	return t, err
}

// keyPageQuery is a page from a key on. The mini-DB has an index on unique columns only, so that this is the page that an
// index serves.
func keyPageQuery(src lqp.Source, status string, first int) *lqp.Query {
	return lqp.FromSource(src).Filter(call("ge", lqp.Ref("", "id"), lqp.Literal(lqp.IntValue(int64(first)))), call("ne", lqp.Ref("", "status"), text(status))).
		Columns(orderColumns...).Sort("id").Limit(100).Query()
}

// keyPageFirsts are the keys from which pages are asked, spread over the table.
func keyPageFirsts(orders int) []int {
	firsts := make([]int, variants)
	for i := range firsts {
		firsts[i] = 1 + i*(max(orders-200, 1)/variants)
	}
	return firsts
}

// keyPageRequests are the requests for pages from a key on.
func keyPageRequests(path string, orders int) (requests [][]byte) {
	for i, first := range keyPageFirsts(orders) {
		requests = append(requests, request("GET", path+"?"+url.Values{"first": {strconv.Itoa(first)}, "status": {statusOf(i)}}.Encode(), "", "", nil))
	}
	return requests
}

// miniOrder is an order as the baseline reads it from the mini-DB's own file. Times are texts there, which saves it
// parsing and formatting them.
type miniOrder struct {
	ID         int64   `json:"id"`
	Number     string  `json:"number"`
	CustomerID int64   `json:"customer_id"`
	Status     string  `json:"status"`
	Currency   string  `json:"currency"`
	Quantity   int64   `json:"quantity"`
	Total      float64 `json:"total"`
	Discount   float64 `json:"discount"`
	Paid       bool    `json:"paid"`
	Placed     string  `json:"placed"`
	Due        string  `json:"due"`
	Address    string  `json:"address"`
	Note       string  `json:"note"`
}

// physicalNames quotes the names of the columns that the file uses.
func physicalNames(t *minidb.Table, names ...string) []string {
	var list []string
	for _, name := range names {
		for i := range t.Columns {
			if t.Columns[i].Name == name {
				list = append(list, `"`+t.Columns[i].ID+`"`)
			}
		}
	}
	return list
}

func keyPageSQL(t *minidb.Table) string {
	id, status := physicalNames(t, "id")[0], physicalNames(t, "status")[0]
	return fmt.Sprintf(`SELECT %s FROM "%s" WHERE %s >= ?1 AND %s <> ?2 ORDER BY %s LIMIT 100`,
		strings.Join(physicalNames(t, orderColumns...), ", "), t.ID, id, status, id)
}

// bareReader is a connection of the bare driver with its statement prepared.
type bareReader struct {
	conn *sqlite3.Conn
	stmt *sqlite3.Stmt
}

// baseSQLite answers pages by hand: the bare driver below database/sql, sixteen connections as the store has, a prepared
// statement on each, structs and encoding/json. It reads the very file that the mini-DB made.
func baseSQLite(_ context.Context, c childConfig) (http.Handler, func() error, error) {
	idle, closeAll, err := bareReaders(c)
	if err != nil {
		return nil, nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /page", func(w http.ResponseWriter, r *http.Request) {
		first, err := strconv.ParseInt(r.URL.Query().Get("first"), 10, 64)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		reader := <-idle
		list, err := reader.page(first, r.URL.Query().Get("status"))
		idle <- reader
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		writeList(w, list)
	})
	return mux, closeAll, nil
}

// bareReaders opens sixteen connections to the file of a child's configuration, on each of which the statement that is its
// source is prepared.
func bareReaders(c childConfig) (chan *bareReader, func() error, error) {
	idle := make(chan *bareReader, 16)
	for range cap(idle) {
		conn, err := sqlite3.OpenFlags(c.File, sqlite3.OPEN_READWRITE) // WAL needs the right to write
		if err != nil {
			return nil, nil, err
		}
		if err := conn.Exec("PRAGMA cache_size=-8192; PRAGMA query_only=ON"); err != nil {
			return nil, nil, err
		}
		stmt, _, err := conn.Prepare(c.Source)
		if err != nil {
			return nil, nil, err
		}
		idle <- &bareReader{conn, stmt}
	}
	return idle, func() error {
		var err error
		for range cap(idle) {
			reader := <-idle
			if err = reader.stmt.Close(); err == nil {
				err = reader.conn.Close()
			}
		}
		return err
	}, nil
}

func (r *bareReader) page(first int64, status string) ([]miniOrder, error) {
	s := r.stmt
	if err := s.BindInt64(1, first); err != nil {
		return nil, err
	}
	if err := s.BindText(2, status); err != nil {
		return nil, err
	}
	list := make([]miniOrder, 0, 100)
	for s.Step() {
		list = append(list, miniOrder{ID: s.ColumnInt64(0), Number: s.ColumnText(1), CustomerID: s.ColumnInt64(2), Status: s.ColumnText(3),
			Currency: s.ColumnText(4), Quantity: s.ColumnInt64(5), Total: float64(s.ColumnInt64(6)) / 100, Discount: float64(s.ColumnInt64(7)) / 10_000,
			Paid: s.ColumnBool(8), Placed: s.ColumnText(9), Due: s.ColumnText(10), Address: s.ColumnText(11), Note: s.ColumnText(12)})
	}
	if err := s.Err(); err != nil {
		return nil, err
	}
	return list, s.Reset()
}

// miniRows is how many orders the table for pages has.
const miniRows = 100_000

// measureSQLitePage compares a page of the mini-DB with the bare driver's.
func measureSQLitePage(ctx context.Context, b *bench) error {
	n := min(b.rows, miniRows)
	w, err := b.inWorld(ctx)
	if err != nil {
		return err
	}
	t, err := b.miniOrders(ctx, w, "orders to page", n)
	if err != nil {
		return err
	}
	requests := keyPageRequests("/page", n)
	base, _, err := b.child(ctx, "base-sqlite", childConfig{File: filepath.Join(w.dir, "data.db"), Source: keyPageSQL(t)})
	if err != nil {
		return err
	}
	engine, _, err := b.child(ctx, "engine-sqlite", childConfig{Dir: w.dir, Workspace: w.workspace, Source: t.ID})
	if err != nil {
		return err
	}
	base.name, base.requests, engine.name, engine.requests = "base", requests, "engine", requests
	targets := []target{base, engine}
	if d := b.daemonIfAny(ctx); d != nil {
		daemon, err := b.daemonMiniPage(ctx, d, n)
		if err != nil {
			return err
		}
		targets = append(targets, daemon)
	}
	if err := sameRows(ctx, targets); err != nil {
		return err
	}
	for _, clients := range []int{1, 32} {
		s, err := b.compare(ctx, sidesOf(targets, clients)...)
		if err != nil {
			return err
		}
		for _, ours := range s[1:] {
			what := fmt.Sprintf("page of 100 from the mini-DB, %d clients", clients)
			b.report.addRate(what, "T12: >= 0.8", s[0], ours, "against the bare driver on the same file")
			b.report.addCPU(what, "", s[0], ours, "per page")
		}
	}
	return nil
}

// daemonMiniPage imports the orders into the daemon's own mini-DB.
func (b *bench) daemonMiniPage(ctx context.Context, d *daemonSide, orders int) (target, error) {
	path, err := b.writeCSV(orders)
	if err != nil {
		return target{}, err
	}
	columns := make([]map[string]any, len(ordersTable.Columns))
	for i, c := range ordersTable.Columns {
		columns[i] = map[string]any{"name": c.Name, "type": c.Type, "required": c.Required, "unique": c.Unique}
		if c.Options.Scale > 0 {
			columns[i]["options"] = map[string]int{"scale": c.Options.Scale}
		}
	}
	var made struct {
		ID string `json:"id"`
	}
	if err := d.call(ctx, "POST", "/bases/"+d.base+"/tables", map[string]any{"name": "orders to page", "columns": columns}, &made); err != nil {
		return target{}, err
	}
	file, err := os.ReadFile(path)
	if err != nil {
		return target{}, err
	}
	if err := d.send(ctx, "POST", "/tables/"+made.ID+"/import", "text/csv", file, nil); err != nil {
		return target{}, err
	}
	var requests [][]byte
	for i, first := range keyPageFirsts(orders) {
		body, err := json.Marshal(map[string]any{"source": map[string]string{"table": made.ID}, "columns": orderColumns, "sorts": []string{"id"},
			"filters": []string{fmt.Sprintf("id >= %d AND status <> %q", first, statusOf(i))}, "pagination": map[string]int{"limit": 100}})
		if err != nil {
			return target{}, err
		}
		requests = append(requests, request("POST", "/api/v1/workspaces/"+d.workspace+"/query", d.token, "application/json", body))
	}
	return d.target(requests, nil), nil
}
