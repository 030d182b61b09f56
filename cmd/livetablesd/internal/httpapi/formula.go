package httpapi

import "net/http"

// Formulas that nobody has stored yet.
func formulaRoutes() []route {
	return []route{
		{method: "POST", path: api + "/tables/{table}/formula", handler: checkFormula, body: bodyJSON},
	}
}

// checkFormula says what a formula column would be. A formula with mistakes is no mistake of the request: they are the answer.
func checkFormula(c *call) error {
	in, err := decode[struct {
		Formula string `json:"formula"`
		Column  string `json:"column_id"`
	}](c)
	if err != nil {
		return err
	}
	report, err := c.access.CheckFormula(c.ctx(), c.id("table"), in.Formula, in.Column)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, report)
}
