package daemon

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/cmd/livetablesd/internal/auth"
	"github.com/livetables/livetables/formula"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

const (
	demoEmail = "demo@example.com"
	demoSlug  = "demo-open-orders"
)

// The demo's tables as CSV files: what a user of the API would import.
const (
	demoCustomers = `Name,Country,Since,Key account
Nordlicht Textil,Germany,2019-03-12,true
Fjord Supply,Norway,2021-08-30,false
Atelier Rivage,France,2020-01-05,true
Casa Verde,Brazil,2022-11-17,false
Hanami Goods,Japan,2018-06-21,true
Lakeside Outfitters,Canada,2023-02-02,false
`
	demoOrders = `Order,Customer,Item,Quantity,Unit price,Ordered,Status
1001,Nordlicht Textil,Linen roll,12,84.50,2024-01-08,paid
1002,Fjord Supply,Rope 20 m,40,9.95,2024-01-11,shipped
1003,Atelier Rivage,Pigment set,5,129.00,2024-01-15,open
1004,Hanami Goods,Paper lantern,150,3.20,2024-01-19,paid
1005,Casa Verde,Terracotta pot,60,7.75,2024-02-02,open
1006,Nordlicht Textil,Wool yarn,30,12.40,2024-02-09,shipped
1007,Lakeside Outfitters,Canvas tent,4,310.00,2024-02-14,open
1008,Hanami Goods,Tea tin,80,6.10,2024-02-20,paid
1009,Atelier Rivage,Easel,7,95.00,2024-03-01,open
1010,Fjord Supply,Lantern oil,25,11.00,2024-03-04,paid
`
)

// makeDemo makes an account, a workspace with two tables and a published view, and says how to look at them.
func makeDemo(ctx context.Context, engine *livetables.Engine, accounts *auth.Service, token, url string, out io.Writer) error {
	password := rand.Text()
	tokens, err := accounts.Register(ctx, auth.Registration{Email: demoEmail, Name: "Demo", Password: livetables.NewSecret(password),
		SetupToken: livetables.NewSecret(token)}, auth.Client{})
	if err != nil {
		return fmt.Errorf("demo account: %w", err)
	}
	a := engine.As(rbac.Principal{ID: tokens.User.ID})
	workspace, err := a.CreateWorkspace(ctx, "Demo")
	if err != nil {
		return fmt.Errorf("demo workspace: %w", err)
	}
	base, err := a.CreateBase(ctx, workspace.ID, minidb.BaseSpec{Name: "Shop", Description: "Sample data", Colour: "#2f6f4f"})
	if err != nil {
		return fmt.Errorf("demo base: %w", err)
	}
	orders := ""
	for _, file := range []struct{ name, csv string }{{"Customers", demoCustomers}, {"Orders", demoOrders}} {
		report, err := a.Import(ctx, livetables.ImportSpec{Base: base.ID, Name: file.name}, strings.NewReader(file.csv))
		if err != nil {
			return fmt.Errorf("demo table %s: %w", file.name, err)
		}
		orders = report.Table
	}
	total, err := formula.Parse("Quantity * {Unit price}")
	if err != nil {
		return fmt.Errorf("demo view: %w", err)
	}
	open, err := formula.Parse(`Status = "open"`)
	if err != nil {
		return fmt.Errorf("demo view: %w", err)
	}
	view, err := a.CreateView(ctx, base.ID, livetables.ViewSpec{Name: "Open orders", Query: &lqp.Query{
		From: lqp.Source{Table: orders, Alias: "orders"}, Where: open, Compute: []lqp.Named{{Name: "Total", Expr: total}},
		Select:  []lqp.Named{{Expr: lqp.Ref("", "Order")}, {Expr: lqp.Ref("", "Customer")}, {Expr: lqp.Ref("", "Total")}},
		OrderBy: []lqp.Order{{Expr: lqp.Ref("", "Total"), Desc: true}},
	}})
	if err != nil {
		return fmt.Errorf("demo view: %w", err)
	}
	if _, err := a.Publish(ctx, view.ID, demoSlug, minidb.ShareKeyed); err != nil {
		return fmt.Errorf("publish demo view: %w", err)
	}
	key, _, err := a.AddKey(ctx, view.ID, time.Time{})
	if err != nil {
		return fmt.Errorf("publish demo view: %w", err)
	}
	_, err = fmt.Fprintf(out, `
The demo is ready. Account %[1]s, password %[2]s (shown this once).

  Sign in:
    curl -s %[3]s/api/v1/auth/login -H 'Content-Type: application/json' -d '{"email":"%[1]s","password":"%[2]s"}'
    TOKEN=…                        # the "access_token" of the answer, good for ten minutes

  Orders above 300, dearest first:
    curl -sG %[3]s/api/v1/tables/%[4]s/rows -H "Authorization: Bearer $TOKEN" \
      --data-urlencode 'filter=Quantity * {Unit price} > 300' --data-urlencode 'sort=-Unit price'

  Orders with the country of their customer, and how the query is run:
    curl -s %[3]s/api/v1/workspaces/%[5]s/query -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \
      -d '{"source":{"table":"Orders","alias":"o"},"joins":[{"kind":"inner","source":{"table":"Customers","alias":"c"},"on":"o.Customer = c.Name"}],
           "columns":["o.Order","c.Country","o.Status"],"sorts":["c.Country"]}'
    # the same with /query/explain and -H 'Accept: text/plain' explains it

  The published view "Open orders", with its key and no account:
    curl -s %[3]s/public/views/%[6]s/data -H 'Authorization: Bearer %[7]s'

`, demoEmail, password, url, orders, workspace.ID, demoSlug, key)
	return err
}
