package minidb

import "fmt"

// lt_link lists the link columns by the tables that they name, so that a deleted row is taken off the cells of tables that
// know nothing of each other otherwise, and a deleted workspace's edges are found.

// putLink lists a link column of t.
func (u *unit) putLink(t *Table, c *Column) error {
	_, err := u.exec(`INSERT INTO lt_link (id, workspace, table_id, target_id, edges) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET edges = excluded.edges`,
		argText(c.ID), argText(t.Workspace), argText(t.ID), argText(c.Options.Link.Table), argText(edgesOf(t, c).table))
	if err != nil {
		return fmt.Errorf("list link: %w", err)
	}
	return nil
}

// removeLink takes a link column off the list.
func (u *unit) removeLink(workspace, column string) error {
	if _, err := u.exec(`DELETE FROM lt_link WHERE workspace = ? AND id = ?`, argText(workspace), argText(column)); err != nil {
		return fmt.Errorf("remove link: %w", err)
	}
	return nil
}

// listedLink is a link column as lt_link has it. It stays listed while it is in the trash, or its table is.
type listedLink struct {
	column, table, target string
	edges                 string
}

const linkColumns = `id, table_id, target_id, edges`

func scanLink(r record) listedLink { return listedLink{r.text(0), r.text(1), r.text(2), r.text(3)} }

// sides are the edges of a listed link, as its column looks at them.
func (l listedLink) sides(workspace string) edges {
	if l.edges == edgesPrefix+l.column {
		return edges{workspace: workspace, table: l.edges, own: edgeFrom, other: edgeTo}
	}
	return edges{workspace: workspace, table: l.edges, own: edgeTo, other: edgeFrom}
}

// linksOf lists the link columns that a table has and those whose cells name its rows.
func (s session) linksOf(workspace, table string) ([]listedLink, error) {
	list, err := all(s, scanLink, `SELECT `+linkColumns+` FROM lt_link WHERE workspace = ? AND (table_id = ? OR target_id = ?) ORDER BY id`,
		argText(workspace), argText(table), argText(table))
	if err != nil {
		return nil, fmt.Errorf("list links of %s: %w", table, err)
	}
	return list, nil
}

// listed is a link column as it is listed, false when it is not: it is no link any more.
func (s session) listed(workspace, column string) (listedLink, bool, error) {
	return one(s, scanLink, `SELECT `+linkColumns+` FROM lt_link WHERE workspace = ? AND id = ?`, argText(workspace), argText(column))
}
