package minidb

import (
	"fmt"
	"slices"
	"strings"

	"github.com/livetables/livetables/lqp"
)

// The edges of a link are kept in a physical table of their own beside the cells: by it the rows that link to a row are
// found, in either direction and whether or not the other table has a column for it. The two columns of a two-way link share
// one. It holds nothing that the cells do not tell and is written in the transaction that writes them.

// Its columns are called as the id of rows is, so that what empties the tables of a deleted workspace works on it too.
const (
	edgeFrom = ColumnID // the row with the cell
	edgeTo   = "_to"    // the row that the cell names

	edgesPrefix = "edge_" // of the physical tables' names
)

// edges is the table of a link's edges as one of its columns looks at it.
type edges struct {
	workspace, table string // where the physical table is, and its name
	// own and other are the columns with the ids of the rows of the link column's table and of those that its cells name.
	own, other string
}

// edgesOf is the table of the edges of a link column of t. Of the two columns of a two-way link the one with the smaller id
// gives it its name and its direction.
func edgesOf(t *Table, c *Column) edges {
	if inverse := c.Options.Link.Inverse; inverse != "" && inverse < c.ID {
		return edges{workspace: t.Workspace, table: edgesPrefix + inverse, own: edgeTo, other: edgeFrom}
	}
	return edges{workspace: t.Workspace, table: edgesPrefix + c.ID, own: edgeFrom, other: edgeTo}
}

// flip is the table looked at from the other side.
func (e edges) flip() edges {
	return edges{workspace: e.workspace, table: e.table, own: e.other, other: e.own}
}

// sql is the physical table as it is named in SQL.
func (e edges) sql(u *unit) string { return u.at(u.db.store, e.workspace, e.table) }

// rowIDType is the type of row ids.
func rowIDType() lqp.Type {
	return lqp.Type{Kind: lqp.Text, MaxLen: len(prefixRow) + 1 + idLen, ASCII: true}
}

// schema describes the physical table to the store.
func (e edges) schema(u *unit) *lqp.Table {
	t := &lqp.Table{Name: e.table, Path: pathOf(u.db.store, e.workspace, e.table), Kind: lqp.BaseTable, Key: []string{edgeFrom, edgeTo}, Rows: -1}
	for _, id := range t.Key {
		typ := rowIDType()
		typ.NotNull = true
		t.Columns = append(t.Columns, lqp.Column{ID: id, Name: id, Type: typ, Native: u.db.store.DeclareType(rowIDType())})
	}
	return t
}

// define creates the physical table, with an index for the way back.
func (e edges) define(u *unit) error {
	native := u.db.store.DeclareType(rowIDType())
	sql := "CREATE TABLE " + e.sql(u) + " (" + quoteID(edgeFrom) + " " + native + " NOT NULL, " + quoteID(edgeTo) + " " + native +
		" NOT NULL, PRIMARY KEY (" + quoteID(edgeFrom) + ", " + quoteID(edgeTo) + "))"
	if _, err := u.exec(sql + tableOptions(u.db.store)); err != nil {
		return fmt.Errorf("create edges: %w", err)
	}
	back := "CREATE UNIQUE INDEX " + quoteID("back_"+e.table) + " ON " + e.sql(u) + " (" + quoteID(edgeTo) + ", " + quoteID(edgeFrom) + ")"
	if _, err := u.exec(back); err != nil {
		return fmt.Errorf("create index of edges: %w", err)
	}
	return nil
}

// move makes the edges those of another table, which is created, and drops the old one.
func (e edges) move(u *unit, to edges) error {
	if err := to.define(u); err != nil {
		return err
	}
	if _, err := u.exec("INSERT INTO " + to.sql(u) + " (" + quoteID(to.own) + ", " + quoteID(to.other) + ") SELECT " +
		quoteID(e.own) + ", " + quoteID(e.other) + " FROM " + e.sql(u)); err != nil {
		return fmt.Errorf("move edges: %w", err)
	}
	return u.dropTable(e.workspace, e.table)
}

// edge is one link: the row with the cell, seen from the side of the column that was asked, and the row it names.
type edge struct{ own, other string }

// add stores edges, none of which is there yet.
func (e edges) add(u *unit, list []edge) error {
	if len(list) == 0 {
		return nil
	}
	rows := make([][]lqp.Value, len(list))
	for i, x := range list {
		rows[i] = []lqp.Value{lqp.TextValue(x.own), lqp.TextValue(x.other)}
	}
	if err := u.tx.Insert(u.ctx, e.schema(u), []string{e.own, e.other}, rows); err != nil {
		return fmt.Errorf("store edges: %w", err)
	}
	return nil
}

// remove takes edges away, each of which is there.
func (e edges) remove(u *unit, list []edge) error {
	const most = 200 // two arguments each
	for chunk := range slices.Chunk(list, most) {
		byOwn := make(map[string][]string)
		for _, x := range chunk {
			byOwn[x.own] = append(byOwn[x.own], x.other)
		}
		for own, others := range byOwn {
			sql := "DELETE FROM " + e.sql(u) + " WHERE " + quoteID(e.own) + " = ? AND " + quoteID(e.other) + " IN (" + inMarks(len(others)) + ")"
			n, err := u.exec(sql, append([]lqp.Value{argText(own)}, argTexts(others)...)...)
			if err != nil {
				return fmt.Errorf("remove edges: %w", err)
			}
			if n != int64(len(others)) {
				return fmt.Errorf("remove edges of row %s from %s: %d of %d", own, e.table, n, len(others))
			}
		}
	}
	return nil
}

// removeAll takes all edges of rows of the own side away.
func (e edges) removeAll(u *unit, ids []string) error {
	for chunk := range slices.Chunk(ids, inChunk) {
		if _, err := u.exec("DELETE FROM "+e.sql(u)+" WHERE "+quoteID(e.own)+" IN ("+inMarks(len(chunk))+")", argTexts(chunk)...); err != nil {
			return fmt.Errorf("remove edges: %w", err)
		}
	}
	return nil
}

// read finds the edges of rows of the own side, in the order of own and other ids within each chunk of ids. With most above 0
// it fails with a *LimitError when there are more.
func (e edges) read(u *unit, ids []string, most int) (list []edge, err error) {
	for chunk := range slices.Chunk(ids, inChunk) {
		sql := "SELECT " + quoteID(e.own) + ", " + quoteID(e.other) + " FROM " + e.sql(u) + " WHERE " + quoteID(e.own) +
			" IN (" + inMarks(len(chunk)) + ") ORDER BY " + quoteID(e.own) + ", " + quoteID(e.other)
		args := argTexts(chunk)
		if most > 0 {
			sql += " LIMIT ?"
			args = append(args, argInt(int64(most-len(list)+1)))
		}
		found, err := all(u.session, func(r record) edge { return edge{r.text(0), r.text(1)} }, sql, args...)
		if err != nil {
			return nil, fmt.Errorf("read edges: %w", err)
		}
		list = append(list, found...)
		if most > 0 && len(list) > most {
			return nil, &LimitError{Name: "linked rows", Max: most}
		}
	}
	return list, nil
}

// linkedRows finds, for rows of the table t of a link column, the rows that their cells name, by row id and in the order of
// the ids; the order of a cell is in the cell alone. It sees what the transaction has written. most bounds the links that
// are read with a *LimitError; 0 is no bound.
func (u *unit) linkedRows(t *Table, c *Column, rows []string, most int) (map[string][]string, error) {
	return gatherEdges(edgesOf(t, c).read(u, rows, most))
}

// linkingRows finds, for rows of the table that the link column c of t names, the rows whose cells name them. It is as linkedRows.
func (u *unit) linkingRows(t *Table, c *Column, targets []string, most int) (map[string][]string, error) {
	return gatherEdges(edgesOf(t, c).flip().read(u, targets, most))
}

func gatherEdges(list []edge, err error) (map[string][]string, error) {
	if err != nil {
		return nil, err
	}
	by := make(map[string][]string)
	for _, x := range list {
		by[x.own] = append(by[x.own], x.other)
	}
	return by, nil
}

// inMarks are n placeholders of a statement.
func inMarks(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }

func argTexts(list []string) []lqp.Value {
	args := make([]lqp.Value, len(list))
	for i, s := range list {
		args[i] = argText(s)
	}
	return args
}
