// Package daemon puts livetablesd together from the public parts of Live Tables: stores, engine, accounts, HTTP.
package daemon

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"path/filepath"
	"strings"
	"time"
)

// Config are the settings of a daemon. The tags are those of the command line and of its help.
type Config struct {
	Listen  string `default:"127.0.0.1:8080" help:"Address to serve on; port 0 picks a free one."`
	DataDir string `default:"data" type:"path" help:"Directory of the embedded database, the accounts and the key file, and of temporary files. It is created when missing, and belongs to one daemon. Keep a copy of it, key file included."`
	Demo    bool   `help:"On an empty data directory, make a demo account with a sample workspace and print how to look at it."`

	Database Database `embed:""`
	KeysDir  string   `type:"path" placeholder:"DIR" help:"Directory of the key file, or of what is kept in its place with a key manager. Daemons that share a database need the same. Default: the data directory."`
	KMS      KMS      `embed:""`

	PublicURL string `name:"public-url" placeholder:"URL" help:"Where people reach this daemon (https://tables.example.com), for the links in mails. Without it mails say what to send where."`
	Mail      Mail   `embed:"" prefix:"mail-"`
	OIDC      OIDC   `embed:"" prefix:"oidc-"`

	Registration string   `enum:"closed,open" default:"closed" help:"Who may make accounts: instance admins only (closed) or anybody (open)."`
	AllowHost    []string `placeholder:"HOST" help:"Host, address or network (CIDR), perhaps with a port, that database connections may lead to although it is not public, and without TLS. Repeatable."`
	FilesDir     string   `type:"path" placeholder:"DIR" help:"Directory whose SQLite files may be connected to, by every workspace; those in a directory there that is named by a workspace's id, by that workspace alone. Default: none."`
	TrustedProxy []string `placeholder:"CIDR" help:"Network of a reverse proxy whose X-Forwarded-For header is believed. Repeatable."`
	Origin       []string `placeholder:"ORIGIN" help:"Origin (https://app.example.com) whose web pages may use the API and the WebSocket. Repeatable."`

	MaxUpload     int64         `default:"1073741824" help:"Largest file that may be imported."`
	MaxScanRows   int64         `default:"100000" help:"Rows that one query may read for work in memory."`
	MaxScanBytes  int64         `default:"67108864" help:"Memory that one query may hold for joins, sorts and groups."`
	SpillDir      string        `type:"path" placeholder:"DIR" help:"Directory for temporary files of queries that hold more than that; they are encrypted and gone with the query. Default: spill in the data directory."`
	MaxSpillBytes int64         `default:"1073741824" help:"Size of the temporary files of one query, 0 for none; of all together it is eight times that."`
	QueryTimeout  time.Duration `default:"30s" help:"How long a query may run."`
	TrashTime     time.Duration `default:"720h" help:"How long what was deleted can be restored; 0 without an end."`
	LogTime       time.Duration `default:"168h" help:"How long every entry of the change log is kept at least, whatever the owners of its workspace decide."`
	RateLimit     float64       `default:"1000" help:"Requests per second from one client address, one account, one key of a published view; 0 for no limit."`
	Edge          Edge          `embed:""`
	Attachments   Attachments   `embed:""`
	Jobs          Jobs          `embed:""`

	AuditWebhookURL        string        `placeholder:"URL" help:"Also send every audit record to this address (https). --allow-host must name it when it is not public, or has no TLS."`
	AuditWebhookSecretFile string        `type:"path" placeholder:"FILE" help:"File with the secret, of 32 bytes or more, that signs what is sent there. It must not be readable by everybody."`
	AuditHeadsFile         string        `type:"path" placeholder:"FILE" help:"Also append the signed heads of the change log to this file. Best where nobody who can change the database can write."`
	AuditFile              string        `type:"path" placeholder:"FILE" help:"Also append every audit record to this file, as JSON lines."`
	AuditFileBytes         int64         `default:"0" help:"Size at which the audit file is set aside, with the position of its last record as the end of its name; 0 for never."`
	ShutdownGrace          time.Duration `default:"30s" help:"How long requests may take to finish when the daemon is stopped."`

	LogFormat string `enum:"text,json" default:"text" help:"Form of the log on standard error: text or json."`
	LogLevel  string `enum:"debug,info,warn,error" default:"info" help:"Least level that is logged: debug, info, warn or error."`
	// LogOutput is where the log goes for programs that run a daemon inside; nil is standard error.
	LogOutput io.Writer `kong:"-"`
}

// keysDir is the directory of the keys.
func (c *Config) keysDir() string { return cmp.Or(c.KeysDir, c.DataDir) }

// check reports all problems of the settings together.
func (c *Config) check() error {
	var errs []error
	if c.DataDir == "" {
		errs = append(errs, errors.New("--data-dir is empty"))
	}
	for _, setting := range []struct {
		flag string
		ok   bool
	}{
		{"--max-upload", c.MaxUpload > 0}, {"--max-scan-rows", c.MaxScanRows > 0}, {"--max-scan-bytes", c.MaxScanBytes > 0},
		{"--query-timeout", c.QueryTimeout > 0}, {"--trash-time", c.TrashTime >= 0}, {"--log-time", c.LogTime >= 0},
	} {
		if !setting.ok {
			errs = append(errs, fmt.Errorf("%s must be above zero", setting.flag))
		}
	}
	for _, setting := range []struct {
		flag string
		ok   bool
	}{
		{"--max-spill-bytes", c.MaxSpillBytes >= 0}, {"--rate-limit", c.RateLimit >= 0},
		{"--rate-limit-workspace", c.Edge.RateLimitWorkspace >= 0}, {"--shutdown-grace", c.ShutdownGrace >= 0},
	} {
		if !setting.ok {
			errs = append(errs, fmt.Errorf("%s must not be below zero", setting.flag))
		}
	}
	errs = append(errs, c.Database.check(), c.Attachments.check(), c.Jobs.check())
	if _, err := c.proxies(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// checkFilesDir refuses a directory for connections that holds our own databases, or lies among them: whoever may connect to
// files would read everything of everybody. The data directory has to exist.
func (c *Config) checkFilesDir() error {
	if c.FilesDir == "" {
		return nil
	}
	var real [2]string
	for i, dir := range []string{c.FilesDir, c.DataDir} {
		path, err := filepath.Abs(dir)
		if err == nil {
			path, err = filepath.EvalSymlinks(path)
		}
		if err != nil {
			return fmt.Errorf("--files-dir: %w", err)
		}
		real[i] = path
	}
	for _, pair := range [][2]string{{real[0], real[1]}, {real[1], real[0]}} {
		if rel, err := filepath.Rel(pair[0], pair[1]); err != nil || filepath.IsLocal(rel) {
			return errors.New("--files-dir and --data-dir must lie apart: neither may hold the other")
		}
	}
	return nil
}

func (c *Config) proxies() ([]netip.Prefix, error) {
	var list []netip.Prefix
	for _, text := range c.TrustedProxy {
		if !strings.Contains(text, "/") {
			if a, err := netip.ParseAddr(text); err == nil {
				list = append(list, netip.PrefixFrom(a, a.BitLen()))
				continue
			}
		}
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("--trusted-proxy %q is neither an address nor a network", text)
		}
		list = append(list, p)
	}
	return list, nil
}

func (c *Config) logger(w io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.LogLevel)) // the flag's enum has no others; the zero level is info
	opt := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, opt))
	}
	return slog.New(slog.NewTextHandler(w, opt))
}
