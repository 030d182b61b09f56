package minidb

import (
	"encoding/json"

	"github.com/livetables/livetables/lqp"
)

// Primary is the id of the column by whose value people know the rows of the table: the one that the settings name as
// "primary_column", else the first one of texts, else the first one. It is empty for a table without columns.
func (t *Table) Primary() string {
	var settings struct {
		Primary string `json:"primary_column"`
	}
	if json.Unmarshal(t.Settings, &settings) == nil {
		if _, ok := t.Column(settings.Primary); ok {
			return settings.Primary
		}
	}
	for i := range t.Columns {
		if t.Columns[i].storedType().Kind == lqp.Text {
			return t.Columns[i].ID
		}
	}
	if len(t.Columns) > 0 {
		return t.Columns[0].ID
	}
	return ""
}
