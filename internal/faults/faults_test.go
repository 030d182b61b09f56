package faults

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/testseed"
)

// TestNothingIsLost is a short campaign. The long ones are "make faults".
func TestNothingIsLost(t *testing.T) {
	report, err := Run(t.Context(), Options{Seed: testseed.Of(t), Cuts: 12, Writes: 60, Dir: t.TempDir()})
	require.NoError(t, err)
	t.Log(report)
	require.Zero(t, report.Found, report)
	require.Equal(t, 12, report.Cuts)
	require.Positive(t, report.Acknowledged)
	require.Positive(t, report.Disk.Failed)
	require.Equal(t, report.Writes, report.Acknowledged+report.Refused+report.Unknown)
}

// TestAStoreThatDoesNotWaitForTheDiskLoses: the campaign finds what such a store is documented to lose.
func TestAStoreThatDoesNotWaitForTheDiskLoses(t *testing.T) {
	report, err := Run(t.Context(), Options{Seed: testseed.Of(t), Cuts: 60, Writes: 60, Relaxed: true, Dir: t.TempDir()})
	require.NoError(t, err)
	require.Positive(t, report.Found, report)
	require.Contains(t, strings.Join(report.Violations, "\n"), "was acknowledged and is lost")
}
