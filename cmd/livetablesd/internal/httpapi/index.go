package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

func indexRoutes() []route {
	return []route{
		{method: "GET", path: api + "/tables/{table}/indexes", handler: listIndexes},
		{method: "POST", path: api + "/tables/{table}/indexes", handler: createIndex, body: bodyJSON},
		{method: "GET", path: api + "/tables/{table}/index-suggestions", handler: listIndexSuggestions},
		{method: "DELETE", path: api + "/tables/{table}/indexes/{index}", handler: dropIndex, params: []string{"version"}},
	}
}

// indexDocument is an index as it is shown.
type indexDocument struct {
	ID        string             `json:"id,omitempty"` // none of those that the table has by itself
	Kind      minidb.IndexKind   `json:"kind"`
	Columns   []indexColumnShown `json:"columns"`
	CreatedAt time.Time          `json:"created_at"`
	CreatedBy string             `json:"created_by,omitempty"`
}

type indexColumnShown struct {
	Column    string `json:"column"` // its id
	Direction string `json:"direction"`
}

func indexOf(x minidb.Index) indexDocument {
	return indexDocument{ID: x.ID, Kind: x.Kind, CreatedAt: x.CreatedAt, CreatedBy: x.CreatedBy, Columns: indexColumnsOf(x.Columns)}
}

func indexColumnsOf(columns []minidb.IndexColumn) []indexColumnShown {
	out := make([]indexColumnShown, len(columns))
	for i, c := range columns {
		out[i] = indexColumnShown{Column: c.Column, Direction: "asc"}
		if c.Desc {
			out[i].Direction = "desc"
		}
	}
	return out
}

// listIndexSuggestions shows indexes that queries would have had use of; columns are as createIndex takes them.
func listIndexSuggestions(c *call) error {
	found, err := c.access.IndexSuggestions(c.ctx(), c.id("table"))
	if err != nil {
		return err
	}
	type suggestion struct {
		Columns  []indexColumnShown `json:"columns"`
		Queries  int64              `json:"queries"`
		Rows     int64              `json:"rows"`
		ReadNow  int64              `json:"read_now"`
		ReadThen int64              `json:"read_then"`
	}
	list := make([]suggestion, len(found))
	for i, x := range found {
		list[i] = suggestion{indexColumnsOf(x.Columns), x.Queries, x.Rows, x.ReadNow, x.ReadThen}
	}
	return c.list(list)
}

func listIndexes(c *call) error {
	found, err := c.access.Indexes(c.ctx(), c.id("table"))
	if err != nil {
		return err
	}
	list := make([]indexDocument, len(found))
	for i, x := range found {
		list[i] = indexOf(x)
	}
	return c.list(list)
}

// createIndex makes an index of columns in the form of sort keys: "name", "-name" or {column, direction}.
func createIndex(c *call) error {
	in, err := decodeStated[struct {
		stated
		Columns []json.RawMessage `json:"columns"`
	}](c)
	if err != nil {
		return err
	}
	columns := make([]minidb.IndexColumn, len(in.Columns))
	for i, doc := range in.Columns {
		var fault string
		if columns[i], fault = indexColumn(doc); fault != "" {
			return invalidProblem("the index cannot be made", FieldError{Path: fmt.Sprintf("$.columns[%d]", i), Code: "invalid", Message: fault})
		}
	}
	table := c.id("table")
	x, err := c.access.CreateIndex(c.ctx(), table, columns, in.Version)
	if err != nil {
		return err
	}
	c.w.Header().Set("Location", api+"/tables/"+table+"/indexes/"+x.ID)
	return c.json(http.StatusCreated, indexOf(*x))
}

func indexColumn(doc json.RawMessage) (x minidb.IndexColumn, fault string) {
	var name string
	if json.Unmarshal(doc, &name) == nil && name != "" {
		x.Column, x.Desc = strings.CutPrefix(name, "-")
		return x, ""
	}
	var whole struct {
		Column    string `json:"column"`
		Direction string `json:"direction"`
	}
	if err := lqp.DecodeStrict(doc, &whole, lqp.StrictLimits{}); err != nil || whole.Column == "" {
		return x, `a name, "-" and a name, or {"column", "direction"} is needed`
	}
	switch whole.Direction {
	case "", "asc", "desc":
	default:
		return x, `direction is "asc" or "desc"`
	}
	return minidb.IndexColumn{Column: whole.Column, Desc: whole.Direction == "desc"}, ""
}

func dropIndex(c *call) error {
	version, err := c.deletedVersion()
	if err != nil {
		return err
	}
	if err := c.access.DropIndex(c.ctx(), c.id("table"), c.id("index"), version); err != nil {
		return err
	}
	return c.noContent()
}
