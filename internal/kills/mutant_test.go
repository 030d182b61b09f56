package kills

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/daemontest"
)

// mutants are mistakes in the code that makes writes durable and whole.
var mutants = []struct {
	name     string
	postgres bool
	disk     bool // found by a disk that fails
	daemontest.Mutant
}{
	{"writes are acknowledged before the commit", false, false, early},
	{"writes are acknowledged before the commit", true, false, early},
	{"the last entry of a write is not logged", false, false, daemontest.Mutant{File: "minidb/changelog.go",
		Was: "u.tx.Insert(u.ctx, l.table, l.columns, rows)", Is: "u.tx.Insert(u.ctx, l.table, l.columns, rows[:max(1, len(rows)-1)])"}},
	{"commits do not wait for the disk", false, true, daemontest.Mutant{File: "adapter/sqlite/driver.go",
		Was: `"synchronous=FULL"`, Is: `"synchronous=OFF"`}},
	{"entries are handed to sinks from where the log ends", false, false, daemontest.Mutant{File: "relay.go",
		Was: "	if c.durable {\n		return e.store.Cursor(ctx, c.name)", Is: "	if c.durable && false {\n		return e.store.Cursor(ctx, c.name)"}},
}

// early acknowledges the calls of a group of three or more when they are carried out, some milliseconds before they are committed.
var early = daemontest.Mutant{File: "minidb/group.go",
	Was: "			return work.run(tx, calls, answers)",
	Is: "err := work.run(tx, calls, answers)\nif err == nil && len(work.calls) > 2 {\nfor _, c := range work.calls {\nclose(c.done)\n}\n" +
		"work.calls = nil\nfor range 10_000_000 {\n}\n}\nreturn err"}

// TestMutantsAreFound builds the daemon with a mistake, and expects a campaign to find it. Each takes a build of half the
// program: without LIVETABLES_MUTANTS=all it is only seen to that every mistake has its place. TestLiesAreFound plants others.
func TestMutantsAreFound(t *testing.T) {
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	for _, m := range failing { // which are no mistakes, and need their places all the same
		source, err := os.ReadFile(filepath.Join(root, m.File))
		require.NoError(t, err)
		require.Equal(t, 1, strings.Count(string(source), m.Was), "the disk has one place in %s", m.File)
	}
	for _, m := range mutants { // also of those that are not chosen
		source, err := os.ReadFile(filepath.Join(root, m.File))
		require.NoError(t, err)
		require.Equal(t, 1, strings.Count(string(source), m.Was), "the mutant %q has one place in %s", m.name, m.File)
	}
	if os.Getenv("LIVETABLES_MUTANTS") != "all" {
		return
	}
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			report := campaignOf(t, Options{Writes: 2000, Kills: 40, Mutants: []daemontest.Mutant{m.Mutant}, Postgres: m.postgres, Disk: m.disk})
			require.Positive(t, report.Found, "the mistake was not found")
		})
	}
}
