package minidb

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/livetables/livetables/lqp"
)

// What an archive says of the catalogue is read whole before anything is stored. Every record must be just what the mini-DB
// would write for what it reads from it.

// readCatalogue reads and checks the records of the catalogue.
func (in *importing) readCatalogue(ctx context.Context, db *DB) error {
	if c := in.r.Content(catalogueFile); c != nil && c.Size() > maxCatalogue {
		return &ArchiveError{Entry: catalogueFile, Reason: fmt.Sprintf("a catalogue has at most %d bytes", maxCatalogue)}
	}
	in.records, in.ids = catalogueRecords{}, map[string]string{}
	at, last := 0, []byte(nil)
	err := in.r.Lines(ctx, catalogueFile, func(line []byte) error {
		name, _, _ := bytes.Cut(bytes.TrimPrefix(line, []byte(`{"`)), []byte(`":`))
		for at < len(portables) && portables[at].name != string(name) {
			at, last = at+1, nil
		}
		if at == len(portables) {
			return faulty("a %q is unknown or comes too late", cleanText(string(name), maxName))
		}
		p := &portables[at]
		row, err := p.parse(line)
		if err != nil {
			return err
		}
		key := p.key(row)
		if bytes.Compare(last, key) >= 0 {
			return faulty("a %s is there twice or in another place", p.name)
		}
		last = key
		if i := p.at("workspace"); i >= 0 && row[i].Text() != in.about.Workspace {
			return faulty("a %s is of another workspace", p.name)
		}
		in.records[p.name] = append(in.records[p.name], row)
		return nil
	})
	if err == nil {
		err = asFault(in.checkCatalogue(db))
	}
	if fault, ok := err.(*ArchiveError); ok && fault.Entry == "" { //nolint:errorlint // made here, without a place
		fault.Entry = catalogueFile
	}
	return err
}

// key is what orders the records of a kind, in a form whose bytes have that order.
func (p *portable) key(row []lqp.Value) (key []byte) {
	for _, c := range strings.Split(p.order, ", ") {
		v := row[p.at(c)]
		if n, ok := v.Decimal().Int64(); v.Kind() == lqp.Number && ok {
			key = fmt.Appendf(key, "%020d", n)
			continue
		}
		key = append(append(key, v.Text()...), 0)
	}
	return append(key, 1)
}

// checkCatalogue checks what the records say, and works out the tables.
func (in *importing) checkCatalogue(db *DB) error {
	if err := in.checkHead(); err != nil {
		return err
	}
	names := map[string]bool{}
	for i := range portables { // first what there is, then what it refers to
		p := &portables[i]
		if prefix := identified[p.name]; prefix != "" {
			for _, row := range in.records[p.name] {
				if err := in.known(row[0].Text(), prefix, p.name); err != nil {
					return err
				}
			}
		}
		name, key := p.at("name"), p.at("name_key")
		if key < 0 || p.name == "table" || p.name == "column" || p.name == "view" {
			continue // those are unique in something smaller
		}
		for _, row := range in.records[p.name] {
			k := p.name + " " + row[key].Text()
			if names[k] || row[key].Text() != nameKey(row[name].Text()) {
				return faulty("two of the kind %s have the name %q", p.name, row[name].Text())
			}
			names[k] = true
		}
	}
	if err := in.knowTrash(); err != nil {
		return err
	}
	var err error
	if in.tables, err = in.records.tables(db.store, in.about.Workspace); err != nil {
		return faulty("%v", err)
	}
	for _, name := range []string{"project", "role", "connection", "base", "table", "column", "index", "view"} {
		p := portableOf("lt_" + name)
		for _, row := range in.records[name] {
			if err := in.checkRecord(p, row, ""); err != nil {
				return err
			}
		}
	}
	for _, step := range []func(*DB) error{in.checkTrash, in.checkTables, in.checkLinkRecords, in.checkPolicy, in.checkFloor, in.checkRoom, in.checkEntries} {
		if err := step(db); err != nil {
			return err
		}
	}
	return nil
}

// identified are the prefixes of the ids of the kinds of records that have one of their own.
var identified = map[string]string{"project": prefixProject, "role": prefixRole, "connection": prefixConnection, "base": prefixBase,
	"table": prefixTable, "column": prefixColumn, "index": prefixIndex, "view": prefixView, "trash": prefixTrash}

// checkHead checks the record of the workspace itself.
func (in *importing) checkHead() error {
	if len(in.records["workspace"]) != 1 || len(in.records["retention"]) > 1 || len(in.records["floor"]) > 1 {
		return faulty("an archive is of one workspace")
	}
	row := in.records["workspace"][0]
	w := scanWorkspace(recordOf(row))
	settings, err := cleanObject("settings", w.Settings)
	if err != nil {
		return err
	}
	name, err := cleanName(w.Name)
	if err != nil {
		return err
	}
	var networks []netip.Prefix
	doc := row[len(row)-1].Text()
	if err := json.Unmarshal([]byte(doc), &networks); err != nil || len(networks) > MaxNetworks {
		return faulty("networks that cannot be read")
	}
	for _, n := range networks {
		if !n.IsValid() || n.Masked() != n || n.Addr().Is4In6() {
			return faulty("%s is no network", n)
		}
	}
	again, err := json.Marshal(networks)
	if err != nil {
		return err
	}
	if w.ID != in.about.Workspace || name != in.about.Name || name != w.Name || string(settings) != string(w.Settings) || string(again) != doc || w.Version < 1 {
		return faulty("the workspace is not as it is written")
	}
	in.workspace = w
	return in.known(w.ID, prefixWorkspace, "workspace")
}

// checkRecord checks one record of the catalogue, in the trash or not: it must be what would be written for what it is read as.
// trash is what refers to things in the same entry of the trash, "" for what is in none.
func (in *importing) checkRecord(p *portable, row []lqp.Value, trash string) error {
	if err := p.fit(row); err != nil {
		return err
	}
	for _, c := range []string{"created_by", "deleted_by"} {
		if i := p.at(c); i >= 0 && cleanText(row[i].Text(), maxActorText) != row[i].Text() {
			return faulty("a %s is of nobody", p.name)
		}
	}
	if i := p.at("version"); i >= 0 {
		if n, _ := row[i].Decimal().Int64(); n < 1 {
			return faulty("a %s has no version", p.name)
		}
	}
	again := slices.Clone(row)
	r := recordOf(row)
	put := func(column, text string) { again[p.at(column)] = argText(text) }
	switch p.name {
	case "project":
		x := scanProject(r)
		if err := x.check(); err != nil {
			return err
		}
		put("name", x.Name)
	case "role":
		x := scanRole(r)
		if err := x.check(); err != nil || x.damaged {
			return faulty("a role cannot be read: %v", err)
		}
		doc, err := json.Marshal(x.Grants)
		if err != nil {
			return err
		}
		put("name", x.Name)
		put("grants", string(doc))
	case "connection":
		x := Connection{Name: r.text(2), Driver: r.text(3), Settings: r.document(4)}
		if err := x.check(); err != nil {
			return err
		}
		put("name", x.Name)
		put("settings", string(x.Settings))
	case "base":
		x := scanBase(r)
		if err := x.check(); err != nil {
			return err
		}
		put("name", x.Name)
		if x.Project != "" && (trash == "" || !ValidID(x.Project, prefixProject)) { // the project of one in the trash may be gone
			if err := in.refers(x.Project, "project"); err != nil {
				return err
			}
		}
	case "table":
		x := scanTable(r)
		if err := x.check(); err != nil {
			return err
		}
		put("name", x.Name)
		put("settings", string(x.Settings))
		put("rules", x.Rules.document())
		put("physical", "")
		if err := in.refers(x.Base, "base", trash+"base"); err != nil {
			return err
		}
	case "column":
		x := scanColumn(r)
		if err := x.check(); err != nil {
			return err
		}
		again = x.values(in.about.Workspace)
		if err := in.refers(x.Table, "table", trash+"table"); err != nil {
			return err
		}
	case "index":
		x := scanIndex(r)
		doc, err := json.Marshal(x.Columns)
		if err != nil {
			return err
		}
		put("columns", string(doc))
		if err := in.refers(x.Table, "table", trash+"table"); err != nil {
			return err
		}
	case "view":
		x := scanView(r)
		if err := x.check(); err != nil {
			return err
		}
		put("name", x.Name)
		put("query", string(x.Query))
		if err := in.refers(x.Base, "base", trash+"base"); err != nil {
			return err
		}
	}
	if key := p.at("name_key"); key >= 0 {
		put("name_key", nameKey(row[p.at("name")].Text()))
	}
	return p.same(row, again)
}

// checkFloor checks how long the log is kept, and where it begins.
func (in *importing) checkFloor(*DB) error {
	for _, row := range in.records["retention"] {
		if err := scanRetention(recordOf(row)).check(); err != nil {
			return err
		}
	}
	sequence := int64(0)
	for _, row := range in.records["floor"] {
		sequence = recordOf(row).integer(1)
	}
	if sequence != in.about.First-1 || (sequence > 0) != (len(in.records["floor"]) > 0) {
		return faulty("the log does not begin where it was cut")
	}
	return nil
}

// checkEntries finds entries of the archive that are none of a workspace with these tables, or stand in another order.
func (in *importing) checkEntries(*DB) error {
	want := []string{catalogueFile}
	for _, t := range in.order() {
		want = append(want, rowsDir+t.ID+textSuffix)
	}
	var links []string
	for _, row := range in.records["link"] {
		links = append(links, edgesDir+trimEdges(scanLink(recordOf(row)).edges)+textSuffix)
	}
	slices.Sort(links)
	want = append(append(want, slices.Compact(links)...), attachmentsFile, operationsFile, logFile)
	for i := range in.r.Entries {
		name := in.r.Entries[i].Name
		ok := i < len(want) && name == want[i]
		if i >= len(want) {
			ok = strings.HasPrefix(name, blobsDir) && (i == len(want) || name > in.r.Entries[i-1].Name)
		}
		if !ok {
			return &ArchiveError{Entry: name, Reason: "there is no such entry, or it is in another place"}
		}
	}
	if len(in.r.Entries) < len(want) {
		return &ArchiveError{Entry: want[len(in.r.Entries)], Reason: "it is missing"}
	}
	return nil
}

// checkRoom holds the workspace to the bounds of this database.
func (in *importing) checkRoom(db *DB) error {
	for _, limit := range []struct {
		name string
		most int
	}{{"base", db.opt.MaxBases}, {"project", db.opt.MaxProjects}, {"connection", db.opt.MaxConnections}, {"table", db.opt.MaxWorkspaceTables},
		{"role", MaxRoles}, {"cap", MaxCaps}, {"trash", MaxTrash}} {
		if len(in.records[limit.name]) > limit.most {
			return &LimitError{Name: limit.name + "s", Max: limit.most}
		}
	}
	return nil
}
