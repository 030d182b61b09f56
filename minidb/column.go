package minidb

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"

	"github.com/livetables/livetables/lqp"
)

// Column is a column of a user table. It has no version of its own: a change of a column is a change of its table.
type Column struct {
	ID          string        `json:"id"` // also the name of the physical column
	Table       string        `json:"table_id"`
	Name        string        `json:"name"` // unique in the table, case aside
	Type        ColumnType    `json:"type"`
	Options     ColumnOptions `json:"options"`
	Required    bool          `json:"required"` // no row without a value
	Unique      bool          `json:"unique"`   // no two rows with the same value; many may have none
	Default     lqp.Value     `json:"default"`  // value of new rows that give none; NULL is none
	Position    int           `json:"position"` // place among the table's columns, from 0
	Description string        `json:"description"`
	// Computed tells what a computed column is computed from, where a table is shown to people; it is nil elsewhere.
	Computed *Computation `json:"computed,omitempty"`

	min, max lqp.Value       // Options.Min and Max as values, NULL for none
	pattern  *regexp.Regexp  // Options.Pattern, nil for none
	next     int64           // number of the next row of an autonumber column; only the record in the database is up to date
	members  map[string]bool // of the workspace, while a column becomes a user column
}

// ColumnSpec describes a new column.
type ColumnSpec struct {
	Name             string
	Type             ColumnType
	Options          ColumnOptions
	Required, Unique bool
	Default          lqp.Value // NULL for none
	Description      string
	// Position is the place among the columns of a table that is there, from 0; nil is behind them.
	Position *int
	// Inverse makes a link column two-way: the linked table gets a column that shows the links from the other side.
	Inverse *InverseSpec
}

// ColumnPatch lists what UpdateColumn changes; nil fields stay.
type ColumnPatch struct {
	Name        *string
	Description *string
	Required    *bool
	Unique      *bool
	Default     *lqp.Value // NULL for none
	Position    *int       // place among the other columns, from 0
	// Type must be the type the column has: a change answers ErrTypeChange. ChangeType changes it.
	Type *ColumnType
	// Options replace the column's. Scale and Precision must stay (ErrTypeChange); MaxLength may grow; MinLength, Min and
	// Max are refused with a *ValidationError while rows break them. A choice keeps its
	// identity by its ID: another name renames it in the rows too, a missing one is removed, which is refused with a
	// *ChoiceError while rows have it, unless Replace says what they get.
	Options *ColumnOptions
	// Replace maps the ids of choices that Options remove to those of choices that stay, or to "" to take them from the rows.
	Replace map[string]string
	// Inverse makes a one-way link two-way; OneWay removes the column that shows a link from the other side.
	Inverse *InverseSpec
	OneWay  bool
}

const columnColumns = `id, table_id, name, type, options, required, is_unique, default_doc, position, description, next_number`

// scanColumn reads columnColumns.
func scanColumn(r record) Column {
	c := Column{ID: r.text(0), Table: r.text(1), Name: r.text(2), Type: ColumnType(r.text(3)), Required: r.flag(5), Unique: r.flag(6),
		Position: int(r.integer(8)), Description: r.text(9), next: r.integer(10)}
	// What does not decode was not written by us. Without options and default the column is only narrower than it was.
	_ = json.Unmarshal(r.document(4), &c.Options)
	_ = c.checkBounds()
	_ = c.checkPattern()
	if doc := r.document(7); doc != nil {
		if v, err := lqp.ParseValue(c.storedType(), doc); err == nil {
			c.Default = v
		}
	}
	return c
}

// check makes the column fit to be stored.
func (c *Column) check() (err error) {
	if c.Name, err = cleanName(c.Name); err != nil {
		return err
	}
	if isSystemName(c.Name) {
		return invalid("name", CodeName, "%q is the name of a built-in column", c.Name)
	}
	if err := checkText("description", c.Description, maxDescription); err != nil {
		return err
	}
	if err := c.checkOptions(); err != nil {
		return err
	}
	if err := c.checkType(); err != nil {
		return err
	}
	v, code, message := c.conform(c.Default)
	if code != "" {
		return &ValidationError{Fields: []FieldError{{Column: "default", Code: code, Message: message}}}
	}
	c.Default = v
	return nil
}

func (c *Column) values(workspace string) []lqp.Value {
	options, err := json.Marshal(c.Options)
	if err != nil { // numbers and texts only
		panic(fmt.Sprintf("options of column %s: %v", c.ID, err))
	}
	def := lqp.Value{}
	if !c.Default.IsNull() {
		def = argText(string(c.Default.AppendJSON(nil)))
	}
	return []lqp.Value{argText(c.ID), argText(c.Table), argText(c.Name), argText(string(c.Type)), argText(string(options)),
		argFlag(c.Required), argFlag(c.Unique), def, argInt(int64(c.Position)), argText(c.Description), argInt(max(c.next, 1)), argText(workspace),
		argText(nameKey(c.Name))}
}

// putColumn writes the column's record, new or in the place of the old one.
func (u *unit) putColumn(workspace string, c *Column) error {
	_, err := u.exec(`INSERT INTO lt_column (`+columnColumns+`, workspace, name_key) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, name_key = excluded.name_key, type = excluded.type, options = excluded.options,
		required = excluded.required, is_unique = excluded.is_unique, default_doc = excluded.default_doc,
		position = excluded.position, description = excluded.description`, c.values(workspace)...)
	return err
}

// nameTaken reports whether another column of the list has the name.
func nameTaken(columns []Column, c *Column) bool {
	return slices.ContainsFunc(columns, func(o Column) bool { return o.ID != c.ID && nameKey(o.Name) == nameKey(c.Name) })
}
