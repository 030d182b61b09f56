package lqp

// Column describes one column of a table or of a query's result.
type Column struct {
	// ID is the stable name by which plans refer to the column: the generated id in the mini-DB ("col_…"), the column's
	// own name in an external database.
	ID string
	// Name is what people read and write. It may change; ID does not.
	Name string
	Type Type
	// Native is the type as the source declares it ("numeric(10,2)", "character varying(40)"). Adapters may read storage
	// facts from it; nothing else does.
	Native string
	// Collation is the source's own name of the collation of a text column's indexes, empty when it is the default.
	Collation  string
	ReadOnly   bool // the source computes it (generated, identity always)
	HasDefault bool // the source fills it when an insert leaves it out
	Fact       Fact // what the column says of the record itself, empty for most columns
	Comment    string
	// Origins are the columns of other tables that the values are made of or speak of: who is kept from any of them, or from
	// rows of their tables, is shown nothing of the values. Empty for most columns.
	Origins []Origin
	// Derived says that the values are computed from Origins alone: who does not see all of them does not see the column.
	Derived bool
}

// Origin is a column of a table of the same connection. The zero Origin is something that nobody sees.
type Origin struct {
	Table  string // Table.Name; empty for the row of the value itself, whatever other rows of its table there are
	Column string // its id
}

// TableKind says what a table is at its source.
type TableKind string

// The kinds of tables a source can report.
const (
	BaseTable  TableKind = "table"
	ViewTable  TableKind = "view"
	Collection TableKind = "collection"
)

// ForeignKey says that Columns refer to RefColumns of RefTable; both lists have the same length.
type ForeignKey struct {
	Name       string
	Columns    []string // column ids
	RefTable   string   // Table.Name of the referenced table
	RefColumns []string // column ids there
}

// Table describes a table, view or collection at its source. A Table is immutable once handed out.
type Table struct {
	// Name addresses the table inside its connection: "schema.table" where the source has schemas and the schema is not
	// its default, else "table"; the generated id ("tbl_…") for a table of the mini-DB.
	Name string
	// Path is the name at the source, outermost part first ("public", "orders"); adapters quote and send it.
	Path    []string
	Label   string // what people read, Name when empty
	Kind    TableKind
	Columns []Column
	// Key lists the ids of the columns that identify a row: the primary key, else a unique key without nulls, else empty.
	Key []string
	// Version is the id of a column that changes with every write of a row, empty when there is none.
	Version string
	// Place is the column in which a source keeps where rows were put by hand, nil for none. It is not among Columns: plans
	// only sort by it.
	Place       *Column
	Uniques     [][]string
	ForeignKeys []ForeignKey
	Rows        int64 // estimated count of rows, -1 when unknown
	Comment     string
}

// Column returns the column with the given id, or nil. The pointer is into t and must not be written through.
func (t *Table) Column(id string) *Column {
	for i := range t.Columns {
		if t.Columns[i].ID == id {
			return &t.Columns[i]
		}
	}
	return nil
}

// Catalog is what a source holds, tables sorted by name.
type Catalog struct {
	Database string
	Tables   []*Table
}

// Table returns the table of that name, or nil.
func (c Catalog) Table(name string) *Table {
	for _, t := range c.Tables {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// GoneColumn is the Column of an Origin that is no more, or not known: what rules said of it went with it.
const GoneColumn = "gone"
