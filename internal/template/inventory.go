package template

import "github.com/livetables/livetables/minidb"

var inventory = Template{
	ID: "inventory", Name: "Inventory", Colour: "yellow", Icon: "package",
	Description: "Products with their stock, the suppliers and what came in and went out.",
	Tables: []Table{
		{Name: "Suppliers", Description: "Where it comes from.",
			Columns: []minidb.ColumnSpec{unique(required(text("Supplier"))), email("Email"), least(whole("Days to deliver"), "0"), notes("Terms")},
			Rows: [][]string{
				{"Nordic Fasteners", "orders@fasteners.example", "5", "Free delivery from 200."},
				{"Hand & Co", "sales@hand.example", "12", ""},
				{"Safe Supply", "hello@safe.example", "2", "30 days."},
			},
			Later: []minidb.ColumnSpec{counted("Number of products", "Products"), summed("Value in stock", "Products", "Stock value")}},
		{Name: "Products", Description: "What is kept.",
			Columns: []minidb.ColumnSpec{
				unique(required(text("SKU"))), required(text("Product")), choice("Category", "Parts", "Tools", "Consumables"), linked("Supplier", "Suppliers", "Products"),
				required(withDefault(least(whole("In stock"), "0"), 0)), required(withDefault(least(whole("Reorder at"), "0"), 0)),
				least(money("Unit price"), "0"), text("Shelf"),
				through("Supplier name", minidb.LookupColumn, "Supplier", "Supplier", ""), computed("Stock value", "{In stock} * {Unit price}"),
			},
			Rows: [][]string{
				{"P-1001", "Bolt M6 × 20", "Parts", "Nordic Fasteners", "4200", "1000", "0.08", "A1"},
				{"P-1002", "Bolt M8 × 40", "Parts", "Nordic Fasteners", "650", "1000", "0.14", "A1"},
				{"T-2001", "Torque wrench", "Tools", "Hand & Co", "3", "2", "189", "C4"},
				{"T-2002", "Bit set", "Tools", "Hand & Co", "0", "5", "24.9", "C4"},
				{"C-3001", "Gloves, size L", "Consumables", "Safe Supply", "35", "40", "1.75", "B2"},
			},
			Later: []minidb.ColumnSpec{filtered(summed("Came in", "Movements", "Quantity"), "{Quantity} > 0"), filtered(summed("Went out", "Movements", "Quantity"), "{Quantity} < 0")}},
		{Name: "Movements", Description: "What came in and went out; a negative quantity went out.",
			Columns: []minidb.ColumnSpec{required(date("Day")), linked("Product", "Products", "Movements"), required(whole("Quantity")), choice("Reason", "Sale", "Delivery", "Count", "Return"), text("By"),
				through("SKU", minidb.LookupColumn, "Product", "SKU", "")},
			Rows: [][]string{
				{"@-14", "P-1001", "5000", "Delivery", "Sam"},
				{"@-9", "P-1001", "-800", "Sale", "Lee"},
				{"@-6", "P-1002", "-350", "Sale", "Lee"},
				{"@-3", "T-2002", "-2", "Sale", "Sam"},
				{"@-1", "C-3001", "-5", "Count", "Sam"},
			}},
	},
	Views: []View{
		{Name: "To reorder", Table: "Products", Filter: `{In stock} <= {Reorder at}`, Sorts: []string{"Product"},
			Columns: []string{"SKU", "Product", "Supplier name", "In stock", "Reorder at"}},
		{Name: "Stock by category", Table: "Products", GroupBy: "Category", Sum: "In stock"},
		{Name: "Latest movements", Table: "Movements", Sorts: []string{"-Day"}, Columns: []string{"Day", "SKU", "Quantity", "Reason", "By"}},
	},
}
