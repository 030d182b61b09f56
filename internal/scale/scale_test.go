package scale

import (
	"encoding/csv"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/testenv"
)

// TestEveryStepIsRight takes all steps with a small table on both stores: each checks what it is answered with.
func TestEveryStepIsRight(t *testing.T) {
	for name, postgres := range map[string]bool{"sqlite": false, "postgres": true} {
		t.Run(name, func(t *testing.T) {
			report, err := Run(t.Context(), Options{Rows: 2_500, Postgres: postgres, Dir: t.TempDir()})
			if missing := (*testenv.MissingError)(nil); errors.As(err, &missing) && !testenv.KindPostgres.Required() {
				t.Skip(err)
			}
			require.NoError(t, err)
			require.Len(t, report.Steps, 18)
			for _, s := range report.Steps {
				require.Positive(t, s.Median, s.Name)
			}
			t.Log(report)
		})
	}
}

// TestFile reads the file back.
func TestFile(t *testing.T) {
	records, err := csv.NewReader(newFile(1_234)).ReadAll()
	require.NoError(t, err)
	require.Len(t, records, 1_235)
	for i, record := range records[1:] {
		require.Len(t, record, 20)
		require.Equal(t, code(i), record[0])
	}
}
