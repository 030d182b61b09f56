package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/minidb"
)

// undoRequest is what is to be undone or redone; nothing means what comes next in the workspace.
type undoRequest struct {
	Base      string `json:"base_id"`
	Table     string `json:"table_id"`
	Operation string `json:"operation"`
	Conflicts string `json:"conflicts"`
	Reason    string `json:"reason"`
	DryRun    bool   `json:"dry_run"`
}

func undo(c *call) error { return c.step(c.access.Undo) }

func redo(c *call) error { return c.step(c.access.Redo) }

func (c *call) step(take func(context.Context, string, livetables.UndoOptions) (*livetables.RevertReport, error)) error {
	in, err := decode[undoRequest](c)
	if err != nil {
		return err
	}
	opt := livetables.UndoOptions{UndoScope: livetables.UndoScope{Base: in.Base, Table: in.Table}, Operation: in.Operation}
	if opt.RevertOptions, err = c.revertOptions(in.Conflicts, in.Reason, in.DryRun, false); err != nil {
		return err
	}
	report, err := take(c.ctx(), c.id("workspace"), opt)
	if err != nil {
		return err
	}
	return c.reverted(report)
}

// stepDocument is an operation that can be undone or redone.
type stepDocument struct {
	Operation string               `json:"operation"`
	Kind      minidb.OperationKind `json:"kind"`
	At        time.Time            `json:"at"`
	Tables    []string             `json:"tables"`
	Changes   int64                `json:"changes"`
	Target    string               `json:"target,omitempty"`
}

// maxSteps is how many steps of each kind are listed.
const maxSteps = 100

func undoList(c *call) error {
	list, err := c.access.UndoList(c.ctx(), c.id("workspace"), livetables.UndoScope{Base: c.params.text("base_id"), Table: c.params.text("table_id")})
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, struct {
		Undo []stepDocument `json:"undo"`
		Redo []stepDocument `json:"redo"`
	}{stepDocuments(list.Undo), stepDocuments(list.Redo)})
}

func stepDocuments(steps []livetables.UndoStep) []stepDocument {
	out := make([]stepDocument, 0, min(len(steps), maxSteps))
	for _, s := range steps[:min(len(steps), maxSteps)] {
		if s.Tables == nil {
			s.Tables = []string{}
		}
		out = append(out, stepDocument{s.ID, s.Kind, s.At, s.Tables, s.Changes, s.Target})
	}
	return out
}
