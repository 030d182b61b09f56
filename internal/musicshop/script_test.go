package musicshop

import (
	"fmt"
	"strings"
	"time"

	"github.com/livetables/livetables/lqp"
)

// sqlCopy says how a copy of the shop in an SQL database is written.
type sqlCopy struct {
	naming naming
	quote  string          // around names
	types  map[kind]string // "%d" stands for a text's length
}

var (
	inPostgres = sqlCopy{snake, `"`, map[kind]string{integer: "INT", money: "NUMERIC(10,2)", text: "VARCHAR(%d)", instant: "TIMESTAMP"}}
	inMySQL    = sqlCopy{camel, "`", map[kind]string{integer: "INT", money: "DECIMAL(10,2)", text: "VARCHAR(%d)", instant: "DATETIME(3)"}}
	inSQLite   = sqlCopy{camel, `"`, map[kind]string{integer: "INTEGER", money: "NUMERIC(10,2)", text: "NVARCHAR(%d)", instant: "DATETIME"}}
)

// rowsPerInsert is how many rows one statement of a script inserts.
const rowsPerInsert = 500

// script makes the tables of a shop and fills them.
func (c sqlCopy) script(s *shop) string {
	var b strings.Builder
	for _, t := range s.tables {
		parts := make([]string, 0, len(t.columns)+1)
		for _, col := range t.columns {
			declared := c.types[col.kind]
			if col.kind == text {
				declared = fmt.Sprintf(declared, col.size)
			}
			if col.notNull {
				declared += " NOT NULL"
			}
			parts = append(parts, c.name(c.naming.column(t.name, col.name))+" "+declared)
		}
		key := make([]string, len(t.key))
		for i, k := range t.key {
			key[i] = c.name(c.naming.column(t.name, k))
		}
		parts = append(parts, "PRIMARY KEY ("+strings.Join(key, ", ")+")")
		fmt.Fprintf(&b, "CREATE TABLE %s (%s);\n", c.name(c.naming.table(t.name)), strings.Join(parts, ", "))
		for i, row := range t.rows {
			if i%rowsPerInsert == 0 {
				fmt.Fprintf(&b, "INSERT INTO %s VALUES\n", c.name(c.naming.table(t.name)))
			} else {
				b.WriteString(",\n")
			}
			for j, v := range row {
				b.WriteByte("(,"[min(j, 1)])
				b.WriteString(literal(v))
			}
			b.WriteByte(')')
			if i == len(t.rows)-1 || i%rowsPerInsert == rowsPerInsert-1 {
				b.WriteString(";\n")
			}
		}
	}
	return b.String()
}

func (c sqlCopy) name(s string) string { return c.quote + s + c.quote }

// literal is a value in a script. The texts are those of the tests.
func literal(v lqp.Value) string {
	switch v.Kind() {
	case lqp.Null:
		return "NULL"
	case lqp.DateTime:
		return "'" + time.UnixMilli(v.Millis()).UTC().Format("2006-01-02 15:04:05.000") + "'"
	case lqp.Text:
		return "'" + strings.ReplaceAll(v.Text(), "'", "''") + "'"
	}
	return v.String()
}
