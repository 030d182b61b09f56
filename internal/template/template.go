// Package template has the bases that people can start from: tables with columns, views and a few rows that show what they
// are for.
package template

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/livetables/livetables/formula"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// Template describes a base to start from.
type Template struct {
	ID, Name, Description, Colour, Icon string

	Tables []Table
	Views  []View
}

// Table is a table of a template. Cells of rows are written as in CSV files, in the order of the columns; "@3" and "@-3" are
// the day three days after and before the making of the base.
type Table struct {
	Name, Description string
	Columns           []minidb.ColumnSpec
	Rows              [][]string
	// Later are computed columns that look at tables behind this one.
	Later []minidb.ColumnSpec
	// Uniques are columns that are unique together, Checks what every row satisfies: by name.
	Uniques [][]string
	Checks  []Check
}

// Check is a formula that rows make true, with what is said at a column to whoever breaks it.
type Check struct{ Formula, Message, Column string }

// View is a view of a template over one of its tables. Filter and Sorts are formulas over column names, a sort with "-" in
// front is descending. A view with GroupBy has a row for each value of that column, with the count of rows and the sum of Sum.
type View struct {
	Name, Table, Filter string
	Sorts, Columns      []string
	GroupBy, Sum        string
}

// All lists the templates. They are shared: nothing in them may be changed.
func All() []Template {
	return []Template{projects, crm, inventory, content, issues, events}
}

// Find is the template of that id.
func Find(id string) (Template, bool) {
	for _, t := range All() {
		if t.ID == id {
			return t, true
		}
	}
	return Template{}, false
}

// Blueprint is what the template makes on a day. The caller may change its Base.
func (t Template) Blueprint(today time.Time) (minidb.Blueprint, error) {
	bp := minidb.Blueprint{Base: minidb.BaseSpec{Name: t.Name, Description: t.Description, Colour: t.Colour, Icon: t.Icon}}
	for _, tb := range t.Tables {
		rules, err := tb.rules()
		if err != nil {
			return bp, fmt.Errorf("template %s, table %s: %w", t.ID, tb.Name, err)
		}
		made := minidb.TableBlueprint{TableSpec: minidb.TableSpec{Name: tb.Name, Description: tb.Description, Columns: tb.Columns, Rules: rules}, Later: tb.Later}
		for i, cells := range tb.Rows {
			row := make([]lqp.Value, len(cells))
			for k, cell := range cells {
				v, err := parseCell(tb.Columns[k], cell, today)
				if err != nil {
					return bp, fmt.Errorf("template %s, table %s, row %d: %w", t.ID, tb.Name, i, err)
				}
				row[k] = v
			}
			made.Rows = append(made.Rows, row)
		}
		bp.Tables = append(bp.Tables, made)
	}
	bp.Views = t.views
	return bp, nil
}

// rules are the rules of the table.
func (tb *Table) rules() (r minidb.TableRules, err error) {
	for _, set := range tb.Uniques {
		r.Uniques = append(r.Uniques, minidb.UniqueSet{Columns: set})
	}
	for _, k := range tb.Checks {
		e, err := formula.Parse(k.Formula)
		if err != nil {
			return r, fmt.Errorf("check %q: %w", k.Formula, err)
		}
		r.Checks = append(r.Checks, minidb.Check{Expr: lqp.EncodeExpr(e), Message: k.Message, Column: k.Column})
	}
	return r, nil
}

func parseCell(spec minidb.ColumnSpec, cell string, today time.Time) (lqp.Value, error) {
	if after, ok := strings.CutPrefix(cell, "@"); ok {
		days, err := strconv.Atoi(after)
		if err != nil {
			return lqp.Value{}, fmt.Errorf("day %q: %w", cell, err)
		}
		cell = today.UTC().AddDate(0, 0, days).Format(time.DateOnly)
	}
	c := minidb.Column{Type: spec.Type, Options: spec.Options}
	return c.ParseText(cell)
}

// views are the queries of the views on tables that have their ids.
func (t Template) views(tables []*minidb.Table) ([]minidb.ViewSpec, error) {
	list := make([]minidb.ViewSpec, 0, len(t.Views))
	for _, v := range t.Views {
		q, err := v.query(tables)
		if err != nil {
			return nil, fmt.Errorf("template %s, view %s: %w", t.ID, v.Name, err)
		}
		list = append(list, minidb.ViewSpec{Name: v.Name, Query: lqp.EncodeQuery(q)})
	}
	return list, nil
}

// alias is the name of the table inside a view's query.
const alias = "t"

func (v View) query(tables []*minidb.Table) (*lqp.Query, error) {
	var t *minidb.Table
	for _, table := range tables {
		if table.Name == v.Table {
			t = table
		}
	}
	if t == nil {
		return nil, fmt.Errorf("no table %q", v.Table)
	}
	q := &lqp.Query{From: lqp.Source{Table: t.ID, Alias: alias}}
	var err error
	if v.Filter != "" {
		if q.Where, err = expression(t, v.Filter); err != nil {
			return nil, err
		}
	}
	for _, name := range v.Columns {
		e, err := expression(t, "{"+name+"}")
		if err != nil {
			return nil, err
		}
		q.Select = append(q.Select, lqp.Named{Name: name, Expr: e})
	}
	if v.GroupBy != "" {
		key, err := expression(t, "{"+v.GroupBy+"}")
		if err != nil {
			return nil, err
		}
		sum, err := expression(t, "{"+v.Sum+"}")
		if err != nil {
			return nil, err
		}
		q.GroupBy = []lqp.Named{{Name: v.GroupBy, Expr: key}}
		q.Aggregates = []lqp.Aggregate{{Name: "Count", Func: "countall"}, {Name: v.Sum, Func: "sum", Arg: sum}}
		return q, nil
	}
	for _, s := range v.Sorts {
		text, desc := strings.CutPrefix(s, "-")
		e, err := expression(t, "{"+text+"}")
		if err != nil {
			return nil, err
		}
		q.OrderBy = append(q.OrderBy, lqp.Order{Expr: e, Desc: desc})
	}
	return q, nil
}

// expression reads a formula over the columns of a table and gives them their ids.
func expression(t *minidb.Table, text string) (lqp.Expr, error) {
	e, err := formula.Parse(text)
	if err != nil {
		return nil, err
	}
	byID := lqp.Rewrite(e, func(e lqp.Expr) lqp.Expr {
		c, ok := e.(*lqp.Col)
		if !ok {
			return e
		}
		for i := range t.Columns {
			if t.Columns[i].Name == c.Column {
				return lqp.Ref(alias, t.Columns[i].ID)
			}
		}
		if err == nil {
			err = fmt.Errorf("no column %q", c.Column)
		}
		return e
	})
	return byID, err
}
