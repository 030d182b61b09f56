package differential

import (
	"encoding/json"
	"fmt"

	"github.com/livetables/livetables/lqp"
)

// World is tables with their rows, and how each engine declares them. A world is not changed once an engine has loaded it.
type World struct {
	Tables []*Table `json:"tables"`
}

// Table is a table of a World.
type Table struct {
	Name    string   `json:"name"`
	Columns []Column `json:"columns"`
	// Key names the columns of the primary key, none for a table whose rows may be equal.
	Key []string `json:"key,omitempty"`
	// Unsized tables do not tell how many rows they have: as far as the planner knows they are large, and the right sides
	// of joins with them are looked up by key.
	Unsized bool `json:"unsized,omitempty"`
	// Rows have one canonical value for each column. In a seed they are canonical JSON.
	Rows [][]lqp.Value `json:"-"`
}

// Column is a column of a Table.
type Column struct {
	Name string   `json:"name"`
	Type lqp.Type `json:"-"`
	// Native are the declarations by engine, see [Engines]. An engine that is missing declares the column in its first way.
	Native map[string]string `json:"native,omitempty"`
	// Odd columns hold their NULLs, and the instants that have them, also in forms that an engine must read as the same:
	// NaN, infinite dates, values of another type, microseconds.
	Odd bool `json:"odd,omitempty"`
}

// table finds a table by name, nil when there is none.
func (w *World) table(name string) *Table {
	for _, t := range w.Tables {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// columnJSON is the type of a column in a seed.
type columnJSON struct {
	plainColumn
	Kind      string `json:"kind"`
	Elem      string `json:"elem,omitempty"`
	Precision int    `json:"precision,omitempty"`
	Scale     int    `json:"scale,omitempty"`
	MaxLen    int    `json:"max_len,omitempty"`
	NotNull   bool   `json:"not_null,omitempty"`
}

type plainColumn Column

// MarshalJSON implements json.Marshaler.
func (c Column) MarshalJSON() ([]byte, error) {
	out := columnJSON{plainColumn: plainColumn(c), Kind: c.Type.Kind.String(), Precision: c.Type.Precision, Scale: c.Type.Scale,
		MaxLen: c.Type.MaxLen, NotNull: c.Type.NotNull}
	if c.Type.Kind == lqp.List {
		out.Elem = c.Type.Elem.String()
	}
	return json.Marshal(out)
}

// UnmarshalJSON implements json.Unmarshaler.
func (c *Column) UnmarshalJSON(data []byte) error {
	var in columnJSON
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	*c = Column(in.plainColumn)
	kind, ok := lqp.ParseKind(in.Kind)
	if !ok {
		return fmt.Errorf("column %s: unknown kind %q", in.Name, in.Kind)
	}
	c.Type = lqp.Type{Kind: kind, Precision: in.Precision, Scale: in.Scale, MaxLen: in.MaxLen, NotNull: in.NotNull}
	if in.Elem != "" {
		if c.Type.Elem, ok = lqp.ParseKind(in.Elem); !ok {
			return fmt.Errorf("column %s: unknown kind of elements %q", in.Name, in.Elem)
		}
	}
	return nil
}

// tableJSON is a table in a seed.
type tableJSON struct {
	plainTable
	Rows [][]json.RawMessage `json:"rows"`
}

type plainTable Table

// MarshalJSON implements json.Marshaler.
func (t *Table) MarshalJSON() ([]byte, error) {
	out := tableJSON{plainTable: plainTable(*t), Rows: [][]json.RawMessage{}}
	for _, r := range t.Rows {
		row := make([]json.RawMessage, len(r))
		for i, v := range r {
			row[i] = v.AppendJSON(nil)
		}
		out.Rows = append(out.Rows, row)
	}
	return json.Marshal(out)
}

// UnmarshalJSON implements json.Unmarshaler.
func (t *Table) UnmarshalJSON(data []byte) error {
	var in tableJSON
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	*t = Table(in.plainTable)
	for n, r := range in.Rows {
		if len(r) != len(t.Columns) {
			return fmt.Errorf("table %s: row %d has %d values for %d columns", t.Name, n, len(r), len(t.Columns))
		}
		row := make([]lqp.Value, len(r))
		for i, doc := range r {
			v, err := lqp.ParseValue(t.Columns[i].Type, doc)
			if err != nil {
				return fmt.Errorf("table %s: row %d: column %s: %w", t.Name, n, t.Columns[i].Name, err)
			}
			row[i] = v
		}
		t.Rows = append(t.Rows, row)
	}
	return nil
}
