package httpapi

import (
	"strings"
	"time"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// rowsOf runs a query of a table's rows: as they are, or with as_of as they were at a time or after an operation. past says
// which of the two.
func (c *call) rowsOf(t *minidb.Table, q *lqp.Query) (rows *livetables.Rows, past bool, err error) {
	text, past := c.params.find("as_of")
	if !past {
		rows, err = c.access.Query(c.ctx(), t.Workspace, q)
		return rows, false, err
	}
	var at livetables.AsOf
	if strings.HasPrefix(text, "bat_") || strings.HasPrefix(text, "chg_") {
		at.Operation = text
	} else if at.Time, err = time.Parse(time.RFC3339, text); err != nil {
		return nil, true, badParam("as_of", lqp.CodeArgument, "a time such as 2026-03-01T12:00:00Z was expected, or the id of an operation")
	}
	rows, err = c.access.QueryAsOf(c.ctx(), t.Workspace, q, at)
	return rows, true, err
}
