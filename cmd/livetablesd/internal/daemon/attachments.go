package daemon

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/livetables/livetables/minidb/blob"
	"github.com/livetables/livetables/minidb/blob/s3"
)

// Attachments are the settings of uploaded files. The zero S3Endpoint keeps their contents in the data directory.
type Attachments struct {
	MaxAttachment int64 `default:"104857600" help:"Largest file that may be uploaded to a column of attachments, in bytes."`
	WorkspaceSize int64 `name:"max-workspace-attachments" default:"10737418240" help:"Size of all attachments of a workspace, 0 for no limit."`

	S3Endpoint  string `name:"s3-endpoint" placeholder:"URL" help:"Service (https://s3.example.com) that speaks the S3 protocol, to keep attachments in a bucket instead of the directory attachments of the data directory. Daemons that share a database need one."`
	S3Bucket    string `name:"s3-bucket" help:"The bucket. It has to exist, and what is under the prefix belongs to this installation alone."`
	S3Region    string `name:"s3-region" help:"Region of the bucket. Default: the service is asked."`
	S3Prefix    string `name:"s3-prefix" help:"Beginning of the keys in the bucket: lower-case letters, digits and underscores."`
	S3KeysFile  string `name:"s3-keys-file" type:"path" placeholder:"FILE" help:"File with the access key and the secret key, on two lines. It must not be readable by everybody."`
	S3AccessKey string `name:"s3-access-key" help:"Access key, where there is no file. It belongs into LIVETABLES_S3_ACCESS_KEY."`
	S3SecretKey string `name:"s3-secret-key" help:"Secret key, where there is no file. It belongs into LIVETABLES_S3_SECRET_KEY."`
}

// check reports all problems of the settings together, and nothing of the keys.
func (a *Attachments) check() error {
	var errs []error
	if a.MaxAttachment < 0 {
		errs = append(errs, errors.New("--max-attachment must not be below zero"))
	}
	if a.WorkspaceSize < 0 {
		errs = append(errs, errors.New("--max-workspace-attachments must not be below zero"))
	}
	keys := a.S3AccessKey != "" || a.S3SecretKey != ""
	switch {
	case a.S3Endpoint == "":
		if a.S3Bucket != "" || a.S3Region != "" || a.S3Prefix != "" || a.S3KeysFile != "" {
			errs = append(errs, errors.New("--s3-bucket, --s3-region, --s3-prefix and --s3-keys-file say nothing without --s3-endpoint"))
		}
	case a.S3Bucket == "":
		errs = append(errs, errors.New("--s3-endpoint needs --s3-bucket"))
	case a.S3KeysFile != "" && keys:
		errs = append(errs, errors.New("--s3-keys-file excludes --s3-access-key and --s3-secret-key"))
	case a.S3KeysFile == "" && (a.S3AccessKey == "" || a.S3SecretKey == ""):
		errs = append(errs, errors.New("--s3-endpoint needs --s3-keys-file, or an access key and a secret key in the environment"))
	}
	return errors.Join(errs...)
}

// keys are the access key and the secret key.
func (a *Attachments) keys() (access, secret string, err error) {
	if a.S3KeysFile == "" {
		return a.S3AccessKey, a.S3SecretKey, nil
	}
	text, err := readSecret(a.S3KeysFile)
	if err != nil {
		return "", "", fmt.Errorf("--s3-keys-file: %w", err)
	}
	access, secret, _ = strings.Cut(strings.TrimRight(string(text), "\r\n"), "\n")
	access, secret = strings.TrimSpace(access), strings.TrimSpace(secret)
	if access == "" || secret == "" || strings.ContainsAny(access+secret, "\r\n\x00") {
		return "", "", fmt.Errorf("--s3-keys-file: %s does not hold two lines", a.S3KeysFile)
	}
	return access, secret, nil
}

// openBlobs opens the place of the contents of attachments.
func (d *Daemon) openBlobs(ctx context.Context) (blob.Store, error) {
	a := &d.config.Attachments
	if a.S3Endpoint == "" && d.shared != nil {
		d.log.WarnContext(ctx, "attachments are kept in the data directory: other daemons on the same database do not find them; --s3-endpoint names a place for all")
	}
	store, end, err := a.open(ctx, d.config.DataDir)
	if err != nil {
		return nil, err
	}
	d.closers = append(d.closers, end)
	return store, nil
}

// open opens the place of the contents of attachments of a data directory; end lets go of it.
func (a *Attachments) open(ctx context.Context, dataDir string) (store blob.Store, end func() error, err error) {
	if a.S3Endpoint == "" {
		store, err = blob.OpenDir(filepath.Join(dataDir, "attachments"))
		return store, func() error { return nil }, err
	}
	access, secret, err := a.keys()
	if err != nil {
		return nil, nil, err
	}
	bucket, err := s3.Open(ctx, s3.Options{Endpoint: a.S3Endpoint, Region: a.S3Region, Bucket: a.S3Bucket, Prefix: a.S3Prefix, AccessKey: access, SecretKey: secret})
	if err != nil {
		return nil, nil, fmt.Errorf("attachments: %w", err)
	}
	return bucket, bucket.Close, nil
}
