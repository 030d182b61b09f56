package httpapi

import (
	"encoding/json"
	"net/http"

	"github.com/livetables/livetables"
)

// What a change would break.
func impactRoutes() []route {
	change := []string{"change"}
	return []route{
		{method: "GET", path: api + "/bases/{base}/impact", handler: impactOf("base"), params: change},
		{method: "GET", path: api + "/tables/{table}/impact", handler: impactOf("table"), params: change},
		{method: "GET", path: api + "/tables/{table}/columns/{column}/impact", handler: impactOf("column"), params: change},
		{method: "GET", path: api + "/views/{view}/impact", handler: impactOf("view"), params: change},
		{method: "GET", path: api + "/connections/{connection}/impact", handler: impactOf("connection"), params: change},
	}
}

// impactOf answers for the resource of a segment of the path.
func impactOf(segment string) func(*call) error {
	return func(c *call) error {
		if segment == "column" {
			if _, err := c.tableOfColumn(); err != nil {
				return err
			}
		}
		change := livetables.ImpactChange(c.params.text("change"))
		if change == "" {
			change = livetables.ImpactDelete
		}
		impact, err := c.access.Impact(c.ctx(), c.id(segment), change)
		if err != nil {
			return err
		}
		return c.json(http.StatusOK, impact)
	}
}

// impactProblem is the refusal of a change that nobody forced; what it would break stands beside it.
func impactProblem(e *livetables.ImpactError) *Problem {
	p := problemOf(http.StatusConflict, livetables.CodeBreaks, e.Error()+"; change that first, or repeat with force")
	doc, err := json.Marshal(e.Impact)
	if err != nil {
		return internalProblem()
	}
	p.Preview = doc
	return p
}
