package template

import "github.com/livetables/livetables/minidb"

var crm = Template{
	ID: "crm", Name: "CRM", Colour: "green", Icon: "users",
	Description: "Companies, the people there and the deals on the way to being closed.",
	Tables: []Table{
		{Name: "Companies", Description: "Customers and those who may become so.",
			Columns: []minidb.ColumnSpec{
				unique(required(text("Company"))), choice("Kind", "Prospect", "Customer", "Partner"), text("City"), text("Country"),
				least(whole("Employees"), "0"), link("Website"), notes("Notes"),
			},
			Rows: [][]string{
				{"Alder & Sons", "Customer", "Leeds", "United Kingdom", "48", "https://alder.example", "Pays within a week."},
				{"Brisa", "Prospect", "Porto", "Portugal", "12", "https://brisa.example", ""},
				{"Cobalt Works", "Prospect", "Graz", "Austria", "310", "https://cobalt.example", "Decides twice a year, in March and October."},
			},
			Later: []minidb.ColumnSpec{counted("People", "Contacts"), filtered(summed("Won", "Deals", "Value"), `{Stage} = "Won"`),
				filtered(summed("Expected", "Deals", "Weighted"), `NOT(OR({Stage} = "Won", {Stage} = "Lost"))`)}},
		{Name: "Contacts", Description: "The people at companies.",
			Columns: []minidb.ColumnSpec{
				required(text("Name")), linked("Company", "Companies", "Contacts"), text("Role"), unique(email("Email")), phone("Phone"), date("Last contact"), notes("Notes"),
				through("Company name", minidb.LookupColumn, "Company", "Company", ""),
			},
			Rows: [][]string{
				{"Rosa Alder", "Alder & Sons", "Owner", "rosa@alder.example", "+44 113 496 0000", "@-4", ""},
				{"Tom Hale", "Alder & Sons", "Purchasing", "tom@alder.example", "", "@-35", "Prefers mail."},
				{"Inês Prado", "Brisa", "Founder", "ines@brisa.example", "+351 22 000 0000", "@-1", ""},
				{"Karl Ober", "Cobalt Works", "IT", "karl.ober@cobalt.example", "", "@-61", ""},
			}},
		{Name: "Deals", Description: "What may be sold.",
			Columns: []minidb.ColumnSpec{
				required(text("Deal")), linked("Company", "Companies", "Deals"), choice("Stage", "Lead", "Talking", "Offer", "Won", "Lost"),
				least(money("Value"), "0"), most(least(column("Chance", minidb.PercentColumn), "0"), "1"), date("Expected"), text("Owner"),
				through("Company name", minidb.LookupColumn, "Company", "Company", ""), computed("Weighted", "{Value} * {Chance}"),
			},
			Rows: [][]string{
				{"Renewal", "Alder & Sons", "Offer", "9600", "80%", "@14", "Mia"},
				{"Second site", "Alder & Sons", "Talking", "4200.50", "40%", "@60", "Mia"},
				{"First year", "Brisa", "Lead", "1800", "20%", "@75", "Noor"},
				{"Pilot", "Cobalt Works", "Talking", "25000", "30%", "@120", "Noor"},
				{"Training", "Alder & Sons", "Won", "1500", "100%", "@-20", "Mia"},
			}},
	},
	Views: []View{
		{Name: "Open deals", Table: "Deals", Filter: `NOT(OR({Stage} = "Won", {Stage} = "Lost"))`, Sorts: []string{"Expected"},
			Columns: []string{"Deal", "Company name", "Stage", "Value", "Chance", "Expected", "Owner"}},
		{Name: "Value by stage", Table: "Deals", GroupBy: "Stage", Sum: "Value"},
		{Name: "Not heard of lately", Table: "Contacts", Filter: `{Last contact} < DATEADD(TODAY(), -30, "days")`, Sorts: []string{"Last contact"},
			Columns: []string{"Name", "Company name", "Email", "Last contact"}},
	},
}
