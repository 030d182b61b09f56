package httpapi

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// moveRows puts rows in another place of the table's manual order and answers with the versions that they have then.
func moveRows(c *call) error {
	t, err := c.writable()
	if err != nil {
		return err
	}
	in, err := decode[struct {
		Rows   []string `json:"rows"`
		Before string   `json:"before"`
		After  string   `json:"after"`
		First  bool     `json:"first"`
		Last   bool     `json:"last"`
		DryRun bool     `json:"dry_run"`
		Reason string   `json:"reason"`
	}](c)
	if err != nil {
		return err
	}
	dry, err := c.params.boolean("dry_run")
	if err != nil {
		return err
	}
	if err := c.tally.count(c.ctx(), len(in.Rows)); err != nil {
		return err
	}
	r, err := c.access.MoveRows(c.ctx(), t.ID, livetables.RowMove{Rows: in.Rows, Before: in.Before, After: in.After, First: in.First,
		Last: in.Last, Reason: in.Reason, DryRun: dry || in.DryRun})
	if err != nil {
		return err
	}
	body := []byte(`{"affected":` + strconv.Itoa(r.Affected) + `,"dry_run":` + strconv.FormatBool(r.DryRun))
	shown := slices.ContainsFunc(r.Columns, func(col lqp.Column) bool { return col.ID == minidb.ColumnVersion })
	if !c.minimal() {
		body = append(body, `,"data":[`...)
		for i := range r.Rows {
			if i > 0 {
				body = append(body, ',')
			}
			body = append(body, `{"id":"`+r.Rows[i].ID+`"`...)
			if shown {
				body = append(body, `,"version":`+strconv.FormatInt(r.Rows[i].Version, 10)...)
			}
			body = append(body, '}')
		}
		body = append(body, ']')
	}
	return c.raw(http.StatusOK, append(body, '}', '\n'))
}
