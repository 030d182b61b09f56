package daemon

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/rbac"
)

// Jobs are the limits of imports and exports that go on after their request. A zero field has the default of the engine.
type Jobs struct {
	MaxJobs           int           `default:"8" help:"Imports and exports that run as jobs in this daemon at once."`
	MaxAccountJobs    int           `default:"2" help:"Jobs of one account that run at once."`
	MaxWorkspaceJobs  int           `default:"4" help:"Jobs in one workspace that run at once."`
	MaxJobFiles       int64         `default:"4294967296" help:"Size of the files that are kept for the imports of a workspace until they end, in bytes; 0 for no limit."`
	MaxExport         int64         `default:"1073741824" help:"Largest file of an export that runs as a job, in bytes."`
	MaxAccountExports int           `default:"5" help:"Files of exports that are kept for one account."`
	ExportTime        time.Duration `default:"1h" help:"How long the file of an export is kept."`
}

// check reports all problems of the settings together.
func (j *Jobs) check() error {
	var errs []error
	for _, setting := range []struct {
		flag string
		ok   bool
	}{
		{"--max-jobs", j.MaxJobs >= 0}, {"--max-account-jobs", j.MaxAccountJobs >= 0}, {"--max-workspace-jobs", j.MaxWorkspaceJobs >= 0},
		{"--max-job-files", j.MaxJobFiles >= 0}, {"--max-export", j.MaxExport >= 0}, {"--max-account-exports", j.MaxAccountExports >= 0},
		{"--export-time", j.ExportTime >= 0},
	} {
		if !setting.ok {
			errs = append(errs, fmt.Errorf("%s must not be below zero", setting.flag))
		}
	}
	return errors.Join(errs...)
}

// apply puts the settings among the limits of an engine.
func (j *Jobs) apply(l *livetables.Limits) {
	l.Jobs, l.OwnerJobs, l.WorkspaceJobs = j.MaxJobs, j.MaxAccountJobs, j.MaxWorkspaceJobs
	l.ExportBytes, l.Exports, l.ExportTime = j.MaxExport, j.MaxAccountExports, j.ExportTime
	if l.JobFiles = j.MaxJobFiles; l.JobFiles == 0 {
		l.JobFiles = -1 // 0 is the engine's default
	}
}

// readmit asks the accounts whether the owner of a job that goes on still counts. The engine takes jobs up once it runs, when
// everything is open.
func (d *Daemon) readmit(ctx context.Context, was rbac.Principal) (rbac.Principal, error) {
	return d.api.Readmit(ctx, was)
}
