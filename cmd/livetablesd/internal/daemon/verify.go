package daemon

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/audit"
)

// VerifyConfig are the settings of the verification of the change log.
type VerifyConfig struct {
	KeysConfig
	Workspace string   `placeholder:"ID" help:"Verify this workspace only. Default: all, and the entries of no workspace."`
	HeadsFile string   `type:"path" placeholder:"FILE" help:"Signed heads that serve --audit-heads-file kept outside: only with them a tail that was cut off is found for certain."`
	TrustKey  []string `placeholder:"HEX" help:"Public key whose heads are trusted too: one from before the root of derived keys was replaced. Repeatable."`
}

// errTampered is the end of a verification that found something.
var errTampered = errors.New("the change log is not what was written")

// VerifyAudit verifies the change log of a data directory and says on out what it finds: a line for every workspace, with
// the first bad entry where there is one. Then it fails.
func VerifyAudit(ctx context.Context, c VerifyConfig, out io.Writer) (err error) {
	opt := livetables.VerifyOptions{}
	for _, text := range c.TrustKey {
		key, err := hex.DecodeString(text)
		if err != nil || len(key) != ed25519.PublicKeySize {
			return fmt.Errorf("--trust-key %q is no public key", text)
		}
		opt.Keys = append(opt.Keys, key)
	}
	if c.HeadsFile != "" {
		file, err := os.Open(c.HeadsFile)
		if err != nil {
			return fmt.Errorf("--heads-file: %w", err)
		}
		opt.Heads, err = audit.NewestHeads(file)
		if err = errors.Join(err, file.Close()); err != nil {
			return fmt.Errorf("--heads-file: %w", err)
		}
	}
	o, err := openOffline(ctx, &c.KeysConfig, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.Close()) }()
	keys, err := c.open(ctx)
	if err != nil {
		return err
	}
	if err := keys.openSealer(ctx); err != nil {
		return err
	}
	if err := errors.Join(o.fits(ctx, keys, false), o.use(keys)); err != nil {
		return err
	}
	say(out, "signed heads are trusted with the key %x", []byte(o.engine.LogKey()))
	opt.Progress = func(r livetables.LogReport) {
		const every = 100_000
		if r.Entries > 0 && r.Entries%every == 0 {
			say(out, "%s: %d entries so far", nameOf(r.Workspace), r.Entries)
		}
	}
	faults := 0
	found := func(r livetables.LogReport) {
		if r.Fault != nil {
			faults++
			say(out, "BAD %v", r.Fault)
			return
		}
		begins := ""
		if f := r.Floor; f.Sequence > 0 {
			begins = fmt.Sprintf("; cut up to entry %d at %s, whole since %s", f.Sequence, f.CutAt.Format(time.RFC3339), f.Begins.Format(time.RFC3339))
		}
		say(out, "ok %s: %d entries, %d signed heads%s", nameOf(r.Workspace), r.Entries, r.Heads, begins)
	}
	if c.Workspace == "" {
		err = o.engine.VerifyLogs(ctx, opt, found)
	} else {
		var r livetables.LogReport
		if r, err = o.engine.VerifyLog(ctx, c.Workspace, opt); err == nil {
			found(r)
		}
	}
	if err == nil && faults > 0 {
		err = fmt.Errorf("%w: %d workspaces have a bad entry", errTampered, faults)
	}
	return err
}

func nameOf(workspace string) string {
	if workspace == "" {
		return "entries of no workspace"
	}
	return "workspace " + workspace
}
