package livetables_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// An owner keeps the newest two entries of a workspace's log. What came before is cut, the log says so, and questions that need it
// are refused. In earnest Run does the cutting, and nothing of the last 7 days is cut.
func ExampleAccess_SetRetention() {
	inEngine(livetables.Options{LogTime: -1, Logger: slog.New(slog.DiscardHandler)}, retaining)
	// Output:
	// log.cut
	// workspace.retention
	// base.create
	// the log is as it was written, from entry 5 on
	// history_cut
}

func retaining(ctx context.Context, engine *livetables.Engine) error {
	ann := engine.As(rbac.Principal{ID: "ann"})
	w, err := ann.CreateWorkspace(ctx, "Shop")
	if err != nil {
		return err
	}
	base, err := ann.CreateBase(ctx, w.ID, minidb.BaseSpec{Name: "Old"})
	if err != nil {
		return err
	}
	table, err := ann.CreateTable(ctx, base.ID, minidb.TableSpec{Name: "Goods"})
	if err != nil {
		return err
	}
	if _, err := ann.CreateBase(ctx, w.ID, minidb.BaseSpec{Name: "Stock"}); err != nil {
		return err
	}
	if err := errors.Join(ann.SetRetention(ctx, w.ID, minidb.Retention{Entries: 2}), engine.CutLogs(ctx)); err != nil {
		return err
	}
	entries, err := ann.AuditLog(ctx, w.ID, livetables.HistoryFilter{})
	if err != nil {
		return err
	}
	for _, e := range entries {
		fmt.Println(e.Action)
	}
	report, err := engine.VerifyLog(ctx, w.ID, livetables.VerifyOptions{})
	if err != nil || report.Fault != nil {
		return errors.Join(err, report.Fault)
	}
	fmt.Println("the log is as it was written, from entry", report.Floor.Sequence+1, "on")
	_, err = ann.QueryAsOf(ctx, w.ID, &lqp.Query{From: lqp.Source{Table: table.ID}}, livetables.AsOf{Time: time.Now().Add(-time.Hour)})
	fmt.Println(livetables.Code(err))
	return nil
}
