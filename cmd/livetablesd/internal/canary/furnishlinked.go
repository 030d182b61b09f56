package canary

import (
	"net/url"
	"strings"
)

// cells are the values of a row.
type cells = map[string]any

func column(name, kind string, options map[string]any) map[string]any {
	if options == nil {
		return map[string]any{"name": name, "type": kind}
	}
	return map[string]any{"name": name, "type": kind, "options": options}
}

// choices are the options of a column of choices.
func choices(names ...string) map[string]any {
	list := []any{}
	for _, n := range names {
		list = append(list, map[string]any{"name": n})
	}
	return map[string]any{"choices": list}
}

// newTable makes a table and keeps its id and those of its columns.
func (f *furnishing) newTable(name string, columns ...map[string]any) string {
	got := f.do(f.owner, "POST", "/api/v1/bases/"+f.ids["base"][0]+"/tables", map[string]any{"name": name, "columns": columns})
	id := got.text("id")
	f.ids["table"] = append(f.ids["table"], id)
	f.names = append(f.names, name)
	f.keepColumns(id)
	return id
}

// keepColumns keeps the ids of a table's columns as the owner sees them.
func (f *furnishing) keepColumns(table string) {
	got := f.ask("/api/v1/tables/" + table + "/columns")
	for _, id := range got.each("data", "id") {
		f.keep(table, "column", id)
	}
	for _, name := range got.each("data", "name") {
		if !strings.HasPrefix(name, mark) { // what somebody names in a request is no news to them
			f.fields[table] = append(f.fields[table], name)
		}
	}
}

// keep notes an id of something in a table.
func (f *furnishing) keep(table, kind, id string) {
	f.ids[kind] = append(f.ids[kind], id)
	if f.inside[table] == nil {
		f.inside[table] = map[string][]string{}
	}
	f.inside[table][kind] = append(f.inside[table][kind], id)
}

func (f *furnishing) ask(path string) *reply { return f.do(f.owner, "GET", path, nil) }

func (f *furnishing) columnID(table, name string) string {
	got := f.ask("/api/v1/tables/" + table + "/columns")
	ids, names := got.each("data", "id"), got.each("data", "name")
	for i := range names {
		if names[i] == name {
			return ids[i]
		}
	}
	f.fail("table %s has no column %s", table, name)
	return ""
}

// addColumn adds a column to a table.
func (f *furnishing) addColumn(table, name, kind string, options map[string]any) string {
	id := f.do(f.owner, "POST", "/api/v1/tables/"+table+"/columns", column(name, kind, options)).text("id")
	f.keep(table, "column", id)
	f.fields[table] = append(f.fields[table], name)
	return id
}

// addRow adds a row.
func (f *furnishing) addRow(who *person, table string, values cells) string {
	id := f.do(who, "POST", "/api/v1/tables/"+table+"/rows", map[string]any{"fields": values}).text("id")
	f.keep(table, "row", id)
	return id
}

func (f *furnishing) setRow(who *person, table, row string, values cells) {
	f.do(who, "PATCH", "/api/v1/tables/"+table+"/rows/"+row, map[string]any{"fields": values})
}

// upload leaves a file with a canary in its name and one in its content.
func (f *furnishing) upload(who *person, table, column, what string, seen crowd) string {
	path := "/api/v1/tables/" + table + "/columns/" + column + "/attachments?name=" + url.QueryEscape(f.plant(f.tenant, "the name of "+what, seen, told)+".txt")
	id := f.do(who, "POST", path, []byte("a file with "+f.plant(f.tenant, "the content of "+what, seen, told)+" in it\n")).text("id")
	f.keep(table, "attachment", id)
	return id
}

// linked makes tables that lead to each other: Parts, with rows out of sight; Orders, with rows out of sight, hidden and
// masked columns and files, and columns computed from all of them; Notes with a hidden column; and Ledger, in which everything
// is in sight but what comes from the others.
func (f *furnishing) linked() {
	f.parts = f.newTable("Parts", column("Name", "text", nil), column("Level", "single_select", choices("open", "top")), column("Code", "text", nil),
		column("Card", "text", nil), column("Tags", "multi_select", choices(f.shared("the name of a choice"), "plain")),
		column("Seals", "multi_select", choices(f.managed("the name of a choice of a hidden column"), "plain")))
	f.orders = f.newTable("Orders", column("Name", "text", nil), column("State", "single_select", choices("open", "closed", "shown")), column("Secret", "text", nil), column("Card", "text", nil),
		column("Files", "attachment", nil), column("Papers", "attachment", nil),
		map[string]any{"name": "Part", "type": "link", "options": map[string]any{"link": map[string]any{"table_id": f.parts}}, "inverse": map[string]any{"name": "Orders"}},
		column("Before", "link", map[string]any{"link": map[string]any{"single": true}}))
	f.notes = f.newTable("Notes", column("Name", "text", nil), column("Inner", "text", nil), column("Card", "text", nil))
	f.ledger = f.newTable("Ledger", column("Name", "text", nil),
		column("Order", "link", map[string]any{"link": map[string]any{"table_id": f.orders}}), column("Note", "link", map[string]any{"link": map[string]any{"table_id": f.notes}}))
	through := func(link, target string) map[string]any {
		return map[string]any{"through": map[string]any{"link": link, "target": target}}
	}
	gathered := func(link, target, how string) map[string]any {
		return map[string]any{"through": map[string]any{"link": link, "target": target, "aggregate": how}}
	}
	formula := func(text string) map[string]any { return map[string]any{"formula": text} }
	for _, c := range []struct {
		name, kind string
		options    map[string]any
	}{
		{"PartNames", "lookup", through("Part", "Name")}, {"PartCards", "lookup", through("Part", "Card")}, {"PartTags", "lookup", through("Part", "Tags")},
		{"LastPart", "rollup", gathered("Part", "Name", "max")}, {"AllCodes", "rollup", gathered("Part", "Code", "array_unique")},
		{"Many", "count", map[string]any{"through": map[string]any{"link": "Part", "filter": `Level = "top"`}}}, {"Earlier", "lookup", through("Before", "Name")},
		{"Loud", "formula", formula("UPPER(Secret)")}, {"Shout", "formula", formula("UPPER(Card)")}, {"Louder", "formula", formula(`LOWER(Loud) & "!"`)},
		{"Plain", "formula", formula(`UPPER(Name) & "!"`)}, {"Mixed", "formula", formula(`IF(State = "open", Name, Secret)`)}, {"Joined", "formula", formula(`ARRAY_JOIN(PartNames, ", ")`)},
	} {
		f.addColumn(f.orders, c.name, c.kind, c.options)
	}
	for _, c := range []struct {
		name, kind string
		options    map[string]any
	}{
		{"OrderNames", "lookup", through("Order", "Name")}, {"OrderParts", "lookup", through("Order", "PartNames")}, {"OrderLoud", "rollup", gathered("Order", "Loud", "min")},
		{"OrderCards", "lookup", through("Order", "Card")}, {"OrderPapers", "lookup", through("Order", "Papers")}, {"NoteInner", "lookup", through("Note", "Inner")}, {"NoteCards", "lookup", through("Note", "Card")},
		{"NoteNames", "lookup", through("Note", "Name")}, {"Whole", "formula", formula(`ARRAY_JOIN(NoteInner, "-") & Name`)},
	} {
		f.addColumn(f.ledger, c.name, c.kind, c.options)
	}
	for _, role := range []string{"editor", "viewer"} {
		mask := map[string]any{"Card": "LEFT(Card, 3)"}
		f.masked(f.parts, role, `Level = "open"`, map[string]any{"Code": "hidden", "Card": "masked", "Seals": "hidden"}, mask)
		f.masked(f.orders, role, `State <> "closed"`, map[string]any{"Secret": "hidden", "Card": "masked", "Papers": "hidden"}, mask)
		f.masked(f.notes, role, "", map[string]any{"Inner": "hidden", "Card": "masked"}, mask)
	}
	f.clerks()
	f.linkedRows()
	f.past()
	f.remove()
	f.published()
	f.jobs()
	f.collect()
	f.stirring()
}

func (f *furnishing) masked(table, role, read string, columns, masks map[string]any) {
	body := map[string]any{"table": table, "role": role, "columns": columns}
	if masks != nil {
		body["masks"] = masks
	}
	if read != "" {
		body["read"] = read
	}
	f.do(f.owner, "PUT", f.at("/rules"), body)
}

// card is the value of a masked column: its first letters are for everybody.
func (f *furnishing) card(what string) string { return "abc-" + f.managed("a masked cell of "+what) }

// linkedRows are rows in sight and out of sight that are linked with each other crosswise.
func (f *furnishing) linkedRows() {
	var parts, orders, notes []string
	for i := range 6 {
		level, seen := "open", f.members
		if i%2 == 1 {
			level, seen = "top", f.managers
		}
		parts = append(parts, f.addRow(f.owner, f.parts, cells{"Name": f.plant(f.tenant, "a part "+level, seen, told), "Level": level,
			"Code": f.managed("a hidden cell of a part"), "Card": f.card("a part"), "Tags": []string{"plain"}, "Seals": []string{"plain"}}))
		notes = append(notes, f.addRow(f.owner, f.notes, cells{"Name": f.plant(f.tenant, "a note", f.members, told), "Inner": f.managed("a hidden cell of a note"), "Card": f.card("a note")}))
	}
	files, papers := f.columnID(f.orders, "Files"), f.columnID(f.orders, "Papers")
	for i := range 9 {
		// Who holds the key of the view of open orders and who has no more than this table see open ones too.
		state, seen, seesFiles := "open", f.ordering|1<<f.orderKey.number, f.ordering
		switch i % 3 {
		case 1:
			state, seen, seesFiles = "closed", f.managers|1<<f.narrow.number, f.managers|1<<f.narrow.number
		case 2:
			state = "shown"
			seen &^= 1 << f.orderKey.number
		}
		row := cells{"Name": f.plant(f.tenant, "an order "+state, seen, told), "State": state, "Secret": f.ownersOrder("a hidden cell of an order"),
			"Card": "abc-" + f.ownersOrder("a masked cell of an order"), "Part": []string{parts[i%6], parts[(i+1)%6]},
			"Files":  []string{f.upload(f.owner, f.orders, files, "a file of an order "+state, seesFiles)},
			"Papers": []string{f.upload(f.owner, f.orders, papers, "a file of a hidden column", f.managers|1<<f.narrow.number)}}
		if i == 1 { // which is opened later
			row["Files"] = []string{f.upload(f.owner, f.orders, files, "a file of an order that is opened", f.ordering)}
		}
		if i > 0 {
			row["Before"] = []string{orders[i-1]}
		}
		orders = append(orders, f.addRow(f.owner, f.orders, row))
		for column, name := range map[string]string{files: "Files", papers: "Papers"} {
			f.attached = append(f.attached, "/api/v1/tables/"+f.orders+"/rows/"+orders[i]+"/attachments/"+column+"/"+row[name].([]string)[0])
		}
		f.addRow(f.owner, f.ledger, cells{"Name": f.plant(f.tenant, "a line of the ledger", f.members, told), "Order": []string{orders[i]}, "Note": []string{notes[i%6]}})
	}
	f.upload(f.owner, f.orders, files, "a file of no row", 1<<f.owner.number)
	f.orderRows = orders
}

// ownersOrder is for managers, and for the token of an owner that is good for the table of orders alone.
func (f *furnishing) ownersOrder(place string) string {
	return f.plant(f.tenant, place, f.managers|1<<f.narrow.number, told)
}
