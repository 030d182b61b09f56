package livetables

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/minidb"
)

// VerifyOptions say what a log is verified against. The zero value is usable.
type VerifyOptions struct {
	// Keys are public keys, beside that of the engine's Sealer, whose signed heads are trusted: those of earlier roots of
	// derived keys. A head that is signed by none of them is a fault.
	Keys []ed25519.PublicKey
	// Heads are signed heads that were kept outside the store. The newest one of a workspace says as much as all of them.
	Heads []audit.Head
	// Progress is called after every page of entries, from the goroutine that called; nil is not called.
	Progress func(LogReport)
}

// LogReport is how far the verification of one workspace's log has come.
type LogReport struct {
	Workspace string // "" for the entries of no workspace
	Entries   int64  // entries that were found to be right
	Heads     int64  // signed heads that were found to be right
	Hash      []byte // of the last entry that is right
	// Floor is where the log begins; its Sequence is 0 when nothing of it was ever cut.
	Floor minidb.Floor
	// Fault is the first thing that is wrong, nil when nothing is.
	Fault *audit.Fault
}

// verifyPage is how many entries are in memory at once, and lie between two calls of Progress.
const verifyPage = 500

// VerifyLog reads the log of a workspace, or with "" the entries of no workspace, and looks whether every entry is what it
// was written as, in its place, and whether the log ends where it should. It may run beside writers. The error says that
// the log could not be read; what is wrong with it is the report's Fault. It belongs to the operator of an installation and
// asks no policy.
func (e *Engine) VerifyLog(ctx context.Context, workspace string, opt VerifyOptions) (LogReport, error) {
	v := e.verifier(workspace, opt)
	if err := v.run(ctx); err != nil {
		return v.report, fmt.Errorf("verify log: %w", err)
	}
	return v.report, nil
}

// VerifyLogs verifies the logs of all workspaces and of no workspace; found is called for each when it is done. It goes on
// after a fault.
func (e *Engine) VerifyLogs(ctx context.Context, opt VerifyOptions, found func(LogReport)) error {
	unseen := make(map[string]audit.Head, len(opt.Heads))
	for _, h := range opt.Heads {
		unseen[h.Workspace] = h
	}
	const page = 500
	after := ""
	for first := true; ; first = false {
		chains, err := e.store.Chains(ctx, after, first, false, page)
		if err != nil {
			return fmt.Errorf("verify logs: %w", err)
		}
		for _, c := range chains {
			report, err := e.VerifyLog(ctx, c.Workspace, opt)
			if err != nil {
				return err
			}
			found(report)
			delete(unseen, c.Workspace)
			after = c.Workspace
		}
		if len(chains) < page {
			break
		}
	}
	for workspace, head := range unseen {
		gone, err := e.goneSince(ctx, head)
		if err != nil {
			return fmt.Errorf("verify logs: %w", err)
		}
		if head.Sequence > 0 && !gone {
			found(LogReport{Workspace: workspace, Fault: &audit.Fault{Kind: audit.CutTail, Workspace: workspace, Sequence: 1,
				Detail: "a head outside the store names the workspace, and neither its log nor its deletion is in the store"}})
		}
	}
	return nil
}

// verifier reads one chain.
type verifier struct {
	e       *Engine
	opt     VerifyOptions
	trusted []ed25519.PublicKey
	report  LogReport
	working []byte

	sequence, position int64        // of the last entry that is right
	heads              []audit.Head // those of the store that come next
	headsFrom          int64        // the last of them that was read
	headsRead          bool         // there are no more
	told               audit.LogCut // what the newest entry about a cut says
	// until, when not nil, is asked of each entry above the floor whether to stop before it.
	until func(*audit.Entry) bool
}

func (e *Engine) verifier(workspace string, opt VerifyOptions) *verifier {
	v := &verifier{e: e, opt: opt, report: LogReport{Workspace: workspace}, trusted: slices.Clone(opt.Keys)}
	v.opt.Heads = slices.DeleteFunc(slices.Clone(opt.Heads), func(h audit.Head) bool { return h.Workspace != workspace })
	if key := e.headKey(); key != nil {
		v.trusted = append(v.trusted, key.Public().(ed25519.PublicKey))
	}
	return v
}

func (v *verifier) fault(kind audit.FaultKind, sequence, position int64, detail string) {
	v.report.Fault = &audit.Fault{Kind: kind, Workspace: v.report.Workspace, Sequence: sequence, Position: position, Detail: detail}
}

func (v *verifier) run(ctx context.Context) error {
	for {
		page, end, last, err := v.e.store.ChainedPage(ctx, v.report.Workspace, v.position, verifyPage)
		if err != nil {
			return err
		}
		v.report.Floor = end.Floor
		for i := range page {
			if end.Sequence == 0 {
				v.fault(audit.EndLost, 0, 0, "the store does not say where the chain ends")
				return nil
			}
			if v.until != nil && page[i].Position > end.Floor.Position && v.until(&page[i]) {
				return nil
			}
			if err := v.entry(ctx, &page[i], end.Sequence); err != nil || v.report.Fault != nil {
				return err
			}
		}
		if v.opt.Progress != nil {
			v.opt.Progress(v.report)
		}
		if !last {
			continue
		}
		if v.sequence < end.Floor.Sequence {
			if err := v.anchor(ctx); err != nil || v.report.Fault != nil {
				return err
			}
		}
		switch {
		case end.Sequence > v.sequence:
			v.fault(audit.CutTail, v.sequence+1, v.position, fmt.Sprintf("the chain has %d entries and was %d long", v.sequence, end.Sequence))
		case !bytes.Equal(end.Hash, v.report.Hash):
			v.fault(audit.Changed, v.sequence, v.position, "the last entry is not the one that the chain ended with")
		case !v.floorTold():
		case end.LastHead > v.sequence:
			v.fault(audit.CutTail, v.sequence+1, v.position, fmt.Sprintf("a signed head is of entry %d", end.LastHead))
		case end.LastHead != end.Signed:
			v.fault(audit.BadHead, end.Signed, v.position, fmt.Sprintf("the last signed head should be of entry %d and is of %d", end.Signed, end.LastHead))
		default:
			v.outside()
		}
		return nil
	}
}

// entry looks at one entry; end is the number of the last one.
func (v *verifier) entry(ctx context.Context, e *audit.Entry, end int64) error {
	if v.sequence < v.report.Floor.Sequence {
		if e.Position <= v.report.Floor.Position {
			return v.below(ctx, e)
		}
		if err := v.anchor(ctx); err != nil || v.report.Fault != nil {
			return err
		}
	}
	var digest []byte
	digest, v.working = audit.Digest(e, v.working)
	intact := bytes.Equal(digest, e.Chain.Hash)
	if !intact || v.sequence >= end || e.Chain.Sequence != v.sequence+1 || !bytes.Equal(e.Chain.Prev, v.report.Hash) {
		return v.diagnose(ctx, e, intact, end)
	}
	if err := v.signed(ctx, e); err != nil || v.report.Fault != nil {
		return err
	}
	if v.tells(e); v.faulty() {
		return nil
	}
	v.sequence, v.position, v.report.Hash = e.Chain.Sequence, e.Position, e.Chain.Hash
	v.report.Entries++
	return nil
}

// faulty reports whether a fault was found, which ends the verification without an error.
func (v *verifier) faulty() bool { return v.report.Fault != nil }

// signed compares an entry that is right with all heads of it.
func (v *verifier) signed(ctx context.Context, e *audit.Entry) error {
	if err := v.head(ctx, e); err != nil || v.report.Fault != nil {
		return err
	}
	for i := range v.opt.Heads {
		if h := &v.opt.Heads[i]; h.Sequence == e.Chain.Sequence {
			if v.compare(h, e.Chain.Sequence, e.Position, e.Chain.Hash); v.faulty() {
				return nil
			}
		}
	}
	return nil
}

// diagnose says what is wrong where an entry does not follow the one before it.
func (v *verifier) diagnose(ctx context.Context, e *audit.Entry, intact bool, end int64) error {
	next := v.sequence + 1
	claims, err := v.e.store.Linked(ctx, v.report.Workspace, next)
	if err != nil {
		return err
	}
	others := slices.ContainsFunc(claims, func(p int64) bool { return p != e.Position })
	same, err := v.e.store.Linked(ctx, v.report.Workspace, e.Chain.Sequence)
	if err != nil {
		return err
	}
	relinked := *e
	relinked.Chain = &audit.Link{Sequence: next, Salt: e.Chain.Salt, Prev: v.report.Hash}
	var digest []byte
	digest, v.working = audit.Digest(&relinked, v.working)
	switch {
	case v.sequence >= end:
		v.fault(audit.Inserted, next, e.Position, "it comes after the end of the chain")
	case bytes.Equal(digest, e.Chain.Hash):
		v.fault(audit.Changed, next, e.Position, "its place in the chain is not what it was written with")
	case e.Chain.Sequence == next && others:
		v.fault(audit.Inserted, next, e.Position, "another entry has its number too")
	case e.Chain.Sequence == next && intact && v.sequence > 0:
		v.fault(audit.Changed, v.sequence, v.position, "the entry after it was written after another one")
	case e.Chain.Sequence == next:
		v.fault(audit.Changed, next, e.Position, "it does not have the hash that it was written with")
	case others && e.Chain.Sequence > next && e.Chain.Sequence <= end && len(same) < 2:
		v.fault(audit.Reordered, next, claims[0], fmt.Sprintf("entry %d stands before it", e.Chain.Sequence))
	case others || e.Chain.Sequence <= v.sequence:
		v.fault(audit.Inserted, next, e.Position, fmt.Sprintf("its number is %d", e.Chain.Sequence))
	default:
		v.fault(audit.Missing, next, v.position, fmt.Sprintf("entry %d follows", e.Chain.Sequence))
	}
	return nil
}

// head compares an entry that is right with the head of it that the store has, if it has one.
func (v *verifier) head(ctx context.Context, e *audit.Entry) error {
	if len(v.heads) == 0 && !v.headsRead {
		var err error
		if v.heads, err = v.e.store.Heads(ctx, v.report.Workspace, v.headsFrom, verifyPage); err != nil {
			return err
		}
		if v.headsRead = len(v.heads) < verifyPage; !v.headsRead {
			v.headsFrom = v.heads[verifyPage-1].Sequence
		}
	}
	if len(v.heads) == 0 || v.heads[0].Sequence > e.Chain.Sequence {
		return nil
	}
	h := v.heads[0]
	v.heads = v.heads[1:]
	v.compare(&h, e.Chain.Sequence, e.Position, e.Chain.Hash)
	return nil
}

// compare holds a head against the entry that it names.
func (v *verifier) compare(h *audit.Head, sequence, position int64, hash []byte) {
	trusted := slices.ContainsFunc(v.trusted, func(k ed25519.PublicKey) bool { return k.Equal(h.PublicKey) })
	switch {
	case !trusted && v.until != nil: // nothing is asked of keys that only the operator knows of
	case !trusted:
		v.fault(audit.BadHead, h.Sequence, position, fmt.Sprintf("its head is signed with the key %x, which is not trusted", []byte(h.PublicKey)))
	case !h.Signed() || h.Workspace != v.report.Workspace || h.Sequence != sequence:
		v.fault(audit.BadHead, h.Sequence, position, "the signature of its head is wrong")
	case !bytes.Equal(h.Hash, hash):
		v.fault(audit.Changed, sequence, position, "its hash is not the one in its signed head: it, or one before it, was written anew")
	default:
		v.report.Heads++
	}
}

// outside looks for heads from outside the store that are beyond the chain's end: the tail was cut, together with all that
// the store knew of it.
func (v *verifier) outside() {
	for i := range v.opt.Heads {
		if h := &v.opt.Heads[i]; h.Sequence > v.sequence {
			v.fault(audit.CutTail, v.sequence+1, v.position, fmt.Sprintf("a head outside the store is of entry %d", h.Sequence))
			return
		}
	}
}

// goneSince reports whether the workspace of a head was deleted after it, as an entry of no workspace tells.
func (e *Engine) goneSince(ctx context.Context, h audit.Head) (bool, error) {
	deleted, err := e.store.History(ctx, minidb.HistoryQuery{Action: audit.DeleteAction, ResourceType: "workspace", Resource: h.Workspace, Limit: 1})
	if err != nil || len(deleted) == 0 {
		return false, err
	}
	var after struct {
		Chain audit.Cut `json:"chain"`
	}
	readable := json.Unmarshal(deleted[0].After, &after) == nil // or it was written before there were chains
	return readable && after.Chain.Sequence >= h.Sequence, nil
}
