package minidb

import (
	"fmt"
	"slices"

	"github.com/livetables/livetables/lqp"
)

// checkLinkRecords checks the list of link columns against the columns.
func (in *importing) checkLinkRecords(*DB) error {
	listed := map[string]listedLink{}
	for _, row := range in.records["link"] {
		l := scanLink(recordOf(row))
		listed[l.column] = l
	}
	seen := 0
	for _, t := range in.order() {
		for i := range t.Columns {
			c := &t.Columns[i]
			if c.Type != LinkColumn {
				continue
			}
			l, ok := listed[c.ID]
			seen++
			if !ok || l.table != t.ID || l.target != c.Options.Link.Table || in.tables[l.target] == nil {
				return faulty("link column %q names no table of the archive", c.Name)
			}
			if t.trash == "" && l.edges != edgesOf(t.Table, c).table {
				return faulty("link column %q has the links of another one", c.Name)
			}
		}
		for i := range t.gone {
			c := &t.gone[i]
			if l, ok := listed[c.ID]; ok && c.Type == LinkColumn && l.table == t.ID && l.target == c.Options.Link.Table {
				seen++
			} else if ok {
				return faulty("link column %q in the trash is another one", c.Name)
			}
		}
	}
	if seen != len(listed) {
		return faulty("a link is of no column")
	}
	sides := map[string][]listedLink{}
	for _, l := range listed {
		sides[l.edges] = append(sides[l.edges], l)
	}
	for name, pair := range sides {
		owner := len(name) > len(edgesPrefix) && slices.ContainsFunc(pair, func(l listedLink) bool { return name == edgesPrefix+l.column })
		if len(pair) == 2 {
			owner = owner && pair[0].table == pair[1].target && pair[1].table == pair[0].target
		}
		if !ValidID(trimEdges(name), prefixColumn) || len(pair) > 2 || !owner && len(pair) > 1 {
			return faulty("links are of columns that do not belong together")
		}
		if !in.r.Has(edgesDir + trimEdges(name) + textSuffix) {
			return faulty("the links of %s are missing", name)
		}
	}
	return in.checkInverses(listed)
}

func trimEdges(name string) string {
	if len(name) < len(edgesPrefix) || name[:len(edgesPrefix)] != edgesPrefix {
		return ""
	}
	return name[len(edgesPrefix):]
}

// checkInverses makes sure that two-way links are so from both sides.
func (in *importing) checkInverses(listed map[string]listedLink) error {
	columns := map[string]*Column{}
	for _, t := range in.tables {
		for i := range t.Columns {
			columns[t.Columns[i].ID] = &t.Columns[i]
		}
		for i := range t.gone {
			columns[t.gone[i].ID] = &t.gone[i]
		}
	}
	for _, t := range in.order() {
		if t.trash != "" {
			continue // what comes back is brought in line with what there is then
		}
		for i := range t.Columns {
			c := &t.Columns[i]
			if c.Type != LinkColumn || c.Options.Link.Inverse == "" {
				continue
			}
			other := columns[c.Options.Link.Inverse]
			if other == nil || other.Type != LinkColumn || other.Options.Link.Inverse != c.ID || other.Table != c.Options.Link.Table ||
				listed[other.ID].edges != listed[c.ID].edges {
				return faulty("column %q is not seen from the other side", c.Name)
			}
		}
	}
	return nil
}

// storeEdges makes and fills the tables of links.
func (in *importing) storeEdges() error {
	done := map[string]bool{}
	for _, row := range in.records["link"] {
		l := scanLink(recordOf(row))
		if done[l.edges] {
			continue
		}
		done[l.edges] = true
		e := edges{workspace: in.workspace.ID, table: l.edges, own: edgeFrom, other: edgeTo}
		taken, err := in.taken(`SELECT 1 FROM lt_link WHERE edges = ? AND workspace <> ?`, argText(l.edges), argText(in.workspace.ID))
		if err != nil {
			return err
		}
		if taken {
			return fmt.Errorf("links of one of the archive's ids: %w", ErrExists)
		}
		if err := e.define(in.unit); err != nil {
			return err
		}
		var list []edge
		var last edge
		err = in.r.Lines(in.ctx, edgesDir+trimEdges(l.edges)+textSuffix, func(line []byte) error {
			x, err := readEdge(line)
			if err != nil {
				return err
			}
			if x.own < last.own || x.own == last.own && x.other <= last.other {
				return faulty("a link is there twice or in another place")
			}
			last = x
			if list = append(list, x); len(list) < rowsAtOnce {
				return nil
			}
			err = e.add(in.unit, list)
			list = list[:0]
			return err
		})
		if err == nil {
			err = e.add(in.unit, list)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// checkLinks makes sure that the links of columns that are in use are those of their cells, and name rows that are there.
func (in *importing) checkLinks() error {
	for _, t := range in.order() {
		if t.trash != "" {
			continue
		}
		for i := range t.Columns {
			c := &t.Columns[i]
			if c.Type != LinkColumn {
				continue
			}
			if err := in.checkCells(t, c); err != nil {
				return err
			}
		}
	}
	return nil
}

func (in *importing) checkCells(t *wholeTable, c *Column) error {
	e, l := edgesOf(t.Table, c), t.layout
	slot, cells := l.slots[c.ID], int64(0)
	differ := &ArchiveError{Entry: rowsDir + t.ID + textSuffix, Reason: fmt.Sprintf("cells of %q are not those of its links", c.Name)}
	err := in.eachChunk(l, func(rows [][]lqp.Value) error {
		var ids []string
		want := map[edge]bool{}
		for _, row := range rows {
			id := row[idSlot].Text()
			ids = append(ids, id)
			for _, other := range linkIDs(row[slot]) {
				want[edge{id, other}] = true
			}
		}
		list, err := e.read(in.unit, ids, 0)
		if err != nil {
			return err
		}
		for _, x := range list {
			if !want[x] {
				return differ
			}
		}
		if len(list) != len(want) {
			return differ
		}
		cells += int64(len(list))
		return nil
	})
	if err != nil {
		return err
	}
	all, _, err := one(in.session, func(r record) int64 { return r.integer(0) }, "SELECT count(*) FROM "+e.sql(in.unit))
	if err != nil {
		return err
	}
	if all != cells { // of rows that there are not
		return differ
	}
	target := in.tables[c.Options.Link.Table]
	missing, err := in.taken("SELECT 1 FROM " + e.sql(in.unit) + " e WHERE NOT EXISTS (SELECT 1 FROM " + in.physical(target.Table) + " r WHERE r." +
		quoteID(ColumnID) + " = e." + quoteID(e.other) + ") LIMIT 1")
	if err != nil {
		return err
	}
	if missing {
		return &ArchiveError{Entry: rowsDir + t.ID + textSuffix, Reason: fmt.Sprintf("cells of %q name rows that are not there", c.Name)}
	}
	return nil
}
