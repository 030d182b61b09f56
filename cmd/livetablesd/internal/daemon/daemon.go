package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/mongodb"
	"github.com/livetables/livetables/adapter/mysql"
	"github.com/livetables/livetables/adapter/postgres"
	"github.com/livetables/livetables/adapter/sqlite"
	"github.com/livetables/livetables/cmd/livetablesd/internal/auth"
	"github.com/livetables/livetables/cmd/livetablesd/internal/httpapi"
	"github.com/livetables/livetables/cmd/livetablesd/internal/idempotency"
	"github.com/livetables/livetables/cmd/livetablesd/internal/mail"
	"github.com/livetables/livetables/cmd/livetablesd/internal/metrics"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/minidb/blob"
)

// Daemon is a running instance: its stores are open and its socket listens; Run serves it.
type Daemon struct {
	config   Config
	log      *slog.Logger
	listener net.Listener
	engine   *livetables.Engine
	accounts *auth.Service
	mails    mail.Mailer
	api      *httpapi.Server
	server   *http.Server
	metrics  *metrics.Metrics
	ownStore adapter.Store // of what belongs to the installation and not to a tenant
	shared   *installation // nil without a database that other daemons may share
	once     *idempotency.Store

	admin         *http.Server // nil without --admin-listen
	adminListener net.Listener

	closers []func() error // in the order of opening
}

// Open opens everything a daemon is made of and starts to listen. notices receives what the operator must read: the setup
// token of an instance without accounts, the demo's way in. When Open fails nothing stays open.
func Open(ctx context.Context, config Config, notices io.Writer) (_ *Daemon, err error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	if config.LogOutput == nil {
		config.LogOutput = os.Stderr
	}
	d := &Daemon{config: config, metrics: metrics.New(), log: config.logger(config.LogOutput)}
	slog.SetDefault(d.log)
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close())
		}
	}()
	if err := os.MkdirAll(config.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	if err := config.checkFilesDir(); err != nil {
		return nil, err
	}
	unlock, err := lockDir(config.DataDir)
	if err != nil {
		return nil, err
	}
	d.closers = append(d.closers, unlock)
	// Claimed before anything is read: a second daemon on the same address stops here.
	if d.listener, err = new(net.ListenConfig).Listen(ctx, "tcp", config.Listen); err != nil {
		return nil, fmt.Errorf("listen on %s: %w", config.Listen, err)
	}
	d.closers = append(d.closers, d.closeListener)

	keys, err := d.openKeys(ctx)
	if err != nil {
		return nil, err
	}
	db, err := d.openMiniDB(ctx)
	if err != nil {
		return nil, err
	}
	blobs, err := d.openBlobs(ctx)
	if err != nil {
		return nil, err
	}
	if err := d.openEngine(db, keys.sealer, blobs); err != nil {
		return nil, err
	}
	if d.ownStore == nil {
		if d.ownStore, err = d.openStore(ctx, partAccounts); err != nil {
			return nil, err
		}
	}
	accounts, err := d.openAccounts(ctx, db, keys.sealer)
	if err != nil {
		return nil, err
	}
	d.accounts = accounts
	if d.mails, err = d.mailer(); err != nil {
		return nil, err
	}
	if err := d.openIdempotency(ctx, keys.sealer); err != nil {
		return nil, err
	}
	if err := d.openAPI(db, accounts); err != nil {
		return nil, err
	}
	if err := d.openAdmin(ctx); err != nil {
		return nil, err
	}
	return d, d.welcome(ctx, accounts, notices)
}

func (d *Daemon) openStore(ctx context.Context, part string) (adapter.Store, error) {
	store, err := openStore(ctx, d.config.DataDir, &d.config.Database, part, d.log)
	if err != nil {
		return nil, err
	}
	d.closers = append(d.closers, store.Close)
	return store, nil
}

// openKeys opens the keys. A database that others may share has to know them, or to be new: keys are never made beside
// those that are in use elsewhere.
func (d *Daemon) openKeys(ctx context.Context) (*keyring, error) {
	known := ""
	if d.config.Database.used() {
		var err error
		if d.ownStore, err = d.openStore(ctx, partAccounts); err != nil {
			return nil, err
		}
		if d.shared, err = openInstallation(ctx, d.ownStore, d.config.DataDir); err != nil {
			return nil, err
		}
		if known, err = d.shared.knownPrint(ctx); err != nil {
			return nil, err
		}
	}
	keys, err := openKeys(ctx, d.config.keysDir(), d.config.KMS, known == "")
	if err == nil {
		err = keys.openSealer(ctx)
	}
	if err != nil || d.shared == nil {
		if known != "" && err != nil {
			err = fmt.Errorf("%w (the database has the data of an installation whose keys are in another data directory)", err)
		}
		return keys, err
	}
	if err := d.shared.fits(ctx, keys.sealer, false); err != nil {
		return nil, err
	}
	stop, err := d.shared.start(ctx, func(err error) {
		d.log.WarnContext(ctx, "other daemons may not know that this one is running", "error", err)
	})
	if err != nil {
		return nil, err
	}
	d.closers = append(d.closers, stop)
	return keys, nil
}

func (d *Daemon) openMiniDB(ctx context.Context) (*minidb.DB, error) {
	store, err := d.openStore(ctx, partTenants)
	if err != nil {
		return nil, err
	}
	db, err := minidb.Open(ctx, store, minidb.Options{Logger: d.log})
	if err != nil {
		return nil, err
	}
	d.closers = append(d.closers, db.Close)
	return db, nil
}

func (d *Daemon) openEngine(db *minidb.DB, keys livetables.Sealer, blobs blob.Store) error {
	guard, err := livetables.NewAddressGuard(d.config.AllowHost)
	if err != nil {
		return err
	}
	opt := livetables.Options{
		Store: db, Blobs: blobs, Sealer: keys, Dial: guard.DialContext, Plain: guard.Lists, Admit: httpapi.Admit, Files: d.config.FilesDir, SpillDir: d.config.SpillDir, Exporters: httpapi.Exporters(), Forget: d.forget, Readmit: d.readmit, Logger: d.log,
		Openers: map[string]adapter.Opener{"postgres": postgres.Open, "mysql": mysql.Open, "mongodb": mongodb.Open, "sqlite": sqlite.Open},
		Limits:  livetables.Limits{ScanRows: d.config.MaxScanRows, ScanBytes: d.config.MaxScanBytes, SpillBytes: d.config.MaxSpillBytes, SpillTotal: 8 * d.config.MaxSpillBytes, QueryTime: d.config.QueryTimeout},
	}
	opt.Limits.AttachmentBytes, opt.Limits.WorkspaceFiles = d.config.Attachments.MaxAttachment, d.config.Attachments.WorkspaceSize
	if opt.Limits.WorkspaceFiles == 0 {
		opt.Limits.WorkspaceFiles = -1 // 0 is the engine's default
	}
	d.config.Jobs.apply(&opt.Limits)
	if d.shared != nil {
		opt.Instance = d.shared.instance
	}
	if opt.TrashTime = d.config.TrashTime; opt.TrashTime == 0 {
		opt.TrashTime = -1 // 0 is the engine's default
	}
	if opt.LogTime = d.config.LogTime; opt.LogTime == 0 {
		opt.LogTime = -1 // 0 is the engine's default
	}
	if opt.Limits.SpillBytes == 0 {
		opt.Limits.SpillBytes = -1 // 0 is the engine's default
	}
	if opt.SpillDir == "" {
		opt.SpillDir = filepath.Join(d.config.DataDir, "spill")
	}
	if err := d.openSinks(&opt, guard); err != nil {
		return err
	}
	if d.engine, err = livetables.New(opt); err != nil {
		return err
	}
	d.closers = append(d.closers, d.engine.Close)
	return nil
}

// openAccounts opens the accounts in a store of their own: they belong to the installation, not to a tenant.
func (d *Daemon) openAccounts(ctx context.Context, db *minidb.DB, keys auth.Deriver) (*auth.Service, error) {
	issuer, err := d.config.oidc()
	if err != nil {
		return nil, err
	}
	return auth.Open(ctx, d.ownStore, auth.Options{
		OIDC: issuer, Shared: d.shared != nil,
		Keys: keys, Registration: auth.RegistrationPolicy(d.config.Registration), PublicURL: d.config.PublicURL, Logger: d.log,
		Record: db.TakeOver,
	})
}

func (d *Daemon) openAPI(db *minidb.DB, accounts *auth.Service) error {
	uploads := filepath.Join(d.config.DataDir, "uploads")
	// What an earlier process left there belongs to requests that are gone.
	if err := errors.Join(os.RemoveAll(uploads), os.MkdirAll(uploads, 0o700)); err != nil {
		return fmt.Errorf("upload directory: %w", err)
	}
	proxies, err := d.config.proxies()
	if err != nil {
		return err
	}
	limiter, err := d.openLimiter()
	if err != nil {
		return err
	}
	d.api, err = httpapi.New(httpapi.Options{
		Engine: d.engine, Auth: accounts, Logger: d.log, TrustedProxies: proxies, Origins: d.config.Origin,
		UploadDir: uploads, MaxUpload: d.config.MaxUpload, MaxAttachment: d.config.Attachments.MaxAttachment, Secure: strings.HasPrefix(d.config.PublicURL, "https://"),
		RateLimit: d.config.rates(), Limiter: limiter, Metrics: d.metrics, Idempotency: d.once,
		Ready: func(ctx context.Context) error {
			_, err := db.LastPosition(ctx)
			return err
		},
	})
	if err != nil {
		return err
	}
	d.closers = append(d.closers, d.api.Close)
	d.watch()
	d.server = &http.Server{
		Handler: d.api, ErrorLog: slog.NewLogLogger(d.log.Handler(), slog.LevelWarn),
		ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
	}
	return nil
}

// Address is where the daemon listens.
func (d *Daemon) Address() string { return d.listener.Addr().String() }

// Run serves until ctx ends, then lets requests finish and closes everything. It is called once.
func (d *Daemon) Run(ctx context.Context) error {
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	var relay sync.WaitGroup
	var relayErr error
	relay.Go(func() { relayErr = d.engine.Run(background) })
	var mailErr error
	relay.Go(func() {
		if mailErr = d.accounts.RunMail(background, d.mails); mailErr != nil {
			d.log.Error("no mail is handed over", "error", mailErr)
		}
	})

	var auditErr error
	relay.Go(func() {
		if auditErr = d.accounts.RunAudit(background); auditErr != nil {
			d.log.Error("no audit entry of the accounts is handed over", "error", auditErr)
		}
	})

	relay.Go(func() { d.once.Run(background) })
	stopAdmin := d.serveAdmin()

	served := make(chan error, 1)
	go func() { served <- d.server.Serve(d.listener) }()
	var err error
	select {
	case err = <-served:
	case <-ctx.Done():
		d.log.Info("stopping", "grace", d.config.ShutdownGrace)
		err = d.shutdown()
		if end := <-served; !errors.Is(end, http.ErrServerClosed) { // which Serve answers when it was asked to end
			err = errors.Join(err, end)
		}
	}
	stop()
	relay.Wait()
	return errors.Join(err, stopAdmin(), relayErr, mailErr, auditErr, d.close())
}

// shutdown stops listening, tells sockets to come back elsewhere and waits for requests; those that take too long are cut.
func (d *Daemon) shutdown() error {
	ctx, cancel := context.WithTimeout(context.Background(), d.config.ShutdownGrace)
	defer cancel()
	drained := make(chan error, 1)
	go func() { drained <- d.api.Drain(ctx) }()
	err := d.server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		d.log.Warn("requests did not finish in time and were cut")
		err = d.server.Close()
	}
	if derr := <-drained; derr != nil && !errors.Is(derr, context.DeadlineExceeded) {
		err = errors.Join(err, derr)
	}
	return err
}

func (d *Daemon) closeListener() error {
	if err := d.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// close closes what was opened, last first.
func (d *Daemon) close() error {
	var errs []error
	for i := len(d.closers) - 1; i >= 0; i-- {
		errs = append(errs, d.closers[i]())
	}
	d.closers = nil
	return errors.Join(errs...)
}
