package minidb

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/livetables/livetables/lqp"
)

// StrayBlobs are those of some keys of blobs that belong to no attachment and to no job that goes on, and never will: they were
// stored before a crash, or their workspace is gone. Keys that are of neither are not among them.
func (db *DB) StrayBlobs(ctx context.Context, keys []string) (stray []string, err error) {
	byWorkspace := map[string][]string{}
	var jobs []string // keys
	for _, key := range keys {
		workspace, id, _ := strings.Cut(key, "/")
		made, ok := idTime(strings.TrimSuffix(id, jobLabels))
		if ok && ValidID(strings.TrimSuffix(id, jobLabels), prefixJob) && ValidID(workspace, prefixWorkspace) && time.Since(made) > GarbageTime {
			jobs = append(jobs, key)
		}
		if ok && ValidID(id, prefixAttachment) && ValidID(workspace, prefixWorkspace) && time.Since(made) > GarbageTime {
			byWorkspace[workspace] = append(byWorkspace[workspace], id)
		}
	}
	err = db.read(ctx, "look for blobs of nobody", func(s session) error {
		for workspace, ids := range byWorkspace {
			for chunk := range slices.Chunk(ids, inChunk) {
				args := []lqp.Value{argText(workspace)}
				for _, id := range chunk {
					args = append(args, argText(id))
				}
				known, err := all(s, func(r record) string { return r.text(0) },
					`SELECT DISTINCT blob FROM lt_attachment WHERE workspace = ? AND blob IN (`+inMarks(len(chunk))+`)`, args...)
				if err != nil {
					return err
				}
				for _, id := range chunk {
					if !slices.Contains(known, id) {
						stray = append(stray, workspace+"/"+id)
					}
				}
			}
		}
		return nil
	})
	if err == nil {
		var left []string
		left, err = db.strayJobs(ctx, jobs)
		stray = append(stray, left...)
	}
	slices.Sort(stray)
	return stray, err
}

// idTime is when an id was made, to the millisecond: the first 48 bits of a UUIDv7 (RFC 9562, section 5.7).
func idTime(id string) (time.Time, bool) {
	_, digits, ok := strings.Cut(id, "_")
	if !ok || len(digits) != idLen {
		return time.Time{}, false
	}
	const timeDigits = 10 // three bits in the first one, five in each of the others
	ms := int64(0)
	for i := range timeDigits {
		at := strings.IndexByte(idDigits, digits[i])
		if at < 0 {
			return time.Time{}, false
		}
		ms = ms<<5 | int64(at)
	}
	return time.UnixMilli(ms), true
}
