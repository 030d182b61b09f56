package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// measureStartup takes the time from the start of livetablesd's process on an empty directory to the first answer of its
// readiness probe, and its memory two seconds later.
func measureStartup(ctx context.Context, b *bench) error {
	if _, err := b.buildDaemon(ctx); err != nil {
		return err
	}
	var times, sizes []float64
	for i := range 2*b.rounds + 1 {
		dir := filepath.Join(b.dir, fmt.Sprintf("startup-%d", i))
		took, kib, err := b.startOnce(ctx, dir)
		if err != nil {
			return err
		}
		if i > 0 { // the first start reads the program from the disk
			times, sizes = append(times, took.Seconds()*1e3), append(sizes, float64(kib)/1024)
		}
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	t, m := spreadOf(times), spreadOf(sizes)
	b.report.add(line{What: "start of livetablesd to ready, empty directory", Target: "T15: < 150 ms", Ours: fmt.Sprintf("%.0f ms", t.Median),
		Notes: fmt.Sprintf("quartiles %.0f to %.0f ms", t.Low, t.High)})
	b.report.add(line{What: "memory of livetablesd, idle", Target: "T16: <= 40 MiB", Ours: fmt.Sprintf("%.1f MiB", m.Median),
		Notes: fmt.Sprintf("quartiles %.1f to %.1f MiB", m.Low, m.High)})
	return nil
}

func (b *bench) startOnce(ctx context.Context, dir string) (took time.Duration, kib int, err error) {
	p, err := b.startDaemon(ctx, dir)
	if err != nil {
		return 0, 0, err
	}
	defer func() {
		if stopErr := p.stop(); err == nil {
			err = stopErr
		}
	}()
	if _, err := p.welcome(); err != nil {
		return 0, 0, err
	}
	for { // the socket listens already, what is behind it may not answer yet
		t := target{address: p.address, requests: [][]byte{request("GET", "/readyz", "", "", nil)}}
		if _, err = t.answer(ctx, 0); err == nil {
			break
		}
		if time.Since(p.began) > 10*time.Second || ctx.Err() != nil {
			return 0, 0, err
		}
	}
	took = time.Since(p.began)
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
	}
	kib, err = residentKiB(p.cmd.Process.Pid)
	return took, kib, err
}
