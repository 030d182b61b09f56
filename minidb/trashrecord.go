package minidb

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/livetables/livetables/lqp"
)

// trashedTables are the tables of the catalogue whose records go into the trash, with all their columns. A column of the
// database that is missing here would be lost on the way: a test compares.
var trashedTables = map[string]string{
	"lt_base":   baseColumns + `, name_key`,
	"lt_table":  tableColumns + `, name_key`,
	"lt_column": columnColumns + `, workspace, name_key`,
	"lt_index":  indexColumns + `, workspace`,
	"lt_view":   viewColumns + `, name_key`,
}

// The sources of what an entry keeps beside records of the catalogue.
const (
	sourceRules  = "rules"  // the rules of a table that a deleted column took along
	sourceGrants = "grants" // what the rules of roles said of a column
	sourceIndex  = "index"  // an index that used a column
)

func placeholders(columns string) string {
	return "?" + strings.Repeat(", ?", strings.Count(columns, ","))
}

// take moves the records of a table of the catalogue that have a value in a column into the trash.
func (t *trashing) take(source, key, value string) error {
	columns := trashedTables[source]
	width := strings.Count(columns, ",") + 1
	docs, err := all(t.session, func(r record) []byte {
		doc := []byte("[")
		for i := range width {
			if i > 0 {
				doc = append(doc, ',')
			}
			doc = appendCell(doc, r.rows.Value(i))
		}
		return append(doc, ']')
	}, `SELECT `+columns+` FROM `+source+` WHERE workspace = ? AND `+key+` = ? ORDER BY id`, argText(t.Workspace), argText(value))
	if err != nil {
		return fmt.Errorf("read %s: %w", source, err)
	}
	for _, doc := range docs {
		if err := t.keep(source, doc); err != nil {
			return err
		}
	}
	_, err = t.exec(`DELETE FROM `+source+` WHERE workspace = ? AND `+key+` = ?`, argText(t.Workspace), argText(value))
	return err
}

// keep adds a document to what is kept.
func (t *trashing) keep(source string, doc []byte) error {
	t.records++
	_, err := t.exec(`INSERT INTO lt_trash_record (trash, ordinal, workspace, source, document) VALUES (?, ?, ?, ?, ?)`, argText(t.ID),
		argInt(int64(t.records)), argText(t.Workspace), argText(source), argText(string(doc)))
	return err
}

// keptRecord is a record in the trash.
type keptRecord struct {
	source string
	doc    json.RawMessage
}

func (u *unit) kept(trash string) ([]keptRecord, error) {
	return all(u.session, func(r record) keptRecord { return keptRecord{r.text(0), r.document(1)} },
		`SELECT source, document FROM lt_trash_record WHERE trash = ? ORDER BY ordinal`, argText(trash))
}

// values are the values of a record in the order of the columns of its table. set has other ones, by column.
func (k keptRecord) values(set map[string]lqp.Value) ([]lqp.Value, error) {
	var cells []json.RawMessage
	if err := json.Unmarshal(k.doc, &cells); err != nil {
		return nil, fmt.Errorf("record in the trash: %w", err)
	}
	names := strings.Split(trashedTables[k.source], ",")
	if len(cells) != len(names) {
		return nil, errors.New("record in the trash: of another form")
	}
	row := make([]lqp.Value, len(cells))
	var err error
	for i, doc := range cells {
		if v, ok := set[strings.TrimSpace(names[i])]; ok {
			row[i] = v
			continue
		}
		if row[i], err = cellOf(doc); err != nil {
			return nil, err
		}
	}
	return row, nil
}

// appendCell appends a value of a record, documents as texts.
func appendCell(dst []byte, v lqp.Value) []byte {
	if v.Kind() == lqp.JSON {
		return lqp.AppendJSONString(dst, v.Text())
	}
	return v.AppendJSON(dst)
}

// cellOf is the value that appendCell has written: a text, a whole number or NULL.
func cellOf(doc json.RawMessage) (lqp.Value, error) {
	kind := lqp.Number
	if len(doc) > 0 && doc[0] == '"' {
		kind = lqp.Text
	}
	v, err := lqp.ParseValue(lqp.Type{Kind: kind}, doc)
	if err != nil {
		return v, fmt.Errorf("record in the trash: %w", err)
	}
	return v, nil
}

// putBack returns a record to its table.
func (u *unit) putBack(k keptRecord, set map[string]lqp.Value) error {
	row, err := k.values(set)
	if err != nil {
		return err
	}
	columns := trashedTables[k.source]
	if _, err := u.exec(`INSERT INTO `+k.source+` (`+columns+`) VALUES (`+placeholders(columns)+`)`, row...); err != nil {
		return fmt.Errorf("put back into %s: %w", k.source, err)
	}
	return nil
}

// forgetTrash removes an entry of the trash with its records.
func (u *unit) forgetTrash(t Trashed) error {
	for _, sql := range []string{`DELETE FROM lt_trash_record WHERE trash = ?`, `DELETE FROM lt_trash WHERE id = ?`} {
		if _, err := u.exec(sql, argText(t.ID)); err != nil {
			return err
		}
	}
	return nil
}
