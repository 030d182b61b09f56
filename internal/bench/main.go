package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/livetables/livetables/internal/testenv"
)

// options are the flags.
type options struct {
	run     string
	rows    int   // the largest of sizes
	sizes   []int // of the mini-DB
	rounds  int
	seconds float64
	json    string
	markup  bool // Markdown
	profile string
	dir     string
	list    bool
	serve   string
}

func main() {
	opt := options{rows: 200_000, sizes: []int{200_000}}
	flag.StringVar(&opt.run, "run", "", "measure only what matches this `regexp` (see -list)")
	only := flag.String("only", "", "measure only what has this `name`, or one that begins with it and a hyphen")
	flag.Func("rows", "`number` of orders, 200000 by default; the targets are meant for 1000000. minidb takes several, with commas between them", opt.setRows)
	flag.IntVar(&opt.rounds, "rounds", 5, "`number` of rounds of every side of a comparison")
	flag.Float64Var(&opt.seconds, "seconds", 2, "`seconds` of a round")
	flag.StringVar(&opt.json, "json", "", "write the figures to this `file` too")
	flag.BoolVar(&opt.markup, "markdown", false, "print the report as Markdown; the figures of the mini-DB as one table")
	flag.StringVar(&opt.profile, "cpuprofile", "", "write CPU profiles of all sides into this `directory`, which costs them some speed")
	flag.StringVar(&opt.dir, "dir", "", "existing `directory` for databases, on the kind of disk to be measured (default: the system's for temporary files)")
	flag.BoolVar(&opt.list, "list", false, "list what can be measured")
	flag.StringVar(&opt.serve, "serve", "", "be the server of that `name` (used by the program itself)")
	flag.Parse()
	if *only != "" {
		opt.run = "^" + regexp.QuoteMeta(*only) + "(-|$)"
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if opt.serve != "" {
		exit(serveChild(ctx, opt.serve))
	}
	exit(measure(ctx, opt))
}

// setRows reads the numbers of rows.
func (o *options) setRows(list string) error {
	o.sizes = nil
	for text := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1000 || n%1000 != 0 {
			return fmt.Errorf("%q is not a number of thousands", text)
		}
		o.sizes = append(o.sizes, n)
	}
	o.rows = slices.Max(o.sizes)
	return nil
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// measurement is one comparison, or a few that share their preparation.
type measurement struct {
	name string
	run  func(ctx context.Context, b *bench) error
}

var measurements = []measurement{
	{"startup", measureStartup},
	{"page", measurePage},
	{"page-by-time", measureTimePage},
	{"join", measureJoin},
	{"get", measureGet},
	measureAdapterPages("MySQL", ordersInMySQL(testenv.KindMySQL)),
	measureAdapterPages("MariaDB", ordersInMySQL(testenv.KindMariaDB)),
	measureAdapterPages("MongoDB", ordersInMongo),
	measureAdapterPages("SQLite", ordersInSQLite),
	{"policy", measurePolicy},
	{"keyset", measureKeyset},
	{"federated", measureFederated},
	{"spill", measureSpill},
	{"compile", measureCompile},
	{"formula", measureFormula},
	{"index", measureIndexes},
	{"sqlite-page", measureSQLitePage},
	{"minidb-sqlite", measureMiniDB(miniSQLite)},
	{"minidb-postgres", measureMiniDB(miniPostgres)},
}

// parts are of those above, for who wants nothing else: they are measured only where -run or -only says something.
var parts = []measurement{
	{"slow-disk", measureSlowDisk},
	{"import-sqlite", measureImports(miniSQLite)},
	{"import-postgres", measureImports(miniPostgres)},
}

// bench is one run of the program: its options, what it has prepared so far and what it has found.
type bench struct {
	options
	report   report
	closers  []func() error // in the order of opening
	profiles int            // started so far

	postgres *postgresData
	world    *world
	daemon   *daemonSide
}

func measure(ctx context.Context, opt options) (err error) {
	pattern, err := regexp.Compile(opt.run)
	if err != nil {
		return err
	}
	list := slices.Clone(measurements)
	if opt.list || opt.run != "" {
		list = append(list, parts...)
	}
	if opt.list {
		for _, m := range list {
			fmt.Println(m.name)
		}
		return nil
	}
	if opt.dir, err = os.MkdirTemp(opt.dir, "livetables-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(opt.dir)
	b := &bench{options: opt}
	defer func() { err = errors.Join(err, b.close()) }()
	b.report.conditions = conditions(opt)
	fmt.Fprintln(os.Stderr, b.report.conditions)
	var failed []error
	for _, m := range list {
		if !pattern.MatchString(m.name) {
			continue
		}
		began, first := time.Now(), len(b.report.lines)
		if err := b.profiled(m.name, func() error { return m.run(ctx, b) }); err != nil {
			// What else can be measured is worth having.
			failed = append(failed, fmt.Errorf("%s: %w", m.name, err))
			fmt.Fprintf(os.Stderr, "bench: %s: %v\n", m.name, err)
		}
		if ctx.Err() != nil {
			break
		}
		fmt.Fprintf(os.Stderr, "%s took %s, load %s\n", m.name, time.Since(began).Round(time.Second), load())
		b.report.print(os.Stderr, first, false)
	}
	b.report.printAll(os.Stdout, opt.markup)
	if opt.json != "" {
		failed = append(failed, b.report.save(opt.json))
	}
	return errors.Join(failed...)
}

// profiled runs f under the profiler, when profiles are asked for.
func (b *bench) profiled(name string, f func() error) (err error) {
	if b.profile == "" {
		return f()
	}
	if err := os.MkdirAll(b.profile, 0o755); err != nil {
		return err
	}
	file, err := os.Create(filepath.Join(b.profile, "bench-"+name+".pprof"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := pprof.StartCPUProfile(file); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	return f()
}

// onClose has something closed at the end of the run.
func (b *bench) onClose(f func() error) { b.closers = append(b.closers, f) }

// freshDatabase makes an empty database on the test server of a kind, which is dropped at the end of the run.
func (b *bench) freshDatabase(ctx context.Context, kind testenv.Kind) (dsn string, err error) {
	dsn, drop, err := testenv.Fresh(ctx, kind)
	if err == nil {
		b.onClose(func() error { return drop(context.WithoutCancel(ctx)) })
	}
	return dsn, err
}

func (b *bench) close() error {
	var errs []error
	for _, f := range slices.Backward(b.closers) {
		errs = append(errs, f())
	}
	return errors.Join(errs...)
}

// conditions say under which circumstances the figures were taken.
func conditions(opt options) string {
	return fmt.Sprintf("%s, %s/%s, %d cores, load %s, %d orders, %d rounds of %.3g s, %s",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), load(), opt.rows, opt.rounds, opt.seconds, time.Now().UTC().Format(time.DateOnly))
}

// load is the machine's load of the last minute, where it can be known.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(text), " ")
	return first
}
