package main

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/testenv"
	"github.com/livetables/livetables/internal/testseed"
)

// jobRows is how many rows the files of these tests have.
const jobRows = 50_000

func jobFile(rows int) string {
	var text strings.Builder
	text.WriteString("N,Name\n")
	for i := range rows {
		fmt.Fprintf(&text, "%d,a name of some length %d\n", i, i)
	}
	return text.String()
}

// importJob begins an import of a file as a job and answers with its id.
func (p *process) importJob(table, file, params string) string {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.url+"/api/v1/tables/"+table+"/import?async=true"+params, strings.NewReader(file))
	require.NoError(p.t, err)
	req.Header.Set("Content-Type", "text/csv")
	req.Header.Set("Authorization", "Bearer "+p.tok)
	res, err := http.DefaultClient.Do(req)
	require.NoError(p.t, err)
	require.NoError(p.t, res.Body.Close())
	require.Equal(p.t, http.StatusAccepted, res.StatusCode)
	return strings.TrimPrefix(res.Header.Get("Location"), "/api/v1/jobs/")
}

// job waits until a job has stored so many rows or has ended.
func (p *process) job(id string, stored int, within time.Duration) map[string]any {
	p.t.Helper()
	for began := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		j := p.must(200, "GET", "/api/v1/jobs/"+id, nil)
		if s := j["state"]; s != "running" && s != "waiting" || j["stored_rows"].(float64) >= float64(stored) {
			return j
		}
		require.Less(p.t, time.Since(began), within, "%v", j)
	}
}

// ended waits for the end of a job.
func (p *process) ended(id string, within time.Duration) map[string]any {
	p.t.Helper()
	return p.job(id, 1<<40, within)
}

// jobTable makes a workspace with a table, and answers with their ids.
func (p *process) jobTable() (workspace, table string) {
	p.t.Helper()
	firstAccount(p.t, p, "a@example.com", "correct horse")
	p.login("a@example.com", "correct horse")
	workspace = p.must(201, "POST", "/api/v1/workspaces", map[string]any{"name": "W"})["id"].(string)
	base := p.must(201, "POST", "/api/v1/workspaces/"+workspace+"/bases", map[string]any{"name": "B"})["id"].(string)
	table = p.must(201, "POST", "/api/v1/bases/"+base+"/tables", map[string]any{"name": "T",
		"columns": []any{map[string]any{"name": "N", "type": "integer", "unique": true}, map[string]any{"name": "Name", "type": "text"}, map[string]any{"name": "Number", "type": "autonumber"}}})["id"].(string)
	return workspace, table
}

// noJobFiles finds what jobs have left in a data directory.
func noJobFiles(t *testing.T, dir string) {
	t.Helper()
	for _, sub := range []string{"attachments", "uploads", "spill"} {
		err := filepath.WalkDir(filepath.Join(dir, sub), func(path string, e fs.DirEntry, err error) error {
			if os.IsNotExist(err) {
				return nil
			}
			if err == nil && !e.IsDir() {
				t.Error("left behind:", path)
			}
			return err
		})
		require.NoError(t, err)
	}
}

// TestAttack75JobsOutliveKills kills the daemon at random moments of an import of 50,000 rows: the next one goes on with it by
// itself, and at the end each row of the file is there once, with one entry, in a log that is whole. Then it cancels one
// half-way: the rows, the entries and what the job says are equal.
func TestAttack75JobsOutliveKills(t *testing.T) {
	t.Parallel()
	seed := testseed.Of(t)
	rnd := rand.New(rand.NewPCG(seed, 75))
	dir := filepath.Join(t.TempDir(), "data")
	p := start(t, dir, "--rate-limit", "0")
	workspace, table := p.jobTable()
	token := p.tok
	job := p.importJob(table, jobFile(jobRows), "&batch=500")
	const kills = 4
	for i := range kills {
		p.job(job, 1+rnd.IntN((i+1)*jobRows/(kills+2)), time.Minute)
		time.Sleep(time.Duration(rnd.IntN(20)) * time.Millisecond)
		p.kill()
		rows, entries := imported(t, dir, table)
		require.Equal(t, rows, entries, "kill %d", i)
		t.Logf("killed with %d rows", rows)
		p = start(t, dir, "--rate-limit", "0")
		p.tok = token
	}
	done := p.ended(job, time.Minute)
	require.Equal(t, "done", done["state"], done)
	require.EqualValues(t, jobRows, done["stored_rows"])
	require.NotZero(t, done["resumed"])
	rows, entries := imported(t, dir, table)
	require.Equal(t, []int{jobRows, jobRows}, []int{rows, entries}, "N is unique: each row is there once")

	table = p.must(201, "POST", "/api/v1/bases/"+p.must(200, "GET", "/api/v1/tables/"+table, nil)["base_id"].(string)+"/tables", map[string]any{"name": "Cancelled",
		"columns": []any{map[string]any{"name": "N", "type": "integer"}, map[string]any{"name": "Name", "type": "text"}}})["id"].(string)
	job = p.importJob(table, jobFile(jobRows), "&batch=500")
	p.job(job, 1+rnd.IntN(jobRows/2), time.Minute)
	began := time.Now()
	p.must(204, "DELETE", "/api/v1/jobs/"+job, nil)
	cancelled := p.ended(job, 5*time.Second)
	t.Logf("cancelled in %s", time.Since(began).Round(time.Millisecond))
	require.Equal(t, "cancelled", cancelled["state"], cancelled)
	rows, entries = imported(t, dir, table)
	require.Equal(t, rows, entries)
	require.EqualValues(t, rows, cancelled["stored_rows"])
	require.Zero(t, rows%500, "whole batches")
	require.Less(t, rows, jobRows)
	p.stop()
	noJobFiles(t, dir)
	out := mustRun(t, "audit", "verify", "--data-dir", dir)
	require.Contains(t, out, "ok workspace "+workspace)
}

// TestAttack75AnotherDaemonTakesOver has two daemons on one database, with a bucket for their files: when the one that does an
// import is killed, the other one goes on with it, and nobody does any of it twice.
func TestAttack75AnotherDaemonTakesOver(t *testing.T) {
	t.Parallel()
	const rows = 8_000
	in := newInstallation(t)
	bucket, err := url.Parse(testenv.S3(t))
	require.NoError(t, err)
	secret, _ := bucket.User.Password()
	keys := filepath.Join(in.dir, "s3")
	require.NoError(t, os.WriteFile(keys, []byte(bucket.User.Username()+"\n"+secret+"\n"), 0o600))
	daemon := func(name string) *process {
		require.NoError(t, os.MkdirAll(filepath.Join(in.dir, "keys"), 0o700))
		return start(t, filepath.Join(in.dir, name), append(in.args(), "--s3-endpoint", bucket.Scheme+"://"+bucket.Host, "--s3-bucket", strings.Trim(bucket.Path, "/"),
			"--s3-region", "us-east-1", "--s3-keys-file", keys)...)
	}
	a := daemon("a")
	workspace, table := a.jobTable()
	b := daemon("b")
	b.tok = a.tok
	job := a.importJob(table, jobFile(rows), "&batch=50")
	a.job(job, rows/10, time.Minute)
	require.Equal(t, "running", b.must(200, "GET", "/api/v1/jobs/"+job, nil)["state"])
	a.kill()
	half := b.must(200, "GET", "/api/v1/jobs/"+job, nil)
	require.Less(t, half["stored_rows"].(float64), float64(rows))
	done := b.ended(job, time.Minute)
	require.Equal(t, "done", done["state"], done)
	require.EqualValues(t, rows, done["stored_rows"])
	require.EqualValues(t, 1, done["resumed"], "once")
	require.Equal(t, []int{rows, rows}, in.imported(table))

	// The end of a job is asked for at either of them.
	a = daemon("a")
	a.tok = b.tok
	base := b.must(200, "GET", "/api/v1/tables/"+table, nil)["base_id"].(string)
	second := func(name string) string {
		return b.must(201, "POST", "/api/v1/bases/"+base+"/tables", map[string]any{"name": name,
			"columns": []any{map[string]any{"name": "N", "type": "integer"}, map[string]any{"name": "Name", "type": "text"}}})["id"].(string)
	}
	table = second("cancelled")
	job = b.importJob(table, jobFile(2*rows), "&batch=20")
	b.job(job, 1, time.Minute)
	a.must(204, "DELETE", "/api/v1/jobs/"+job, nil)
	stopped := a.ended(job, 10*time.Second)
	require.Equal(t, "cancelled", stopped["state"], stopped)
	counts := in.imported(table)
	require.Equal(t, counts[0], counts[1])
	require.EqualValues(t, counts[0], stopped["stored_rows"])
	require.Less(t, counts[0], 2*rows)

	// A daemon that is stopped gives its job away at once.
	table = second("handed over")
	job = b.importJob(table, jobFile(rows), "&batch=20")
	b.job(job, 1, time.Minute)
	b.stop()
	done = a.ended(job, time.Minute)
	require.Equal(t, "done", done["state"], done)
	require.EqualValues(t, 1, done["resumed"])
	require.Equal(t, []int{rows, rows}, in.imported(table))
	a.stop()
	out := mustRun(t, append([]string{"audit", "verify", "--data-dir", filepath.Join(in.dir, "c")}, in.args()[:4]...)...)
	require.Contains(t, out, "ok workspace "+workspace)
}

// imported counts the rows of a table and the entries about them in the change log, beside the daemons.
func (in *installation) imported(table string) []int {
	in.t.Helper()
	ctx := context.WithoutCancel(in.t.Context())
	conn, err := pgx.Connect(ctx, in.url)
	require.NoError(in.t, err)
	defer func() { require.NoError(in.t, conn.Close(ctx)) }()
	var found string
	require.NoError(in.t, conn.QueryRow(ctx, `SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables WHERE tablename = $1`, table).Scan(&found))
	var rows, entries int
	require.NoError(in.t, conn.QueryRow(ctx, `SELECT count(*) FROM `+found).Scan(&rows))
	require.NoError(in.t, conn.QueryRow(ctx, `SELECT quote_ident(schemaname) || '.lt_change' FROM pg_tables WHERE tablename = 'lt_change'`).Scan(&found))
	require.NoError(in.t, conn.QueryRow(ctx, `SELECT count(*) FROM `+found+` WHERE action = 'row.insert' AND table_id = $1`, table).Scan(&entries))
	return []int{rows, entries}
}
