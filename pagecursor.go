package livetables

import (
	"fmt"
	"strconv"
	"time"

	"github.com/livetables/livetables/internal/rewrite"
	"github.com/livetables/livetables/lqp"
)

// cursorLife is how long a cursor continues its query.
const cursorLife = 24 * time.Hour

// cursorMaker binds cursors to everything that gives them meaning: the query, the principal, the workspace and the policy.
type cursorMaker struct {
	key    *lqp.CursorKey
	scope  lqp.CursorScope
	now    time.Time
	offset int
	// of makes the scope when it is asked for, since most pages are the last ones; nil when it is there.
	of    *entry
	query lqp.Query
}

func (s *entry) cursorMaker(q *lqp.Query) *cursorMaker {
	return &cursorMaker{key: s.e.cursors, now: s.e.clock(), of: s, query: *q}
}

func (c *cursorMaker) bound() lqp.CursorScope {
	if s := c.of; s != nil {
		c.of, c.scope = nil, lqp.CursorScope{Query: s.hashOf(&c.query), Principal: s.who(), Workspace: s.Workspace.ID,
			Policy: strconv.FormatInt(s.policy.Version, 10)}
	}
	return c.scope
}

func (c *cursorMaker) seal(st lqp.Cursor) (string, error) {
	return c.key.Seal(st, c.bound(), c.now.Add(cursorLife))
}

// open reads a cursor that continues this plan: the values after which it goes on, or the rows to skip.
func (c *cursorMaker) open(token string, plan *rewrite.Plan) (after []lqp.Value, offset int, err error) {
	st, err := c.key.Open(token, c.bound(), c.now)
	if err != nil {
		return nil, 0, err
	}
	if !plan.Total() {
		return nil, st.Offset, nil
	}
	order := plan.Query().OrderBy
	if len(st.After) != len(order) {
		return nil, 0, fmt.Errorf("%w: the order has changed", ErrCursor)
	}
	for i, v := range st.After {
		if !v.IsNull() && v.Kind() != order[i].Expr.Type().Kind {
			return nil, 0, fmt.Errorf("%w: the columns have changed", ErrCursor)
		}
	}
	return st.After, 0, nil
}
