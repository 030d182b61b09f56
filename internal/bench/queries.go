package main

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/livetables/livetables/lqp"
)

// The variants of a request: the servers are asked these in turn, so that no answer can be a repeat of the last.
const variants = 16

func leastOf(variant int) float64 { return float64(variant) * 12.5 }

func statusOf(variant int) string { return statuses[variant%len(statuses)] }

func number(f float64) lqp.Expr {
	d, _ := lqp.DecimalFromFloat(f) // thresholds have one decimal
	return lqp.Literal(lqp.NumberValue(d))
}

func call(fn string, args ...lqp.Expr) lqp.Expr { return lqp.NewCall(fn, args...) }

func text(s string) lqp.Expr { return lqp.Literal(lqp.TextValue(s)) }

// pageQuery is the page as a plan: two filters, two sort keys, every column.
func pageQuery(src lqp.Source, sort, status string, least float64) *lqp.Query {
	return lqp.FromSource(src).Filter(call("eq", lqp.Ref("", "status"), text(status)), call("ge", lqp.Ref("", "total"), number(least))).
		Columns(orderColumns...).Sort("-"+sort, "-id").Limit(100).Query()
}

// joinQuery is the page of orders with their customers.
func joinQuery(orders, customers lqp.Source, status string, least float64) *lqp.Query {
	orders.Alias, customers.Alias = "o", "c"
	return lqp.FromSource(orders).Join(lqp.Inner, customers, call("eq", lqp.Ref("c", "id"), lqp.Ref("o", "customer_id"))).
		Filter(call("eq", lqp.Ref("o", "status"), text(status)), call("ge", lqp.Ref("o", "total"), number(least))).
		Columns("o.id", "o.number", "o.status", "o.total", "o.placed", "o.note", "c.name", "c.country", "c.email").
		Sort("-o.customer_id", "-o.id").Limit(100).Query()
}

// getQuery is one order by its key.
func getQuery(src lqp.Source, id int) *lqp.Query {
	return lqp.FromSource(src).Filter(call("eq", lqp.Ref("", "id"), lqp.Literal(lqp.IntValue(int64(id))))).Columns(orderColumns...).Limit(1).Query()
}

// orderIDs are the keys that are asked for, spread over the table.
func orderIDs(orders int) []int {
	ids := make([]int, 64)
	for i := range ids {
		ids[i] = 1 + i*7919%orders
	}
	return ids
}

// pageRequests are the requests for a page to a server that takes them in the query string.
func pageRequests(path, sort string) [][]byte {
	var list [][]byte
	for v := range variants {
		q := url.Values{"sort": {sort}, "status": {statusOf(v)}, "least": {fmt.Sprint(leastOf(v))}}
		list = append(list, request("GET", path+"?"+q.Encode(), "", "", nil))
	}
	return list
}

func getRequests(orders int) [][]byte {
	var list [][]byte
	for _, id := range orderIDs(orders) {
		list = append(list, request("GET", fmt.Sprintf("/orders/%d", id), "", "", nil))
	}
	return list
}

// The requests to the daemon are plans as a browser or a program would send them, with formulas for filters.
func daemonPage(sort, path, token string) [][]byte {
	var list [][]byte
	for v := range variants {
		list = append(list, request("POST", path, token, "application/json", fmt.Appendf(nil,
			`{"source":{"table":"orders"},"filters":["status = \"%s\" AND total >= %v"],"columns":["%s"],"sorts":["-%s","-id"],"pagination":{"limit":100}}`,
			statusOf(v), leastOf(v), strings.Join(orderColumns, `","`), sort)))
	}
	return list
}

func daemonJoin(path, token string) [][]byte {
	var list [][]byte
	for v := range variants {
		list = append(list, request("POST", path, token, "application/json", fmt.Appendf(nil,
			`{"source":{"table":"orders","alias":"o"},"joins":[{"kind":"inner","source":{"table":"customers","alias":"c"},"on":"c.id = o.customer_id"}],`+
				`"filters":["o.status = \"%s\" AND o.total >= %v"],"columns":["o.id","o.number","o.status","o.total","o.placed","o.note","c.name","c.country","c.email"],`+
				`"sorts":["-o.customer_id","-o.id"],"pagination":{"limit":100}}`, statusOf(v), leastOf(v))))
	}
	return list
}

func daemonGet(path, token string, orders int) [][]byte {
	var list [][]byte
	for _, id := range orderIDs(orders) {
		list = append(list, request("POST", path, token, "application/json", fmt.Appendf(nil,
			`{"source":{"table":"orders"},"filters":["id = %d"],"columns":["%s"],"pagination":{"limit":1}}`, id, strings.Join(orderColumns, `","`))))
	}
	return list
}
