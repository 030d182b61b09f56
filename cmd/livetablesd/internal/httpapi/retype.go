package httpapi

import (
	"encoding/json"
	"net/http"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/minidb"
)

// Columns that get another type.
func retypeRoutes() []route {
	return []route{
		{method: "POST", path: api + "/tables/{table}/columns/{column}/type", handler: changeType, body: bodyJSON},
	}
}

// changeType gives a column another type, or with preview tells what that would do.
func changeType(c *call) error {
	in, err := decodeStated[struct {
		stated
		Type       minidb.ColumnType    `json:"type"`
		Options    minidb.ColumnOptions `json:"options"`
		AddChoices bool                 `json:"add_choices"`
		CreateRows bool                 `json:"create_rows"`
		AcceptLoss bool                 `json:"accept_loss"`
		Preview    bool                 `json:"preview"`
	}](c)
	if err != nil {
		return err
	}
	column, err := c.tableOfColumn()
	if err != nil {
		return err
	}
	change := livetables.TypeChange{Type: in.Type, Options: in.Options, AddChoices: in.AddChoices, CreateRows: in.CreateRows, AcceptLoss: in.AcceptLoss}
	var report *livetables.TypeReport
	if in.Preview {
		report, err = c.access.PreviewType(c.ctx(), column.ID, change)
	} else {
		report, err = c.access.ChangeType(c.ctx(), column.ID, change, in.Version)
	}
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, report)
}

// lossProblem is the refusal of a change of type that nobody accepted the loss of; what would be lost stands beside it.
func lossProblem(loss *livetables.LossError) *Problem {
	p := problemOf(http.StatusConflict, livetables.CodeLoss, loss.Error()+`; look at preview and repeat with "accept_loss": true`)
	doc, err := json.Marshal(loss.Report)
	if err != nil {
		return internalProblem()
	}
	p.Preview = doc
	return p
}
