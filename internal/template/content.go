package template

import "github.com/livetables/livetables/minidb"

var content = Template{
	ID: "content_calendar", Name: "Content calendar", Colour: "purple", Icon: "calendar",
	Description: "What is written, where it appears and when: from the idea to the day it goes out.",
	Tables: []Table{
		{Name: "Channels", Description: "Where things appear, and how often.",
			Columns: []minidb.ColumnSpec{
				unique(required(text("Channel"))), text("Owner"), choice("Rhythm", "Weekly", "Twice a month", "Monthly"),
				least(whole("Readers"), "0"), link("Home"),
			},
			Rows: [][]string{
				{"Blog", "Ana", "Weekly", "12400", "https://example.com/blog"},
				{"Newsletter", "Chika", "Monthly", "3800", ""},
				{"Video", "Dilan", "Twice a month", "950", ""},
			},
			Later: []minidb.ColumnSpec{filtered(counted("On the way", "Pieces"), `{Stage} != "Out"`), summed("Words", "Pieces", "Words"),
				filtered(through("Last out", minidb.RollupColumn, "Pieces", "Goes out", "max"), `{Stage} = "Out"`)}},
		{Name: "Pieces", Description: "Articles, posts and films, each for one channel.",
			Columns: []minidb.ColumnSpec{
				required(text("Title")), linked("Channel", "Channels", "Pieces"), choice("Stage", "Idea", "Writing", "Review", "Ready", "Out"),
				labels("Topics", "Product", "People", "How to", "News"), text("Author"), date("Due"), date("Goes out"), link("Address"),
				least(whole("Words"), "0"), notes("Brief"),
				through("Channel name", minidb.LookupColumn, "Channel", "Channel", ""), computed("Days to spare", `DATETIME_DIFF({Goes out}, {Due}, "days")`),
			},
			Checks: []Check{{Formula: `OR(IS_BLANK({Due}), IS_BLANK({Goes out}), {Due} <= {Goes out})`, Message: "It is due before it goes out.",
				Column: "Due"}},
			Rows: [][]string{
				{"How we moved in a weekend", "Blog", "Writing", "People", "Ana", "@4", "@9", "", "900", "Photographs are in the shared folder."},
				{"Five uses of linked tables", "Blog", "Review", "How to, Product", "Ben", "@1", "@3", "", "1200", ""},
				{"Meet the support team", "Newsletter", "Idea", "People", "", "", "", "", "", "One question for each of them."},
				{"Summer release", "Newsletter", "Ready", "Product, News", "Chika", "@-1", "@2", "", "450", ""},
				{"Summer release", "Video", "Writing", "Product", "Dilan", "@6", "@8", "", "", "Ninety seconds at most."},
				{"Why we publish our prices", "Blog", "Out", "News", "Ana", "@-20", "@-14", "https://example.com/prices", "700", ""},
			}},
	},
	Views: []View{
		{Name: "Going out next", Table: "Pieces", Filter: `AND({Stage} != "Out", {Goes out} >= TODAY())`, Sorts: []string{"Goes out"},
			Columns: []string{"Goes out", "Title", "Channel name", "Stage", "Author"}},
		{Name: "Waiting for review", Table: "Pieces", Filter: `{Stage} = "Review"`, Sorts: []string{"Due"}, Columns: []string{"Title", "Channel name", "Author", "Due"}},
		{Name: "Channels at a glance", Table: "Channels", Sorts: []string{"Channel"}, Columns: []string{"Channel", "Rhythm", "On the way", "Words", "Last out"}},
	},
}
