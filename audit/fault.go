package audit

import "fmt"

// FaultKind says what is wrong with a log.
type FaultKind string

// The kinds of faults.
const (
	Changed   FaultKind = "changed"   // the entry is not what it was written as
	Missing   FaultKind = "missing"   // the entry is gone
	Reordered FaultKind = "reordered" // the entry is in another place
	Inserted  FaultKind = "inserted"  // the entry was never written by the store
	CutTail   FaultKind = "cut_tail"  // the newest entries, from this one on, are gone
	EndLost   FaultKind = "end"       // the store's note of where the chain ends is gone or is not that of any entry
	BadFloor  FaultKind = "floor"     // the store's note of where the log begins is not what the log says of its last cut
	BadHead   FaultKind = "head"      // a signed head is missing, or is not signed by a trusted key
)

// Fault is the first thing that is wrong in the chain of a workspace.
type Fault struct {
	Kind      FaultKind `json:"kind"`
	Workspace string    `json:"workspace_id"`
	// Sequence is the number that the faulty entry has or should have in its chain.
	Sequence int64 `json:"sequence"`
	// Position is where the faulty entry is in the store; for one that is gone, that of the last good entry before it, 0 when
	// there is none.
	Position int64  `json:"position"`
	Detail   string `json:"detail"`
}

// Error implements error.
func (f *Fault) Error() string {
	workspace := "workspace " + f.Workspace
	if f.Workspace == "" {
		workspace = "entries of no workspace"
	}
	return fmt.Sprintf("%s: entry %d (position %d): %s: %s", workspace, f.Sequence, f.Position, f.Kind, f.Detail)
}
