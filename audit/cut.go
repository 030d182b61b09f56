package audit

import "time"

// CutAction is the action of the entry that tells of a cut: that the beginning of a workspace's log was removed, as its
// retention policy says. Its After is a LogCut.
const CutAction = "log.cut"

// LogCut is what the entry of a cut says.
type LogCut struct {
	// Chain is the last entry that was cut: its number and its hash, which the first entry that is left names too.
	Chain Cut `json:"chain"`
	// Entries is how many were cut since the cut before.
	Entries int64 `json:"entries"`
	// Begins is the time from which on the log is whole: no entry that was cut is of it or later.
	Begins time.Time `json:"begins"`
}
