package musicshop

import (
	"strings"

	"github.com/livetables/livetables/lqp"
)

// naming is how a copy of the shop calls the tables and columns that PostgreSQL's copy calls, say, invoice_line and
// invoice_line.unit_price.
type naming struct {
	table  func(table string) string
	column func(table, column string) string
}

// snake leaves the names as they are.
var snake = naming{func(table string) string { return table }, func(_, column string) string { return column }}

// camel is the naming of the MySQL, MariaDB and SQLite copies: InvoiceLine.UnitPrice.
var camel = naming{camelCase, func(_, column string) string { return camelCase(column) }}

// documents is the naming of the MongoDB copy: like camel, but a key of one column is the document's _id, and addresses
// are embedded documents.
var documents = naming{camelCase, func(table, column string) string {
	switch {
	case column == table+"_id":
		return "_id"
	case (table == "customer" || table == "employee") && addressParts[column] != "":
		return "Address." + addressParts[column]
	case table == "invoice" && strings.HasPrefix(column, "billing_"):
		return "Billing." + addressParts[strings.TrimPrefix(column, "billing_")]
	}
	return camelCase(column)
}}

var addressParts = map[string]string{"address": "Street", "city": "City", "state": "State", "country": "Country", "postal_code": "PostalCode"}

// people is the naming of tables of the mini-DB, as people would name theirs: "Postal code".
var people = naming{sentence, func(_, column string) string { return sentence(column) }}

func camelCase(name string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(name, "_") {
		b.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return b.String()
}

func sentence(name string) string {
	name = strings.ReplaceAll(name, "_", " ")
	return strings.ToUpper(name[:1]) + name[1:]
}

// place is where a copy of a table is: the id of a connection, empty for the mini-DB, and the names there.
type place struct {
	connection string
	naming     naming
}

// translate puts a question into the words of the places. places has them by the connection that the question names, the
// empty name among them for sources that name none.
//
// In a question every column of a table is written with the alias of its source, so that a name without one is an output
// of the query itself and stays as it is.
func translate(q *lqp.Query, places map[string]place) *lqp.Query {
	type known struct {
		place
		table string
	}
	sources := map[string]known{}
	out := q.Clone()
	at := func(s *lqp.Source) {
		if s.Query != nil {
			s.Query = translate(s.Query, places)
			return
		}
		p := places[s.Connection]
		sources[s.Alias] = known{p, s.Table}
		s.Connection, s.Table = p.connection, p.naming.table(s.Table)
	}
	at(&out.From)
	for i := range out.Joins {
		at(&out.Joins[i].Source)
	}
	for _, list := range [][]lqp.Named{out.GroupBy, out.Select} {
		for i := range list {
			if c, ok := list[i].Expr.(*lqp.Col); ok && list[i].Name == "" {
				_, list[i].Name = qualified(c) // by which all copies call the output
			}
		}
	}
	return out.MapExprs(func(e lqp.Expr) lqp.Expr {
		return lqp.Rewrite(e, func(e lqp.Expr) lqp.Expr {
			c, ok := e.(*lqp.Col)
			if !ok {
				return e
			}
			alias, name := qualified(c)
			if s, ok := sources[alias]; ok {
				return lqp.Ref(alias, s.naming.column(s.table, name))
			}
			return e
		})
	})
}

// qualified is the alias and the name of a column, whose short form is "alias.name".
func qualified(c *lqp.Col) (alias, name string) {
	if c.Source != "" {
		return c.Source, c.Column
	}
	if alias, name, ok := strings.Cut(c.Column, "."); ok {
		return alias, name
	}
	return "", c.Column
}
