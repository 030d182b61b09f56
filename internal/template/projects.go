package template

import "github.com/livetables/livetables/minidb"

var projects = Template{
	ID: "project_tracker", Name: "Project tracker", Colour: "blue", Icon: "list-checks",
	Description: "Projects with their tasks: who does what until when, and what is late.",
	Tables: []Table{
		{Name: "Projects", Description: "What is being worked on.",
			Columns: []minidb.ColumnSpec{
				unique(required(text("Project"))), choice("Status", "Planned", "Active", "On hold", "Done"), text("Lead"),
				date("Start"), date("Due"), least(money("Budget"), "0"), notes("Goal"),
			},
			Rows: [][]string{
				{"New website", "Active", "Ana", "@-30", "@45", "18000", "A site that loads in a second and that we can edit ourselves."},
				{"Office move", "Planned", "Ben", "@20", "@90", "42500.50", "Everybody has a desk on the first day."},
				{"Price list", "Done", "Chika", "@-80", "@-12", "2500", "One list for all shops."},
			},
			Later: []minidb.ColumnSpec{filtered(counted("Open tasks", "Tasks"), `{Status} != "Done"`), summed("Hours estimated", "Tasks", "Estimate"),
				summed("Hours spent", "Tasks", "Spent")}},
		{Name: "Tasks", Description: "The steps of projects.",
			Columns: []minidb.ColumnSpec{
				required(text("Task")), linked("Project", "Projects", "Tasks"), choice("Status", "To do", "In progress", "Done"),
				choice("Priority", "Normal", "High", "Low"), text("Assignee"), date("Due"),
				least(decimals("Estimate", 1), "0"), least(decimals("Spent", 1), "0"),
				labels("Labels", "Design", "Text", "Technical"), notes("Notes"),
				through("Project name", minidb.LookupColumn, "Project", "Project", ""), through("Project due", minidb.LookupColumn, "Project", "Due", ""),
				computed("Left", "{Estimate} - ZN({Spent})"),
			},
			Rows: [][]string{
				{"Write texts", "New website", "In progress", "High", "Ana", "@3", "24", "11.5", "Text", "Start with the three pages that most people read."},
				{"Choose typefaces", "New website", "Done", "Normal", "Dilan", "@-9", "6", "7", "Design", ""},
				{"Measure loading time", "New website", "To do", "Normal", "Dilan", "@12", "4", "", "Technical", ""},
				{"Redirect old addresses", "New website", "To do", "High", "Ana", "@-2", "8", "1", "Technical, Text", "The list is in the old server's configuration."},
				{"Visit three offices", "Office move", "To do", "High", "Ben", "@25", "12", "", "", ""},
				{"Give notice", "Office move", "To do", "Normal", "Ben", "@30", "1", "", "", "Three months to the end of a quarter."},
				{"Collect prices", "Price list", "Done", "Normal", "Chika", "@-40", "16", "19.5", "", ""},
			}},
	},
	Views: []View{
		{Name: "Open tasks", Table: "Tasks", Filter: `{Status} != "Done"`, Sorts: []string{"Due", "Priority"},
			Columns: []string{"Task", "Project name", "Status", "Priority", "Assignee", "Due"}},
		{Name: "Late", Table: "Tasks", Filter: `AND({Status} != "Done", {Due} < TODAY())`, Sorts: []string{"Due"},
			Columns: []string{"Task", "Project name", "Assignee", "Due"}},
		{Name: "Hours by person", Table: "Tasks", GroupBy: "Assignee", Sum: "Spent"},
	},
}
