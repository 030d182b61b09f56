// Package s3 keeps the contents of attachments in a bucket of a service that speaks the S3 protocol.
package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/livetables/livetables/minidb/blob"
)

// Options name a bucket. Endpoint, Bucket, AccessKey and SecretKey are required.
type Options struct {
	// Endpoint is the service's URL without a path, "https://s3.example.com". A plain http one is for networks that nobody
	// else is in: what is stored is readable on the way.
	Endpoint string
	// Region is the bucket's region; empty asks the service.
	Region string
	// Bucket has to exist. Prefix, if not empty, is put before every key, with a slash in between.
	Bucket, Prefix string
	// AccessKey and SecretKey sign the requests. They are in no error and no log.
	AccessKey, SecretKey string
	// Transport carries the requests; nil is one with the time limits of this package, without a proxy.
	Transport http.RoundTripper
}

// Store is a bucket. It keeps no state but idle connections.
type Store struct {
	client *minio.Client
	bucket string
	prefix string
	idle   interface{ CloseIdleConnections() }
}

var _ blob.Store = (*Store)(nil)

// answerTime is how long the service may take to begin an answer.
const answerTime = 30 * time.Second

// Open makes a store of a bucket and looks whether it is there.
func Open(ctx context.Context, opt Options) (*Store, error) {
	u, err := url.Parse(opt.Endpoint)
	if err != nil || u.Host == "" || u.User != nil || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, errors.New("open bucket: the endpoint must be https://host[:port]")
	}
	if opt.Bucket == "" || opt.AccessKey == "" || opt.SecretKey == "" {
		return nil, errors.New("open bucket: bucket, access key and secret key are needed")
	}
	if opt.Prefix != "" {
		if err := blob.CheckKey(opt.Prefix); err != nil {
			return nil, fmt.Errorf("open bucket: prefix: %w", err)
		}
		opt.Prefix += "/"
	}
	s := &Store{bucket: opt.Bucket, prefix: opt.Prefix}
	if opt.Transport == nil {
		t := &http.Transport{Proxy: nil, ResponseHeaderTimeout: answerTime, TLSHandshakeTimeout: 10 * time.Second,
			MaxIdleConnsPerHost: 16, IdleConnTimeout: time.Minute, DisableCompression: true}
		opt.Transport, s.idle = t, t
	}
	s.client, err = minio.New(u.Host, &minio.Options{
		Creds: credentials.NewStaticV4(opt.AccessKey, opt.SecretKey, ""), Secure: u.Scheme == "https", Region: opt.Region, Transport: opt.Transport,
		MaxRetries: 4,
	})
	if err != nil {
		return nil, fmt.Errorf("open bucket: %w", err)
	}
	there, err := s.client.BucketExists(ctx, s.bucket)
	if err == nil && !there {
		err = errors.New("it does not exist")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open bucket %s: %w", s.bucket, err), s.Close())
	}
	return s, nil
}

// Close ends idle connections. The store must not be in use.
func (s *Store) Close() error {
	if s.idle != nil {
		s.idle.CloseIdleConnections()
	}
	return nil
}

// partBytes is the size of the parts in which large blobs are sent, of which one is in memory.
const partBytes = 16 << 20

// Put implements [blob.Store]. A blob whose sending fails is not in the bucket; parts of it that the service keeps for a while
// are its to clear away, which a life-cycle rule for unfinished uploads does.
func (s *Store) Put(ctx context.Context, key string, r io.Reader, size int64) error {
	if err := blob.CheckKey(key); err != nil {
		return err
	}
	if size < 0 {
		return errors.New("put blob: its size is not known")
	}
	in := &whole{r: blob.Exactly(r, size)}
	_, err := s.client.PutObject(ctx, s.bucket, s.prefix+key, in, size, minio.PutObjectOptions{
		ContentType: "application/octet-stream", PartSize: partBytes, DisableContentSha256: false})
	if err == nil {
		err = in.end() // the client reads no further than it was told
		if err != nil {
			err = errors.Join(err, s.Delete(ctx, key))
		}
	}
	if err != nil {
		if in.err != nil && !errors.Is(in.err, io.EOF) {
			err = in.err // what the client makes of it is no cause
		}
		return fmt.Errorf("put blob: %w", err)
	}
	return nil
}

// whole sees whether a content was read to its end.
type whole struct {
	r   io.Reader
	err error
}

// Read implements io.Reader.
func (w *whole) Read(p []byte) (n int, err error) {
	if w.err != nil {
		return 0, w.err
	}
	n, w.err = w.r.Read(p)
	return n, w.err
}

func (w *whole) end() error {
	if _, err := w.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// Open implements [blob.Store].
func (s *Store) Open(ctx context.Context, key string, from, n int64) (io.ReadCloser, error) {
	if err := blob.CheckKey(key); err != nil {
		return nil, err
	}
	if n == 0 {
		_, err := s.client.StatObject(ctx, s.bucket, s.prefix+key, minio.StatObjectOptions{})
		return http.NoBody, translate("open blob", key, err)
	}
	var opt minio.GetObjectOptions
	if from > 0 || n > 0 {
		end := int64(0) // to the end, for SetRange
		if n > 0 {
			end = from + n - 1
		}
		if err := opt.SetRange(from, end); err != nil {
			return nil, fmt.Errorf("open blob: %w", err)
		}
	}
	body, _, _, err := (&minio.Core{Client: s.client}).GetObject(ctx, s.bucket, s.prefix+key, opt)
	if err != nil {
		if minio.ToErrorResponse(err).Code == minio.InvalidRange { // it begins behind the end
			return http.NoBody, nil
		}
		return nil, translate("open blob", key, err)
	}
	return body, nil
}

func translate(op, key string, err error) error {
	switch {
	case err == nil:
		return nil
	case minio.ToErrorResponse(err).StatusCode == http.StatusNotFound:
		return fmt.Errorf("%s: %w", key, blob.ErrNotFound)
	}
	return fmt.Errorf("%s: %w", op, err)
}

// Delete implements [blob.Store].
func (s *Store) Delete(ctx context.Context, keys ...string) error {
	for _, key := range keys {
		if err := blob.CheckKey(key); err != nil {
			return err
		}
	}
	objects := make(chan minio.ObjectInfo, len(keys))
	for _, key := range keys {
		objects <- minio.ObjectInfo{Key: s.prefix + key}
	}
	close(objects)
	var errs []error
	for e := range s.client.RemoveObjects(ctx, s.bucket, objects, minio.RemoveObjectsOptions{}) {
		if err := translate("delete blob", e.ObjectName, e.Err); !errors.Is(err, blob.ErrNotFound) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// List implements [blob.Store].
func (s *Store) List(ctx context.Context, prefix, after string, limit int) ([]string, error) {
	ctx, cancel := context.WithCancel(ctx) // which ends the listing
	defer cancel()
	opt := minio.ListObjectsOptions{Prefix: s.prefix + prefix, Recursive: true, MaxKeys: min(limit, 1000)}
	if after != "" {
		opt.StartAfter = s.prefix + after
	}
	var keys []string
	for o := range s.client.ListObjectsIter(ctx, s.bucket, opt) {
		if o.Err != nil {
			return nil, fmt.Errorf("list blobs: %w", o.Err)
		}
		if keys = append(keys, o.Key[len(s.prefix):]); len(keys) == limit {
			break
		}
	}
	return keys, nil
}
