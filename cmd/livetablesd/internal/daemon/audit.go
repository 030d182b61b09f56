package daemon

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/audit/webhook"
)

// openSinks opens where audit records go beside the database: they are the operator's, of all workspaces.
func (d *Daemon) openSinks(opt *livetables.Options, guard *livetables.AddressGuard) error {
	opt.Sinks = map[string]livetables.AuditSink{}
	if d.config.AuditHeadsFile != "" {
		opt.Heads = audit.NewHeadFile(d.config.AuditHeadsFile)
	}
	if d.config.AuditFile != "" {
		sink, err := audit.OpenFile(d.config.AuditFile, audit.FileOptions{MaxBytes: d.config.AuditFileBytes})
		if err != nil {
			return fmt.Errorf("audit file: %w", err)
		}
		d.closers = append(d.closers, sink.Close)
		opt.Sinks["file"] = sink
	}
	if d.config.AuditWebhookURL == "" {
		return nil
	}
	secret, err := readSecret(d.config.AuditWebhookSecretFile)
	if err != nil {
		return fmt.Errorf("--audit-webhook-secret-file: %w", err)
	}
	defer clear(secret)
	sink, err := webhook.New(webhook.Options{URL: d.config.AuditWebhookURL, Secret: secret, Dial: guard.DialContext, Plain: guard.Lists})
	if err != nil {
		return fmt.Errorf("--audit-webhook-url: %w", err)
	}
	d.closers = append(d.closers, sink.Close)
	opt.Sinks["webhook"] = sink
	return nil
}

// readSecret reads a secret from a file that not everybody can read. A line feed at its end is no part of it.
func readSecret(path string) ([]byte, error) {
	if path == "" {
		return nil, errors.New("a file with the secret is needed")
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	const others fs.FileMode = 0o007
	if info.Mode().Perm()&others != 0 {
		return nil, fmt.Errorf("%s can be read by everybody", path)
	}
	data, err := os.ReadFile(path)
	return bytes.TrimRight(data, "\r\n"), err
}
