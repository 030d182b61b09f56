package lqp

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAtZone(t *testing.T) {
	lisbon, err := time.LoadLocation("Europe/Lisbon")
	require.NoError(t, err)
	runFunctionTests(t, nil, []functionTest{
		{"at_zone", args(at("2024-02-29T10:20:30.999Z"), txt("Asia/Tokyo")), txt("2024-02-29T19:20:30")},
		{"at_zone", args(at("2024-07-01T00:00:00Z"), txt("America/St_Johns")), txt("2024-06-30T21:30:00")},
		{"at_zone", args(day("2024-02-29"), txt("UTC")), txt("2024-02-29T00:00:00")},
		{"at_zone", args(at("9999-12-31T23:00:00Z"), txt("Asia/Tokyo")), null},
		{"at_zone", args(at("0001-01-01T01:00:00Z"), txt("America/St_Johns")), null},
		{"at_zone", args(null, txt("UTC")), null},
		{"at_zone", args(day("2024-02-29"), txt("Nowhere/City")), null},
		{"at_zone", args(day("2024-02-29"), txt("Local")), null},
		{"at_zone", args(day("2024-02-29"), txt("")), null},
	})
	runFunctionTests(t, lisbon, []functionTest{ // the midnight of the plan's own zone
		{"at_zone", args(day("2024-07-01"), txt("UTC")), txt("2024-06-30T23:00:00")},
	})
}

func TestAtZoneWantsAKnownZone(t *testing.T) {
	f, _ := LookupFunction("at_zone")
	when := Literal(day("2024-02-29"))
	_, problem := f.Check([]Expr{when, Literal(txt("Europe/Berlin"))})
	require.Nil(t, problem)
	for want, zone := range map[string]Expr{
		`argument 2: want the name of a time zone such as Europe/Berlin, got "Europe/Berln"`:  Literal(txt("Europe/Berln")),
		`argument 2: want the name of a time zone such as Europe/Berlin, got "../etc/passwd"`: Literal(txt("../etc/passwd")),
		"argument 2: want a text literal naming a time zone, got an expression":               col(Type{Kind: Text}),
	} {
		_, problem = f.Check([]Expr{when, zone})
		require.EqualError(t, problem, want)
	}
}

// TestAtZoneReadsAZoneOnce keeps the files of zones out of the work of every row.
func TestAtZoneReadsAZoneOnce(t *testing.T) {
	first, ok := namedZone("Asia/Kathmandu")
	require.True(t, ok)
	again, ok := namedZone("Asia/Kathmandu")
	require.True(t, ok)
	require.Same(t, first, again)
	for range 3 {
		_, ok = namedZone("Nowhere/City")
		require.False(t, ok)
	}
	require.NotContains(t, zones.byName, "Nowhere/City")
}
