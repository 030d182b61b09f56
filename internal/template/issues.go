package template

import "github.com/livetables/livetables/minidb"

var issues = Template{
	ID: "issue_tracker", Name: "Issue tracker", Colour: "red", Icon: "bug",
	Description: "Bugs and wishes with their numbers, what is said of them, and the releases that settle them.",
	Tables: []Table{
		{Name: "Releases", Description: "When things come out.",
			Columns: []minidb.ColumnSpec{unique(required(text("Release"))), choice("State", "Planned", "In test", "Out"), date("Day"), notes("Notes")},
			Rows: [][]string{
				{"2.0", "Out", "@-10", "Everything in lists is faster."},
				{"2.0.1", "In test", "@3", ""},
				{"2.1", "Planned", "@40", "Invoices."},
			},
			Later: []minidb.ColumnSpec{counted("All issues", "Issues"), filtered(counted("Open issues", "Issues"), `NOT(OR({State} = "Solved", {State} = "Declined"))`),
				summed("Hours", "Issues", "Hours")}},
		{Name: "Issues", Description: "What is wrong and what is wished for.",
			Columns: []minidb.ColumnSpec{
				column("No", minidb.AutonumberColumn), required(text("Summary")), choice("Kind", "Bug", "Wish", "Task"),
				choice("State", "New", "Accepted", "In work", "Solved", "Declined"), choice("Severity", "Minor", "Major", "Blocker"),
				text("Component"), text("Reported by"), text("Assignee"), linked("Release", "Releases", "Issues"),
				least(decimals("Hours", 1), "0"), date("Reported"), date("Solved on"), notes("Steps"),
				through("Release name", minidb.LookupColumn, "Release", "Release", ""), through("Comes out", minidb.LookupColumn, "Release", "Day", ""),
				computed("Days taken", `DATETIME_DIFF({Solved on}, {Reported}, "days")`),
			},
			Checks: []Check{
				{Formula: `OR({State} != "Solved", NOT(IS_BLANK({Solved on})))`, Message: "A solved issue has the day on which it was solved.", Column: "Solved on"},
				{Formula: `OR(IS_BLANK({Solved on}), IS_BLANK({Reported}), {Reported} <= {Solved on})`, Message: "It is solved after it was reported.", Column: "Solved on"},
			},
			Rows: [][]string{
				{"", "Sums are off by a cent", "Bug", "In work", "Major", "Invoices", "Rosa", "Tom", "2.1", "6.5", "@-6", "", "Three lines of 0.335 each."},
				{"", "Page stays empty after logging in", "Bug", "Accepted", "Blocker", "Login", "Karl", "Mia", "2.0.1", "3", "@-2", "", "Only in a private window."},
				{"", "Remember the sorting", "Wish", "New", "Minor", "Lists", "Inês", "", "", "", "@-1", "", ""},
				{"", "Export with the names of columns", "Wish", "Solved", "Minor", "Export", "Rosa", "Tom", "2.0", "12", "@-40", "@-12", ""},
				{"", "Dark icons on a dark ground", "Bug", "Solved", "Minor", "Lists", "Mia", "Mia", "2.0", "1.5", "@-33", "@-15", ""},
				{"", "Send letters by fax", "Wish", "Declined", "Minor", "Export", "Karl", "", "", "", "@-50", "", ""},
			}},
	},
	Views: []View{
		{Name: "Open, worst first", Table: "Issues", Filter: `NOT(OR({State} = "Solved", {State} = "Declined"))`, Sorts: []string{"-Severity", "Reported"},
			Columns: []string{"No", "Summary", "Kind", "Severity", "State", "Assignee", "Release name"}},
		{Name: "Nobody's", Table: "Issues", Filter: `IS_BLANK({Assignee})`, Sorts: []string{"Reported"}, Columns: []string{"No", "Summary", "Kind", "Reported by", "Reported"}},
		{Name: "Hours by component", Table: "Issues", GroupBy: "Component", Sum: "Hours"},
		{Name: "Releases at a glance", Table: "Releases", Sorts: []string{"Day"}, Columns: []string{"Release", "State", "Day", "Open issues", "All issues", "Hours"}},
	},
}
