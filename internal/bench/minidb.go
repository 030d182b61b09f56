package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// measureMiniDB compares the mini-DB with statements by hand over a plain table with the same columns and indexes in the same
// kind of database, in two ways: the engine with statements, both in this process; and the daemon with a server by hand, over
// HTTP. Ours authorises, plans, checks, keeps versions and the log, and shares commits.
func measureMiniDB(place func(ctx context.Context, dir string) (*miniPlace, error)) func(ctx context.Context, b *bench) error {
	return measureOfSizes(place, false)
}

// measureImports is the part of measureMiniDB that is about imports.
func measureImports(place func(ctx context.Context, dir string) (*miniPlace, error)) func(ctx context.Context, b *bench) error {
	return measureOfSizes(place, true)
}

func measureOfSizes(place func(ctx context.Context, dir string) (*miniPlace, error), imports bool) func(ctx context.Context, b *bench) error {
	return func(ctx context.Context, b *bench) error {
		for _, rows := range b.sizes {
			if err := b.miniOfSize(ctx, place, rows, imports); err != nil {
				return err
			}
		}
		return nil
	}
}

func (b *bench) miniOfSize(ctx context.Context, place func(ctx context.Context, dir string) (*miniPlace, error), rows int, imports bool) (err error) {
	dir, err := os.MkdirTemp(b.dir, "minidb-")
	if err != nil {
		return err
	}
	p, err := place(ctx, dir)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, p.close(), os.RemoveAll(dir))
		if err != nil {
			err = fmt.Errorf("%s with %d rows: %w", p.name, rows, err)
		}
	}()
	m := &miniBench{bench: b, place: p, rows: rows, imports: imports}
	if m.csv, err = b.wideCSV(rows); err != nil {
		return err
	}
	for _, way := range []struct {
		name string
		run  func(ctx context.Context, m *miniBench, dir string) error
	}{{inProcess, measureInside}, {overHTTP, measureOver}} {
		began := time.Now()
		m.way = way.name
		if failed := way.run(ctx, m, dir); failed != nil { // the other way is worth measuring
			err = errors.Join(err, fmt.Errorf("%s: %w", way.name, failed))
		}
		fmt.Fprintf(os.Stderr, "minidb on %s with %d rows %s took %s\n", p.name, rows, way.name, time.Since(began).Round(time.Second))
	}
	return err
}

// miniBench are the comparisons in one place, of one size and in one way.
type miniBench struct {
	*bench
	place *miniPlace
	rows  int
	csv   string // file with the rows
	way   string
	// imports: nothing else is measured.
	imports bool
}

// what names a figure of the report.
func (m *miniBench) what(text string) string {
	return fmt.Sprintf("%s, %d rows, %s: %s", m.place.name, m.rows, m.way, text)
}

// addRate reports requests per second and their CPU time.
func (m *miniBench) addRate(what, target string, base, ours series, notes string) {
	m.report.addRate(m.what(what), target, base, ours, notes)
	m.addFigure(what+", requests/s", target, base, ours, sample.rate)
}

// addTime reports the time of an operation and its CPU time.
func (m *miniBench) addTime(what, target string, base, ours series, notes string) {
	m.report.addTime(m.what(what), target, base, ours, notes)
	m.addFigure(what+", time", target, base, ours, sample.perOp)
}

func (m *miniBench) addFigure(what, target string, base, ours series, figure func(sample) float64) {
	m.report.addCPU(m.what(what), "", base, ours, "")
	m.report.figures.add(what, target, fmt.Sprintf("%s, %d, %s", m.place.name, m.rows, m.way),
		figureCell{ours.against(base, figure).Median, ours.against(base, sample.cpu).Median})
}

// addMemory reports the peaks of two processes.
func (m *miniBench) addMemory(what string, hand, ours int) {
	m.report.add(line{What: m.what(what + ", peak of the process's memory"), Base: fmt.Sprintf("%d MiB", hand), Ours: fmt.Sprintf("%d MiB", ours)})
}

// compare is bench.compare with shorter rounds: there are many figures.
func (m *miniBench) compare(ctx context.Context, sides ...side) ([]series, error) {
	length := time.Duration(min(m.seconds, 0.4) * float64(time.Second))
	for _, s := range sides {
		if _, err := s.run(ctx, length/2); err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return compareCold(ctx, m.rounds, length, sides...)
}

// times is how often something is done that takes longer with more rows: once for most rows and more.
func (m *miniBench) times(most int) int { return max(1, min(m.rounds, most/m.rows)) }

const (
	mostImported = 50_000
	mostExported = 200_000
	// mostAnswered is up to which size an import is also measured without a job.
	mostAnswered = 100_000
)

// checkDurability tells how both sides wait for the disk, and refuses to compare sides that do so differently.
func (m *miniBench) checkDurability(hand, ours string) error {
	fmt.Fprintf(os.Stderr, "minidb on %s %s, how a write waits for the disk: by hand %s; ours %s\n", m.place.name, m.way, hand, ours)
	m.report.add(line{What: m.what("how a write waits for the disk"), Base: hand, Ours: ours})
	if hand != ours {
		return fmt.Errorf("the sides do not wait alike for the disk: by hand %s, ours %s", hand, ours)
	}
	return nil
}

// writers is how many clients write at the same time.
const writers = 32

// keys is how many rows are got and updated.
const keys = 1000

// number is the n of a row that is got and updated: they are spread over the table.
func (m *miniBench) number(key int) int { return 1 + key*(m.rows/keys) }

// turns gives the clients rows to update, to each its own so that nobody is in anybody's way, with the versions that they
// have if all updates succeed.
type turns struct {
	versions [keys]int64
	at       [writers]int
	total    [writers]int64
}

func newTurns() *turns {
	t := &turns{}
	for i := range t.versions {
		t.versions[i] = 1
	}
	return t
}

// next is the next update of a client: which key, its version, and another total, in hundredths, each time.
func (t *turns) next(client int) (key int, version, total int64) {
	key = t.at[client]%(keys/writers)*writers + client
	t.at[client]++
	version = t.versions[key]
	t.versions[key]++
	t.total[client]++
	return key, version, 10_000_000_00 + t.total[client]
}
