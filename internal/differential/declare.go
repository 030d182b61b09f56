package differential

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/livetables/livetables/lqp"
)

// declarations picks one of the ways in which each engine can hold a column of a table.
func declarations(r *rand.Rand, t *Table, at int) map[string]string {
	c := &t.Columns[at]
	key := slices.Contains(t.Key, c.Name)
	all := map[string]string{}
	for _, engine := range Engines {
		if ways := ways(engine, c, key); len(ways) > 0 {
			all[engine] = ways[r.IntN(len(ways))]
		}
	}
	return all
}

// ways are the declarations of a column that hold its values and nothing less, the usual one first.
func ways(engine string, c *Column, key bool) []string {
	switch engine {
	case Postgres:
		return postgresWays(c.Type)
	case MySQL, MariaDB:
		return mysqlWays(engine, c.Type, key)
	case SQLite:
		return sqliteWays(c.Type, key)
	case MongoDB:
		return mongoWays(c.Type)
	}
	return nil
}

// native is the declaration of a column at an engine.
func (c *Column) native(engine string, key bool) string {
	if n := c.Native[engine]; n != "" {
		return n
	}
	return ways(engine, c, key)[0]
}

func postgresWays(t lqp.Type) []string {
	exact := fmt.Sprintf("numeric(%d,%d)", t.Precision, t.Scale)
	switch t.Kind {
	case lqp.Bool:
		return []string{"boolean"}
	case lqp.Number:
		switch {
		case t.Scale > 0:
			return []string{exact, "numeric"}
		case t.Precision <= 4:
			return []string{"integer", "smallint", "bigint", exact}
		case t.Precision <= 9:
			return []string{"integer", "bigint", exact, "numeric"}
		}
		return []string{"bigint", exact, "numeric"}
	case lqp.Float:
		return []string{"double precision"}
	case lqp.Date:
		return []string{"date"}
	case lqp.DateTime:
		return []string{"timestamptz", "timestamp", "timestamptz(6)"}
	case lqp.List:
		if t.Elem == lqp.Number {
			return []string{"numeric[]", "numeric(30,10)[]"}
		}
		return []string{"text[]", "varchar(40)[]"}
	case lqp.JSON:
		return []string{"jsonb", "json"}
	}
	if t.MaxLen == 0 {
		return []string{"text", `text COLLATE "C"`, `text COLLATE "en-x-icu"`}
	}
	bounded := fmt.Sprintf("varchar(%d)", t.MaxLen)
	return []string{bounded, "text", bounded + ` COLLATE "C"`, bounded + ` COLLATE "en-x-icu"`}
}

func mysqlWays(engine string, t lqp.Type, key bool) []string {
	exact := fmt.Sprintf("DECIMAL(%d,%d)", t.Precision, t.Scale)
	binary := "CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin"
	if engine == MariaDB {
		binary = "CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"
	}
	switch t.Kind {
	case lqp.Bool:
		return []string{"BOOL", "BIT(1)"}
	case lqp.Number:
		switch {
		case t.Scale > 0:
			return []string{exact}
		case t.Precision <= 4:
			return []string{"INT", "SMALLINT", "BIGINT", exact}
		case t.Precision <= 9:
			return []string{"INT", "BIGINT", exact}
		}
		return []string{"BIGINT", exact}
	case lqp.Float:
		return []string{"DOUBLE"}
	case lqp.Date:
		return []string{"DATE"}
	case lqp.DateTime:
		return []string{"DATETIME(6)", "DATETIME(6)", "DATETIME(3)"}
	case lqp.List, lqp.JSON:
		return []string{"JSON"}
	}
	pads, folds := "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", "CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci"
	bounded := fmt.Sprintf("VARCHAR(%d)", t.MaxLen)
	switch {
	case key:
		return []string{bounded + " " + binary}
	case t.MaxLen == 0:
		return []string{"TEXT", "LONGTEXT", "TEXT " + binary, "TEXT " + pads}
	}
	return []string{bounded, bounded + " " + binary, bounded + " " + pads, bounded + " " + folds, "TEXT"}
}

// store is the declaration of the mini-DB's own files.
const store = "store"

func sqliteWays(t lqp.Type, key bool) []string {
	switch {
	case t.Kind == lqp.Number && t.Precision > 19, t.Kind == lqp.List, t.Kind == lqp.JSON:
		return []string{store}
	case t.Kind == lqp.Bool:
		return []string{store, "BOOLEAN"}
	case t.Kind == lqp.Number && t.Scale == 0:
		return []string{store, "INTEGER", "BIGINT"}
	case t.Kind == lqp.Number && t.Precision <= 15:
		return []string{store, fmt.Sprintf("DECIMAL(%d,%d)", t.Precision, t.Scale)}
	case t.Kind == lqp.Number:
		return []string{store}
	case t.Kind == lqp.Float:
		return []string{store, "DOUBLE PRECISION", "REAL"}
	case t.Kind == lqp.Date:
		return []string{store, "DATE"}
	case t.Kind == lqp.DateTime:
		return []string{store, "DATETIME"}
	case key:
		return []string{store, "TEXT"}
	case t.MaxLen > 0:
		return []string{store, fmt.Sprintf("VARCHAR(%d)", t.MaxLen), fmt.Sprintf("VARCHAR(%d) COLLATE NOCASE", t.MaxLen), "TEXT"}
	}
	return []string{store, "TEXT"}
}

// mongoWays name the types of the values; several stand in turn.
func mongoWays(t lqp.Type) []string {
	switch {
	case t.Kind == lqp.Number && t.Scale > 0:
		return []string{"decimal"}
	case t.Kind == lqp.Number && t.Precision <= 9:
		return []string{"int", "long", "int,long", "decimal", "int,long,decimal"}
	case t.Kind == lqp.Number:
		return []string{"long", "decimal", "long,decimal"}
	case t.Kind == lqp.Float:
		return []string{"double", "double,int"}
	}
	return []string{"usual"}
}
