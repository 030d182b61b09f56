package minidb

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/rbac"
)

// trashed stands before the kind of what is in the trash, among the ids of an archive.
const trashed = "trashed "

// knowTrash notes the ids of what is in the trash. An entry of the trash has records of the kinds that belong to it and no
// others.
func (in *importing) knowTrash() error {
	kinds := map[string]TrashKind{}
	for _, row := range in.records["trash"] {
		kinds[row[0].Text()] = scanTrashEntry(row).Kind
	}
	counts := map[string]int64{}
	for _, row := range in.records["trash_record"] {
		k, trash := keptOf(row)
		counts[trash]++
		if n, _ := row[1].Decimal().Int64(); n != counts[trash] {
			return faulty("the records of an entry of the trash are not all there")
		}
		if !slices.Contains(keepable[kinds[trash]], k.source) {
			return faulty("an entry of the trash has a record of %q", cleanText(k.source, maxName))
		}
		if trashedTables[k.source] == "" {
			continue
		}
		values, err := k.values(nil)
		if err != nil {
			return faulty("%v", err)
		}
		if doc := keptDocument(values); string(doc) != string(k.doc) {
			return faulty("a record in the trash is not written like that")
		}
		p := portableOf(k.source)
		if err := p.fit(values); err != nil {
			return err
		}
		if err := in.known(values[0].Text(), identified[p.name], trashed+p.name); err != nil {
			return err
		}
	}
	return nil
}

// keepable are the records that an entry of the trash may have.
var keepable = map[TrashKind][]string{
	TrashedBase:   {"lt_base", "lt_table", "lt_column", "lt_index", "lt_view"},
	TrashedTable:  {"lt_table", "lt_column", "lt_index"},
	TrashedView:   {"lt_view"},
	TrashedColumn: {"lt_column", sourceRules, sourceGrants, sourceIndex},
}

// scanTrashEntry reads a record of the trash as archives have it.
func scanTrashEntry(row []lqp.Value) Trashed {
	r := recordOf(row)
	t := Trashed{ID: r.text(0), Workspace: r.text(1), Kind: TrashKind(r.text(2)), Resource: r.text(3), Place: r.text(4), Name: r.text(5),
		Archived: r.flag(8), DeletedAt: r.instant(9), DeletedBy: r.text(10)}
	_ = json.Unmarshal(r.document(6), &t.inside) // what cannot be read is not what would be written
	_ = json.Unmarshal(r.document(7), &t.Grants)
	return t
}

// checkTrash checks the entries of the trash with their records.
func (in *importing) checkTrash(*DB) error {
	records := map[string][]keptRecord{}
	for _, row := range in.records["trash_record"] {
		k, trash := keptOf(row)
		records[trash] = append(records[trash], k)
	}
	p := portableOf("lt_trash")
	for _, row := range in.records["trash"] {
		t := scanTrashEntry(row)
		inside, err := json.Marshal(append([]string{}, t.inside...))
		if err != nil {
			return err
		}
		grants, err := json.Marshal(t.Grants)
		if err != nil {
			return err
		}
		again := slices.Clone(row)
		again[p.at("inside")], again[p.at("grants")], again[p.at("kept")] = argText(string(inside)), argText(string(grants)), argFlag(t.Archived)
		if err := p.same(row, again); err != nil {
			return err
		}
		for role, access := range t.Grants {
			if access != rbac.Hidden && access != rbac.Masked && access != rbac.ReadOnly {
				return faulty("%q of role %q is no access of a column", access, role)
			}
		}
		if err := in.checkTrashed(t, records[t.ID]); err != nil {
			return fmt.Errorf("trash %s: %w", t.ID, err)
		}
	}
	return nil
}

// checkTrashed checks one entry: what it is about, where that was, and that it has just the records of that.
func (in *importing) checkTrashed(t Trashed, kept []keptRecord) error {
	if cleanText(t.DeletedBy, maxActorText) != t.DeletedBy || cleanText(t.Name, maxName) != t.Name {
		return faulty("an entry of the trash is not as it is written")
	}
	own := map[string]bool{} // bases, tables and views of the entry
	for _, k := range kept {
		if trashedTables[k.source] == "" {
			if err := in.checkKept(t, k); err != nil {
				return err
			}
			continue
		}
		values, err := k.values(nil)
		if err != nil {
			return err
		}
		p := portableOf(k.source)
		if values[p.at("workspace")].Text() != in.about.Workspace {
			return faulty("a %s in the trash is of another workspace", p.name)
		}
		if err := in.checkRecord(p, values, trashed); err != nil {
			return err
		}
		if p.name == "base" || p.name == "table" || p.name == "view" {
			own[values[0].Text()] = true
		}
		if err := inEntry(t, p, values, own); err != nil {
			return err
		}
	}
	want := map[string]bool{}
	if t.Kind != TrashedColumn {
		want[t.Resource] = true
	} else if in.ids[t.Resource] != trashed+"column" || in.tables[t.Place] == nil ||
		!slices.ContainsFunc(in.tables[t.Place].gone, func(c Column) bool { return c.ID == t.Resource }) {
		return faulty("the column is of no table")
	}
	for _, id := range t.inside {
		want[id] = true
	}
	if !maps.Equal(own, want) || t.Kind != TrashedBase && len(t.inside) > 0 {
		return faulty("what it has is not what it says")
	}
	switch t.Kind {
	case TrashedBase:
		if t.Place != "" && !ValidID(t.Place, prefixProject) {
			return faulty("it was in no project")
		}
	case TrashedTable, TrashedView:
		return in.refers(t.Place, "base", trashed+"base")
	}
	return nil
}

// inEntry checks that a record belongs to what the entry is about.
func inEntry(t Trashed, p *portable, values []lqp.Value, own map[string]bool) error {
	at := func(column string) string { return values[p.at(column)].Text() }
	ok := true
	switch p.name {
	case "base":
		ok = at("id") == t.Resource
	case "table", "view":
		ok = t.Kind == TrashedBase && at("base") == t.Resource || t.Kind != TrashedBase && at("id") == t.Resource && at("base") == t.Place
	case "column":
		ok = t.Kind == TrashedColumn && at("id") == t.Resource && at("table_id") == t.Place || t.Kind != TrashedColumn && own[at("table_id")]
	case "index":
		ok = own[at("table_id")]
	}
	if !ok {
		return faulty("a %s in the trash belongs to something else", p.name)
	}
	return nil
}

// checkKept checks what the entry of a column keeps beside the column.
func (in *importing) checkKept(t Trashed, k keptRecord) error {
	var again []byte
	var err error
	switch k.source {
	case sourceRules:
		var rules TableRules
		if err = json.Unmarshal(k.doc, &rules); err == nil {
			again = []byte(rules.document())
		}
	case sourceGrants:
		grants := map[rbac.Role]columnGrant{}
		if err = json.Unmarshal(k.doc, &grants); err == nil {
			again, err = json.Marshal(grants)
		}
		for _, g := range grants {
			if g.Access != rbac.Hidden && g.Access != rbac.Masked && g.Access != rbac.ReadOnly {
				return faulty("%q is no access of a column", g.Access)
			}
		}
	case sourceIndex:
		var x Index
		if err = json.Unmarshal(k.doc, &x); err == nil {
			again, err = json.Marshal(x)
		}
		if err == nil && x.Table != t.Place {
			return faulty("an index in the trash is of another table")
		}
		if err == nil {
			err = in.known(x.ID, prefixIndex, trashed+"index")
		}
	}
	if err != nil || string(again) != string(k.doc) {
		return faulty("a record in the trash is not written like that")
	}
	return nil
}
