package minidb_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter/ddl"
	"github.com/livetables/livetables/internal/storetest"
	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// The crash test runs this test binary again as a writer, whose database and table stand in these variables.
const (
	crashPlace = "LIVETABLES_CRASH_PLACE"
	crashTable = "LIVETABLES_CRASH_TABLE"
	// crashKills sets how often the writer is killed, for long runs.
	crashKills = "LIVETABLES_CRASH_KILLS"
)

func TestMain(m *testing.M) {
	if place := os.Getenv(crashPlace); place != "" {
		fmt.Println("failed", crashWriter(place, os.Getenv(crashTable)))
		os.Exit(1)
	}
	storetest.Main(m)
}

// batchRows is how many rows a batch of the writer has; they share a Name.
const batchRows = 3

// crashWriter writes until it is killed and prints a line for everything that was acknowledged.
func crashWriter(place, tableID string) error {
	ctx := context.Background()
	var p storetest.Place
	if err := json.Unmarshal([]byte(place), &p); err != nil {
		return err
	}
	store, err := p.OpenStore(ctx)
	if err != nil {
		return err
	}
	db, err := minidb.Open(ctx, store, minidb.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	workspace, err := db.WorkspaceOf(ctx, tableID)
	if err != nil {
		return err
	}
	s, err := db.Snapshot(ctx, workspace)
	if err != nil {
		return err
	}
	tb, _ := s.Table(tableID)
	g := &table{fixture: &fixture{DB: db, ctx: ctx}, Table: tb}
	fmt.Println("ready")
	var wg sync.WaitGroup
	for w := range 6 {
		wg.Go(func() {
			for i := 0; ; i++ {
				name := fmt.Sprintf("%d-%d-%d", os.Getpid(), w, i)
				r, err := g.try(g.insert(values{"Name": text(name)}, values{"Name": text(name)}, values{"Name": text(name)}), minidb.Guard{})
				if err != nil {
					fmt.Println("failed", err)
					return
				}
				for _, row := range r.Rows {
					fmt.Println("ack", row.ID, 1)
				}
				id := r.Rows[0].ID
				if _, err := g.try(g.update(id, 1, values{"Stock": num(int64(i))}), minidb.Guard{}); err != nil {
					fmt.Println("failed", err)
					return
				}
				fmt.Println("ack", id, 2)
				if _, err := g.try(g.delete(1, r.Rows[1].ID), minidb.Guard{}); err != nil {
					fmt.Println("failed", err)
					return
				}
				fmt.Println("deleted", r.Rows[1].ID)
			}
		})
	}
	wg.Wait()
	return nil
}

func TestKilledWriterLosesNothing(t *testing.T) {
	kills := 20
	if storetest.Driver() != ddl.SQLite { // the database itself is not killed, as it is with the file
		kills = 6
	}
	if n, err := strconv.Atoi(os.Getenv(crashKills)); err == nil {
		kills = n
	}
	seed := testseed.Of(t)
	random := rand.New(rand.NewPCG(seed, 1))

	f := newFixture(t, minidb.Options{})
	g := f.table(goods)
	g.addColumn(formulaColumn("Half", "Stock / 2"))
	exe, err := os.Executable()
	require.NoError(t, err)
	place, err := json.Marshal(f.place)
	require.NoError(t, err)
	versions, deleted := make(map[string]int64), make(map[string]bool)
	for range kills {
		cmd := exec.Command(exe)
		cmd.Env = append(os.Environ(), crashPlace+"="+string(place), crashTable+"="+g.ID)
		cmd.Dir = t.TempDir()
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		from := "ack" // the time of a kill counts from the first write as a rule
		if random.IntN(4) == 0 {
			from = "ready"
		}
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			word, rest, _ := strings.Cut(lines.Text(), " ")
			if word == from {
				delay := time.Duration(5+random.IntN(60)) * time.Millisecond
				time.AfterFunc(delay, func() { _ = cmd.Process.Kill() })
				from = ""
			}
			switch word {
			case "ack":
				id, version, _ := strings.Cut(rest, " ")
				if n, err := strconv.ParseInt(version, 10, 64); err == nil && len(id) == 30 { // else cut off by the kill
					versions[id] = max(versions[id], n)
				}
			case "deleted":
				if len(rest) == 30 {
					deleted[rest] = true
				}
			case "failed":
				_ = cmd.Process.Kill()
				require.Fail(t, "writer failed", rest)
			}
		}
		_ = cmd.Wait()
		checkCrashed(t, g, versions, deleted)
	}
	require.Positive(t, chained(f))
	t.Logf("%d kills, %d rows acknowledged, %d deletions, %d log entries", kills, len(versions), len(deleted), f.count("SELECT count(*) FROM lt_change"))
	require.NotEmpty(t, deleted)
}

// checkCrashed compares what was acknowledged with what is there.
func checkCrashed(t *testing.T, g *table, versions map[string]int64, deleted map[string]bool) {
	t.Helper()
	if storetest.Driver() == ddl.SQLite {
		require.Equal(t, int64(0), g.count("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"))
	}
	entries := make(map[string]int64)
	gone := make(map[string]bool)
	inserted := make(map[string]int)
	for _, e := range readLog(t, g.DB) {
		if e.ResourceType != "row" {
			continue
		}
		entries[e.Resource]++
		require.Equal(t, entries[e.Resource], e.Version, "one entry for each version")
		gone[e.Resource] = e.Action == "row.delete"
		if e.Action == "row.insert" {
			row, err := g.Row(e.After)
			require.NoError(t, err)
			inserted[row[1].Text()]++
		}
	}
	for name, n := range inserted {
		require.Equal(t, batchRows, n, "batch %s is half applied", name)
	}
	rows := g.stored()
	for id, row := range rows {
		v, _ := row["_version"].Decimal().Int64()
		require.Equal(t, entries[id], v, "row %s and its log disagree", id)
		require.False(t, gone[id])
		half := lqp.Value{}
		if !row["Stock"].IsNull() {
			d, _ := row["Stock"].Decimal().Div(lqp.DecimalFromInt(2))
			half = lqp.NumberValue(d)
		}
		require.True(t, lqp.Equal(half, row["Half"]), "a computed cell of row %s is stale: %s of %s", id, row["Half"], row["Stock"])
	}
	for id := range entries {
		_, ok := rows[id]
		require.Equal(t, gone[id], !ok, "row %s and its log disagree", id)
	}
	for id, v := range versions {
		require.GreaterOrEqual(t, entries[id], v, "acknowledged version of row %s is lost", id)
	}
	for id := range deleted {
		require.True(t, gone[id], "acknowledged deletion of row %s is lost", id)
	}
	require.True(t, lqp.Equal(num(int64(len(rows))), num(g.count(`SELECT count(*) FROM `+quoted(g.Schema().Path)))))
}
