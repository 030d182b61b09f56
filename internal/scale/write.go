package scale

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// writes changes rows one by one and a thousand at once.
func (r *run) writes(ctx context.Context) error {
	p, err := r.list(ctx, "limit", "1000", "sort", "-Code")
	if err != nil {
		return err
	}
	if r.before, err = r.newest(ctx); err != nil {
		return err
	}
	times := min(5*often, len(p.Data))
	if err := r.often("update a row, with its version", times, func(i int) error {
		return r.client.Must(ctx, http.MethodPatch, r.table+"/rows/"+p.Data[i].ID,
			map[string]any{"version": p.Data[i].Version, "fields": map[string]any{"T1": "changed " + strconv.Itoa(i)}}, nil)
	}); err != nil {
		return err
	}
	if err := r.often("insert a row", times, func(int) error {
		r.added++
		return r.client.Must(ctx, http.MethodPost, r.table+"/rows", map[string]any{"fields": map[string]any{"Code": code(r.rows + r.added - 1), "T1": "new"}}, nil)
	}); err != nil {
		return err
	}
	var rows []map[string]any
	for i, row := range p.Data {
		rows = append(rows, map[string]any{"id": row.ID, "fields": map[string]any{"T2": "bulk " + strconv.Itoa(i)}})
	}
	return r.once("update rows in one request", func() (string, error) {
		return strconv.Itoa(len(rows)) + " rows", r.client.Must(ctx, http.MethodPost, r.table+"/rows/bulk", map[string]any{"op": "update", "rows": rows}, nil)
	})
}

// exports writes the whole table out in each form.
func (r *run) exports(ctx context.Context) error {
	all := r.rows + r.added
	for _, form := range []struct {
		name  string
		lines int // that the file has; 0 where it has none
	}{{"csv", all + 1}, {"ndjson", all}, {"parquet", 0}} {
		if err := r.once("export as "+form.name, func() (note string, err error) {
			err = r.stream(ctx, http.MethodGet, r.table+"/export."+form.name, "", nil, func(body io.Reader) error {
				lines, size, err := count(body)
				if err == nil && form.lines > 0 && lines != form.lines {
					err = fmt.Errorf("%d lines came, want %d", lines, form.lines)
				}
				note = strconv.FormatInt(size>>20, 10) + " MiB"
				return err
			})
			return note, err
		}); err != nil {
			return err
		}
	}
	return nil
}

// count is how many lines and bytes there are.
func count(r io.Reader) (lines int, size int64, err error) {
	in := bufio.NewReaderSize(r, 1<<16)
	for {
		text, err := in.ReadSlice('\n')
		size += int64(len(text))
		switch {
		case err == nil:
			lines++
		case errors.Is(err, io.EOF):
			return lines, size, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return lines, size, err
		}
	}
}
