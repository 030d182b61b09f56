package template

import "github.com/livetables/livetables/minidb"

var events = Template{
	ID: "event_planner", Name: "Event planner", Colour: "orange", Icon: "ticket",
	Description: "Events with their guests, the programme and what it all costs.",
	Tables: []Table{
		{Name: "Events", Description: "What takes place, where and for how many.",
			Columns: []minidb.ColumnSpec{
				unique(required(text("Event"))), choice("State", "Planned", "Confirmed", "Over", "Called off"), required(date("Begins")), date("Ends"),
				text("Place"), least(whole("Seats"), "0"), least(money("Budget"), "0"), text("Host"), notes("About"),
			},
			Checks: []Check{{Formula: `OR(IS_BLANK({Ends}), {Begins} <= {Ends})`, Message: "It ends after it begins.", Column: "Ends"}},
			Rows: [][]string{
				{"Summer party", "Confirmed", "@30", "@30", "The boathouse", "120", "6500", "Lee", "With families."},
				{"Customer day", "Planned", "@75", "@76", "Town hall", "80", "14000", "Mia", ""},
				{"First-aid course", "Over", "@-20", "@-20", "Room 2", "12", "600", "Sam", ""},
			},
			Later: []minidb.ColumnSpec{summed("Seats taken", "Guests", "Seats taken"), summed("Costs so far", "Costs", "Total"),
				computed("Budget left", "{Budget} - ZN({Costs so far})")}},
		{Name: "Guests", Description: "Who comes.",
			Columns: []minidb.ColumnSpec{
				required(text("Name")), linked("Event", "Events", "Guests"), email("Email"), choice("Answer", "Invited", "Comes", "Cannot"),
				required(withDefault(most(least(whole("Brings along"), "0"), "9"), 0)), text("Does not eat"),
				through("Event name", minidb.LookupColumn, "Event", "Event", ""), computed("Seats taken", `IF({Answer} = "Comes", 1 + {Brings along}, 0)`),
			},
			Rows: [][]string{
				{"Rosa Alder", "Summer party", "rosa@alder.example", "Comes", "2", ""},
				{"Tom Hale", "Summer party", "tom@alder.example", "Invited", "0", "Nuts"},
				{"Inês Prado", "Summer party", "ines@brisa.example", "Cannot", "0", ""},
				{"Inês Prado", "Customer day", "ines@brisa.example", "Comes", "0", "Fish"},
				{"Karl Ober", "Customer day", "karl.ober@cobalt.example", "Invited", "1", ""},
			}},
		{Name: "Costs", Description: "What is bought or hired.",
			Columns: []minidb.ColumnSpec{
				required(text("What")), linked("Event", "Events", "Costs"), choice("State", "Asked for", "Ordered", "Paid"),
				required(withDefault(least(whole("Quantity"), "1"), 1)), required(least(money("Each"), "0")), text("From"),
				through("Event name", minidb.LookupColumn, "Event", "Event", ""), computed("Total", "{Quantity} * {Each}"),
			},
			Rows: [][]string{
				{"Boathouse", "Summer party", "Paid", "1", "1800", "Harbour office"},
				{"Buffet", "Summer party", "Ordered", "120", "24.50", "Green Kitchen"},
				{"Band", "Summer party", "Asked for", "1", "950", ""},
				{"Hall", "Customer day", "Ordered", "2", "1400", "The town"},
				{"Course for twelve", "First-aid course", "Paid", "12", "45", "Red Cross"},
			}},
		{Name: "Programme", Description: "What happens when.",
			Columns: []minidb.ColumnSpec{
				required(text("Item")), linked("Event", "Events", "Programme"), required(column("At", minidb.DateTimeColumn)), column("Lasts", minidb.DurationColumn), text("Who"),
				through("Event name", minidb.LookupColumn, "Event", "Event", ""),
			},
			Rows: [][]string{
				{"Doors open", "Summer party", "2030-06-21T16:00:00Z", "1:00:00", "Lee"},
				{"Buffet", "Summer party", "2030-06-21T18:00:00Z", "1:30:00", "Green Kitchen"},
				{"What is new", "Customer day", "2030-09-03T09:00:00Z", "0:45:00", "Mia"},
			}},
	},
	Views: []View{
		{Name: "Who comes", Table: "Guests", Filter: `{Answer} = "Comes"`, Sorts: []string{"Name"}, Columns: []string{"Event name", "Name", "Brings along", "Does not eat"}},
		{Name: "No answer yet", Table: "Guests", Filter: `{Answer} = "Invited"`, Sorts: []string{"Name"}, Columns: []string{"Event name", "Name", "Email"}},
		{Name: "Not paid yet", Table: "Costs", Filter: `{State} != "Paid"`, Sorts: []string{"What"}, Columns: []string{"Event name", "What", "Quantity", "Total", "From"}},
		{Name: "Events at a glance", Table: "Events", Sorts: []string{"Begins"}, Columns: []string{"Event", "Begins", "Seats", "Seats taken", "Budget", "Budget left"}},
	},
}
