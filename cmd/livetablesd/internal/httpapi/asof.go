package httpapi

import (
	"strings"
	"time"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// tableRows reads rows of the table of the path by the query that ask makes of it: as they are, or with as_of as they were at a time
// or after an operation.
func (c *call) tableRows(ask func(*minidb.Table) (*lqp.Query, error)) (*livetables.Rows, error) {
	text, past := c.params.find("as_of")
	if !past {
		return c.access.TableRows(c.ctx(), c.id("table"), ask)
	}
	t, err := c.access.Table(c.ctx(), c.id("table"))
	if err != nil {
		return nil, err
	}
	q, err := ask(t)
	if err != nil {
		return nil, err
	}
	var at livetables.AsOf
	if strings.HasPrefix(text, "bat_") || strings.HasPrefix(text, "chg_") {
		at.Operation = text
	} else if at.Time, err = time.Parse(time.RFC3339, text); err != nil {
		return nil, badParam("as_of", lqp.CodeArgument, "a time such as 2026-03-01T12:00:00Z was expected, or the id of an operation")
	}
	return c.access.QueryAsOf(c.ctx(), t.Workspace, q, at)
}
