package livetables

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"time"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// Timing of signed heads.
const (
	headInterval = 10 * time.Minute
	headsAtOnce  = 200
	headsAtEnd   = 5 * time.Second // for those of a process that ends
)

// headKey signs heads; nil without a Sealer. It is derived, so that nothing in the store gives it away.
func (e *Engine) headKey() ed25519.PrivateKey {
	if e.sealer == nil {
		return nil
	}
	return ed25519.NewKeyFromSeed(e.sealer.Derive("audit heads"))
}

// LogKey is the public key of the heads that the engine signs, nil without a Sealer. It changes when the root of derived
// keys does; VerifyOptions.Keys takes the ones from before.
func (e *Engine) LogKey() ed25519.PublicKey {
	key := e.headKey()
	if key == nil {
		return nil
	}
	public, _ := key.Public().(ed25519.PublicKey)
	return public
}

// SignHeads signs where every chain ends that has grown since its last head, hands the heads to Options.Heads and then
// keeps them in the store. Run does so every ten minutes and at its end. Without a Sealer it does nothing.
func (e *Engine) SignHeads(ctx context.Context) error {
	key := e.headKey()
	if key == nil {
		return nil
	}
	after := ""
	for first := true; ; first = false {
		chains, err := e.store.Chains(ctx, after, first, true, headsAtOnce)
		if err != nil {
			return fmt.Errorf("sign heads: %w", err)
		}
		if len(chains) == 0 {
			return nil
		}
		heads := make([]audit.Head, len(chains))
		for i, c := range chains {
			heads[i] = e.headOf(c, key)
		}
		if e.heads != nil { // first: what the store calls signed is outside too
			if err := e.heads.WriteHeads(ctx, heads); err != nil {
				return fmt.Errorf("hand over signed heads: %w", err)
			}
		}
		if err := e.store.AddHeads(ctx, heads); err != nil {
			return fmt.Errorf("sign heads: %w", err)
		}
		if len(chains) < headsAtOnce {
			return nil
		}
		after = chains[len(chains)-1].Workspace
	}
}

func (e *Engine) headOf(c minidb.ChainEnd, key ed25519.PrivateKey) audit.Head {
	h := audit.Head{Workspace: c.Workspace, Sequence: c.Sequence, Hash: c.Hash, At: e.clock().UTC().Truncate(time.Millisecond)}
	if key != nil {
		h.Sign(key)
	}
	return h
}

// signHeads signs heads until ctx ends, and once more then.
func (e *Engine) signHeads(ctx context.Context) {
	for {
		going := sleep(ctx, headInterval)
		now, cancel := ctx, context.CancelFunc(func() {})
		if !going {
			now, cancel = context.WithTimeout(context.WithoutCancel(ctx), headsAtEnd)
		}
		var err error
		if e.leases.of(leaseHeads).Mine() {
			err = e.SignHeads(now)
		}
		cancel()
		if err != nil {
			e.log.ErrorContext(ctx, "heads of the change log were not signed; it will be tried again", "error", err)
		}
		if !going {
			return
		}
	}
}

// LogHead says where the workspace's log ends now, signed when the engine has a Sealer. Kept outside, it proves later that
// nothing up to it was changed or taken away. It is for those who may read the audit log, and tells nothing of its content.
func (a *Access) LogHead(ctx context.Context, workspace string) (audit.Head, error) {
	s, err := a.enter(ctx, workspace, rbac.ReadAudit)
	if err != nil {
		return audit.Head{}, err
	}
	end, err := a.e.store.ChainEnd(ctx, s.Workspace.ID)
	if err != nil {
		return audit.Head{}, fmt.Errorf("head of the log: %w", err)
	}
	return a.e.headOf(end, a.e.headKey()), nil
}
