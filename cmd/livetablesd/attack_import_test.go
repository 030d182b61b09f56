package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/testseed"
)

// importedRows is how many rows the files of these tests have: enough that importing them takes a while.
const importedRows = 20_000

func importFile() string {
	var text strings.Builder
	text.WriteString("N,Name\n")
	for i := range importedRows {
		fmt.Fprintf(&text, "%d,a name of some length %d\n", i, i)
	}
	return text.String()
}

// imported counts the rows of a table and the entries about them in the change log, beside the daemon.
func imported(t *testing.T, dir, table string) (rows, entries int) {
	t.Helper()
	db, err := sqlite3.OpenFlags(filepath.Join(dir, "livetables.db"), sqlite3.OPEN_READWRITE)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	require.NoError(t, db.Exec("PRAGMA busy_timeout = 10000"))
	one := func(query string) string {
		statement, _, err := db.Prepare(query)
		require.NoError(t, err)
		defer statement.Close()
		require.True(t, statement.Step(), query)
		return statement.ColumnText(0)
	}
	_, err = fmt.Sscan(one(`SELECT count(*) FROM "`+table+`"`), &rows)
	require.NoError(t, err)
	_, err = fmt.Sscan(one(`SELECT count(*) FROM lt_change WHERE action = 'row.insert' AND table_id = '`+table+`'`), &entries)
	require.NoError(t, err)
	require.Equal(t, "ok", one(`PRAGMA integrity_check`))
	return rows, entries
}

// send posts a file to a table until the context ends.
func (p *process) send(ctx context.Context, table, file string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url+"/api/v1/tables/"+table+"/import", strings.NewReader(file))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "text/csv")
	req.Header.Set("Authorization", "Bearer "+p.tok)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	return res.Body.Close()
}

// TestAttack75ImportIsAllOrNothing leaves imports half-way, by going away and by killing the daemon at random moments: all
// rows are there or none, and each has its entry.
func TestAttack75ImportIsAllOrNothing(t *testing.T) {
	seed := testseed.Of(t)
	rnd := rand.New(rand.NewPCG(seed, 75))
	dir := filepath.Join(t.TempDir(), "data")
	p := start(t, dir, "--rate-limit", "0")
	firstAccount(t, p, "a@example.com", "correct horse")
	p.login("a@example.com", "correct horse")
	ws := p.must(201, "POST", "/api/v1/workspaces", map[string]any{"name": "W"})["id"].(string)
	base := p.must(201, "POST", "/api/v1/workspaces/"+ws+"/bases", map[string]any{"name": "B"})["id"].(string)
	file := importFile()
	newTable := func(name string) string {
		return p.must(201, "POST", "/api/v1/bases/"+base+"/tables", map[string]any{"name": name,
			"columns": []any{map[string]any{"name": "N", "type": "integer", "unique": true}, map[string]any{"name": "Name", "type": "text"}}})["id"].(string)
	}
	began := time.Now()
	require.NoError(t, p.send(t.Context(), newTable("whole"), file))
	whole := time.Since(began)
	outcomes := map[int]int{}
	check := func(table, what string) {
		rows, entries := imported(t, dir, table)
		require.Contains(t, []int{0, importedRows}, rows, what)
		require.Equal(t, rows, entries, what)
		outcomes[rows]++
	}
	for round := range 3 {
		table := newTable(fmt.Sprint("left ", round))
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration((0.2+0.7*rnd.Float64())*float64(whole)))
		_ = p.send(ctx, table, file) // it may be faster than that
		cancel()
		// A write waits for the import, or for its end, for there is one writer.
		other := newTable(fmt.Sprint("after ", round))
		check(table, "the client left")
		check(other, "another table")

		table = newTable(fmt.Sprint("killed ", round))
		ended := make(chan error, 1)
		go func() { ended <- p.send(context.WithoutCancel(t.Context()), table, file) }()
		time.Sleep(time.Duration((0.2 + 0.7*rnd.Float64()) * float64(whole)))
		p.kill()
		<-ended
		check(table, "the daemon was killed")
		p = start(t, dir, "--rate-limit", "0")
		p.login("a@example.com", "correct horse")
		require.EqualValues(t, "killed "+strconv.Itoa(round), p.must(200, "GET", "/api/v1/tables/"+table, nil)["name"])
	}
	t.Logf("an import takes %s; rows found afterwards, and how often: %v", whole.Round(time.Millisecond), outcomes)
}
