// Package livetables is one engine over the databases you already have and an internal mini-database: the same queries,
// roles, history and live updates whatever holds the data.
//
// An [Engine] is built from pluggable parts: adapters to databases, a store of policies, sinks of audit records and a
// broker of live events. [Engine.As] names who asks and gives the only value with data methods, an [Access]: there is no
// way to data without a principal. Every request runs through the same steps: authorise, rewrite, plan, execute, audit,
// publish.
//
// The engine is safe for use by many goroutines.
package livetables

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"sync"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/internal/exec"
	"github.com/livetables/livetables/internal/indexuse"
	"github.com/livetables/livetables/internal/spill"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/minidb/blob"
	"github.com/livetables/livetables/rbac"
	"github.com/livetables/livetables/realtime"
)

// The four parts an embedder can replace, by their short names.
type (
	// Adapter gives access to one database.
	Adapter = adapter.Adapter
	// PolicyStore says who may see what.
	PolicyStore = rbac.PolicyStore
	// AuditSink consumes committed changes.
	AuditSink = audit.Sink
	// Broker carries live events.
	Broker = realtime.Broker
)

// Options say what an Engine is made of. Only Store is required.
type Options struct {
	// Store is the mini-DB: catalogue, user tables and change log. The engine does not close it.
	Store *minidb.DB
	// Openers open connections to external databases, by driver name. An embedder links only the adapters it names.
	Openers map[string]adapter.Opener
	// Policies decides who may see what; nil uses the members and rules in the catalogue.
	Policies PolicyStore
	// Sinks receive every change after its commit, each at its own pace; the key names the sink's place in the log.
	Sinks map[string]AuditSink
	// Heads receives signed heads of the change log, best to keep them where nobody who can write to the store reaches them;
	// nil leaves them in the store only.
	Heads audit.HeadSink
	// Broker carries live events; nil keeps them in this process.
	Broker Broker
	// Sealer keeps connection secrets and cursors; nil makes cursors with a random key of this process and refuses
	// connections that have a password.
	Sealer Sealer
	// Blobs keeps the contents of attachments and the files of imports that are under way; nil refuses attachment columns, and
	// then no import goes on after a restart. The engine does not close it. It removes what
	// belongs to no attachment and no job of the store: nothing else may be kept there, and several engines share it only with the store.
	Blobs blob.Store
	// Dial opens the network connections of adapters: the place for an address guard. nil refuses every address that is
	// not public.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Ports are the ports of drivers, by name, beside those of postgres (5432), mysql (3306) and mongodb (27017). Connections
	// lead to their driver's port; a guard in Dial lets them to another one only where a rule allows the address.
	Ports map[string]uint16
	// Plain says which hosts may be connected to without TLS; nil allows none. A name that resolves to this machine counts
	// like any other: it is the name that is trusted.
	Plain func(host string, port int) bool
	// Exporters write files in further formats, by the name of the format, which is also the ending of their names.
	Exporters map[Format]Exporter
	// Files is the directory whose SQLite files may be connected to, empty for none.
	Files string
	// SpillDir is the directory for the temporary files of queries that hold more than Limits.ScanBytes; empty for the
	// system's directory for such files. They are encrypted, have no names and are gone with the query.
	SpillDir string
	// Admit is asked whenever a principal is let into a workspace; nil lets everybody in whom the policy does.
	Admit AdmitFunc
	// TrashTime is how long what was deleted can be restored, before Run removes it for good; 0 for 30 days, below 0 without
	// an end.
	TrashTime time.Duration
	// LogTime is how long every entry of the change log is kept at least, whatever the retention policy of its workspace says; 0
	// for 7 days, below 0 for no least time.
	LogTime time.Duration
	// Forget removes what the embedding program keeps of a deleted workspace. It is called while the workspace is purged,
	// perhaps more than once; until it succeeds the workspace counts as not purged. nil when nothing is kept.
	Forget func(ctx context.Context, workspace string) error
	// Readmit gives a principal anew whose job goes on after a restart, or in another process. It is handed what was kept of it
	// (everything but Attributes and Valid) and answers with what it is today; its ID and Scope must be the same. An error that
	// is ErrRevoked ends the job; any other one has it tried again later. nil takes no job up: imports that are under way when
	// the process ends are interrupted. It may be called from many goroutines.
	Readmit func(ctx context.Context, was rbac.Principal) (rbac.Principal, error)
	// Instance names this engine among those that share the store's database, the same after a restart; what one of them
	// alone does (handing changes to a sink, signing heads, purging) is taken up at once by the next engine of that name. Empty
	// for a random name.
	Instance string
	// Clock and Logger default to time.Now and slog.Default.
	Clock  func() time.Time
	Logger *slog.Logger
	Limits Limits
}

// Limits bound what one request may use. A zero field has the default named beside it.
type Limits struct {
	PageRows    int           // rows of a page when the query names no limit: 100
	MaxPageRows int           // rows of a page at most: 1000
	PageBytes   int64         // bytes of a page's values as JSON, after which it ends with the row it is at: 64 MiB
	ScanRows    int64         // rows read from sources for work in memory: 100000
	ScanBytes   int64         // bytes held in memory by one query: 64 MiB
	SpillBytes  int64         // bytes of temporary storage of one query: 1 GiB; below 0 for none
	SpillTotal  int64         // bytes of temporary storage of all queries together: 8 GiB
	QueryTime   time.Duration // wall time of a query: 30 s
	BatchRows   int           // rows of one mutation: 1000
	ImportRows  int           // new rows of one batch of an import: 4000
	SchemaTTL   time.Duration // age at which a discovered schema is read again: 10 min

	AttachmentBytes int64 // bytes of one uploaded file: 100 MiB
	WorkspaceFiles  int64 // bytes of all files of a workspace: 10 GiB; below 0 for no limit

	ArchiveBytes int64 // bytes of the archive of a workspace that is imported: 16 GiB

	Jobs          int           // jobs that run at once in this process: 8
	OwnerJobs     int           // of one owner: 2
	WorkspaceJobs int           // in one workspace: 4
	JobFiles      int64         // bytes of the files that are kept for the imports of a workspace: 4 GiB; below 0 for no limit
	ExportBytes   int64         // bytes of the file of one export: 1 GiB
	Exports       int           // files of exports that are kept for one owner: 5
	ExportTime    time.Duration // time for which the file of an export is kept: 1 h

	SourceReads    int           // reads that run at once at one connection, which has one database connection more than that: 4
	WorkspaceReads int           // reads that run at once at all connections of a workspace: 16
	SourceIdle     time.Duration // time after which a connection that nobody uses is closed: 10 min
	SourcePing     time.Duration // time between two looks at a connection that nobody uses, about: 30 s
}

func (l Limits) withDefaults() Limits {
	set := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	set(&l.PageRows, 100)
	set(&l.MaxPageRows, 1000)
	set(&l.BatchRows, 1000)
	set(&l.ImportRows, 4000)
	if l.PageBytes <= 0 {
		l.PageBytes = 64 << 20
	}
	if l.ScanRows <= 0 {
		l.ScanRows = 100_000
	}
	if l.ScanBytes <= 0 {
		l.ScanBytes = 64 << 20
	}
	if l.SpillBytes == 0 {
		l.SpillBytes = 1 << 30
	}
	if l.SpillTotal <= 0 {
		l.SpillTotal = 8 << 30
	}
	if l.QueryTime <= 0 {
		l.QueryTime = 30 * time.Second
	}
	if l.SchemaTTL <= 0 {
		l.SchemaTTL = 10 * time.Minute
	}
	if l.AttachmentBytes <= 0 {
		l.AttachmentBytes = 100 << 20
	}
	if l.WorkspaceFiles == 0 {
		l.WorkspaceFiles = 10 << 30
	}
	if l.ArchiveBytes <= 0 {
		l.ArchiveBytes = 16 << 30
	}
	set(&l.Jobs, 8)
	set(&l.OwnerJobs, 2)
	set(&l.WorkspaceJobs, 4)
	set(&l.Exports, 5)
	if l.JobFiles == 0 {
		l.JobFiles = 4 << 30
	}
	if l.ExportBytes <= 0 {
		l.ExportBytes = 1 << 30
	}
	if l.ExportTime <= 0 {
		l.ExportTime = time.Hour
	}
	set(&l.SourceReads, 4)
	set(&l.WorkspaceReads, 16)
	if l.SourceIdle <= 0 {
		l.SourceIdle = 10 * time.Minute
	}
	if l.SourcePing <= 0 {
		l.SourcePing = 30 * time.Second
	}
	return l
}

// Sealer keeps secrets: Keys, or what NewSealer makes of a KeyManager. Implementations may be called from many goroutines.
type Sealer interface {
	// Seal encrypts; aad binds the result to its place, and Open needs the same. Sealing and opening fail with
	// ErrKeyManager while keys cannot be had.
	Seal(ctx context.Context, plaintext, aad []byte) ([]byte, error)
	Open(ctx context.Context, sealed, aad []byte) ([]byte, error)
	// Rewrap brings what Seal returned to the present key. What has it already comes back as it is.
	Rewrap(ctx context.Context, sealed, aad []byte) ([]byte, error)
	// Derive gives a 32-byte key for a purpose, always the same one.
	Derive(purpose string) []byte
}

// Engine answers queries and applies changes for principals. Make one with New, let Run own its background work, end it
// with Close.
type Engine struct {
	store     *minidb.DB
	policies  PolicyStore
	broker    Broker
	sinks     map[string]AuditSink
	heads     audit.HeadSink
	sealer    Sealer
	sources   *sources
	cursors   *lqp.CursorKey
	plans     *keptPlans
	turns     turns // to read from the mini-DB
	admit     AdmitFunc
	clock     func() time.Time
	log       *slog.Logger
	limits    Limits
	spill     *spill.Place
	jobs      *jobs
	closing   sync.Once
	forget    func(ctx context.Context, workspace string) error
	exporters map[Format]Exporter
	doomed    chan struct{} // receives something when a workspace was deleted, or something in the trash for good
	instance  string        // the name of this engine among those that share the store's database
	leases    *leases
	keep      time.Duration // time in the trash, below 0 for no end
	cuts      logCuts
	uses      indexuse.Log
	blobs     blob.Store // nil for none
	archives  archives
	readmit   func(ctx context.Context, was rbac.Principal) (rbac.Principal, error)
}

// New builds an engine. It opens nothing and starts nothing; all problems of the options are reported together.
func New(opt Options) (*Engine, error) {
	if err := opt.validate(); err != nil {
		return nil, err
	}
	e := &Engine{
		store: opt.Store, policies: opt.Policies, broker: opt.Broker, sinks: opt.Sinks, heads: opt.Heads, sealer: opt.Sealer,
		admit: opt.Admit, clock: opt.Clock, log: opt.Logger, limits: opt.Limits.withDefaults(),
		blobs: opt.Blobs, forget: opt.Forget, exporters: maps.Clone(opt.Exporters), doomed: make(chan struct{}, 1), keep: opt.TrashTime,
	}
	if e.instance = opt.Instance; e.instance == "" {
		e.instance = minidb.NewID("ins")
	}
	e.leases = &leases{e: e, list: map[string]*minidb.Lease{}}
	if e.clock == nil {
		e.clock = time.Now
	}
	if e.log == nil {
		e.log = slog.Default()
	}
	if e.keep == 0 {
		e.keep = trashTime
	}
	e.cuts.least = opt.LogTime
	if opt.LogTime == 0 {
		e.cuts.least = logTime
	}
	if e.policies == nil {
		e.policies = &cataloguePolicies{store: opt.Store}
	} else {
		e.policies = givenPolicies{opt.Policies, opt.Store}
	}
	if e.broker == nil {
		e.broker = realtime.NewMemory(realtime.MemoryOptions{})
	}
	master := make([]byte, 32)
	if e.sealer != nil {
		master = e.sealer.Derive("cursor")
	} else if _, err := io.ReadFull(rand.Reader, master); err != nil {
		return nil, fmt.Errorf("livetables: cursor key: %w", err)
	}
	e.spill = spill.New(spill.Options{Dir: opt.SpillDir, MaxBytes: e.limits.SpillTotal})
	var err error
	e.plans, e.turns = newKeptPlans(), newTurns(e.store.Readers())
	if e.cursors, err = lqp.NewCursorKey(master); err != nil {
		return nil, fmt.Errorf("livetables: cursor key: %w", err)
	}
	e.jobs, e.readmit = &jobs{dir: opt.SpillDir, limits: &e.limits}, opt.Readmit
	e.sources = newSources(e, opt)
	return e, nil
}

func (o Options) validate() error {
	var errs []error
	if o.Store == nil {
		errs = append(errs, errors.New("livetables: Options.Store is required"))
	}
	for name, open := range o.Openers {
		if name == "" || open == nil {
			errs = append(errs, fmt.Errorf("livetables: Options.Openers[%q] is not usable", name))
		}
	}
	for name, sink := range o.Sinks {
		if name == "" || sink == nil {
			errs = append(errs, fmt.Errorf("livetables: Options.Sinks[%q] is not usable", name))
		}
	}
	return errors.Join(errs...)
}

// Close ends the jobs that run, puts down those that go on later, and closes the connections to external databases. The store
// stays open: it belongs to whoever opened it. Closing twice is harmless.
func (e *Engine) Close() error {
	var err error
	e.closing.Do(func() { err = errors.Join(e.jobs.close(), e.sources.close()) })
	return err
}

// As is the engine in the hands of a principal. Nothing is checked yet: every method of the Access asks the policy of the
// moment it is called.
func (e *Engine) As(p rbac.Principal) *Access { return &Access{e: e, p: p} }

// budget is what one run may use.
func (e *Engine) budget() exec.Options {
	opt := exec.Options{MaxRows: e.limits.ScanRows, MaxBytes: e.limits.ScanBytes}
	if e.limits.SpillBytes > 0 {
		opt.Spill = e.spill.Scratch(e.limits.SpillBytes)
	}
	return opt
}
