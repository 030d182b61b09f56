package livetables

import (
	"encoding/json"
	"fmt"

	"github.com/livetables/livetables/lqp"
)

// ParseFields turns a JSON object of values by column name or id into assignments for a table, in the order of the table's
// columns. path leads to the object in the request, for the problems: unknown columns, values of the wrong type, all at
// once. System columns cannot be assigned.
func ParseFields(t *lqp.Table, path string, fields map[string]json.RawMessage) ([]lqp.Assignment, error) {
	var problems lqp.Problems
	set := make([]lqp.Assignment, 0, len(fields))
	used := 0
	for i := range t.Columns {
		c := &t.Columns[i]
		raw, byName := fields[c.Name]
		other, byID := fields[c.ID]
		switch {
		case byName && byID && c.Name != c.ID:
			problems = append(problems, lqp.Problem{Path: path + "." + c.Name, Code: lqp.CodeDuplicateKey, Message: fmt.Sprintf("column %q is given by name and by id", c.Name)})
			used += 2
			continue
		case byID:
			raw = other
		case !byName:
			continue
		}
		used++
		if c.ReadOnly {
			problems = append(problems, lqp.Problem{Path: path + "." + c.Name, Code: lqp.CodeArgument, Message: fmt.Sprintf("column %q cannot be written", c.Name)})
			continue
		}
		v, err := lqp.ParseValue(c.Type, raw)
		if err != nil {
			problems = append(problems, lqp.Problem{Path: path + "." + c.Name, Code: lqp.CodeTypeMismatch, Message: err.Error()})
			continue
		}
		set = append(set, lqp.Assignment{Column: c.ID, Value: v})
	}
	if used < len(fields) {
		for name := range fields {
			known := false
			for i := range t.Columns {
				known = known || t.Columns[i].Name == name || t.Columns[i].ID == name
			}
			if !known {
				problems = append(problems, lqp.Problem{Path: path + "." + name, Code: lqp.CodeUnknownColumn, Message: fmt.Sprintf("the table has no column %q", name)})
			}
		}
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return set, nil
}
