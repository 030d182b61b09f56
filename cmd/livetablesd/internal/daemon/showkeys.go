package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"
)

// ShowKeys writes the ids of the keys of a data directory, and how many secrets need each. While a daemon is running the
// secrets are not counted.
func ShowKeys(ctx context.Context, c KeysConfig, out io.Writer) (err error) {
	counts := map[string]int{}
	o, err := openOffline(ctx, &c, true)
	counted := err == nil
	switch {
	case errors.Is(err, errInUse), errors.Is(err, errRunning):
		say(out, "a daemon is running; secrets are not counted")
	case err != nil:
		return err
	default:
		defer func() { err = errors.Join(err, o.Close()) }()
		if counts, err = o.engine.SecretKeys(ctx); err != nil {
			return err
		}
	}
	keys, err := c.open(ctx)
	if err != nil {
		return err
	}
	line := func(id, state string) {
		if counted {
			state += fmt.Sprintf(", %d secrets", counts[id])
		}
		delete(counts, id)
		say(out, "key %s: %s", id, state)
	}
	if keys.manager != nil {
		id, err := keys.manager.KeyID(ctx)
		if err != nil {
			return err
		}
		line(id, "of the key manager, present")
	}
	if keys.file != nil {
		for _, key := range keys.file.List() {
			state := "old"
			if key.Present && keys.manager == nil {
				state = "present"
			}
			if !key.Created.IsZero() {
				state += ", of " + key.Created.Format(time.DateOnly)
			}
			line(key.ID, state)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(counts)) {
		line(id, "not in a file here")
	}
	return nil
}
