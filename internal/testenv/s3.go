package testenv

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

const (
	s3Access = "livetables"
	s3Secret = "livetables-tests"
	s3Region = "us-east-1"
)

var s3Image = image{
	name: "versity/versitygw:v1.8.0", port: "7070", url: s3URL,
	opts: []string{"--env", "ROOT_ACCESS_KEY=" + s3Access, "--env", "ROOT_SECRET_KEY=" + s3Secret, "--tmpfs", "/data"},
	args: []string{"posix", "--sidecar", "/tmp", "/data"},
}

func s3URL(address string) string { return "http://" + s3Access + ":" + s3Secret + "@" + address }

// S3 returns the URL of an empty bucket made for this test and removed after it, as the bucket's path on a server of the S3
// protocol whose access key and secret key are the URL's user. The region is us-east-1.
func S3(t testing.TB) string { t.Helper(); return fresh(t, KindS3) }

func findS3() (recipe, error) {
	gateway, ok := filepath.Join(binDir(), "versitygw"), true
	if !exists(gateway) {
		gateway, ok = look("versitygw")
	}
	if !ok {
		return recipe{}, errors.New("there is no versitygw in PATH or " + binDir())
	}
	return recipe{via: gateway, launch: func(in *instance) (string, error) {
		data, err := in.mkdir("data")
		if err != nil {
			return "", err
		}
		meta, err := in.mkdir("meta") // not every file system has extended attributes
		if err != nil {
			return "", err
		}
		port, err := freePort()
		if err != nil {
			return "", err
		}
		address := "127.0.0.1:" + strconv.Itoa(port)
		err = in.start(syscall.SIGKILL, gateway, "--access", s3Access, "--secret", s3Secret, "--region", s3Region,
			"--port", address, "--quiet", "posix", "--sidecar", meta, data)
		if err != nil {
			return "", err
		}
		return s3URL(address), in.ready(pingS3, s3URL(address))
	}}, nil
}

// s3Client makes a client of the server a URL leads to; bucket is its path.
func s3Client(raw string) (client *minio.Client, bucket string, close func(), err error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, "", nil, err
	}
	secret, _ := u.User.Password()
	transport := &http.Transport{}
	client, err = minio.New(u.Host, &minio.Options{Creds: credentials.NewStaticV4(u.User.Username(), secret, ""),
		Secure: u.Scheme == "https", Region: s3Region, Transport: transport, MaxRetries: 1})
	return client, strings.Trim(u.Path, "/"), transport.CloseIdleConnections, err
}

func pingS3(ctx context.Context, raw string) error {
	client, _, closeIdle, err := s3Client(raw)
	if err != nil {
		return err
	}
	defer closeIdle()
	_, err = client.ListBuckets(ctx)
	return err
}

func freshS3(ctx context.Context, raw, name string) (string, dropFunc, error) {
	client, _, closeIdle, err := s3Client(raw)
	if err != nil {
		return "", nil, err
	}
	defer closeIdle()
	bucket := strings.ReplaceAll(name, "_", "-")
	if err := client.MakeBucket(ctx, bucket, minio.MakeBucketOptions{}); err != nil {
		return "", nil, err
	}
	return strings.TrimRight(raw, "/") + "/" + bucket, func(ctx context.Context) error { return dropS3(ctx, raw, bucket) }, nil
}

func dropS3(ctx context.Context, raw, bucket string) error {
	client, _, closeIdle, err := s3Client(raw)
	if err != nil {
		return err
	}
	defer closeIdle()
	for o := range client.ListObjectsIter(ctx, bucket, minio.ListObjectsOptions{Recursive: true}) {
		if o.Err != nil {
			return o.Err
		}
		if err := client.RemoveObject(ctx, bucket, o.Key, minio.RemoveObjectOptions{}); err != nil {
			return err
		}
	}
	for u := range client.ListIncompleteUploads(ctx, bucket, "", true) {
		if u.Err != nil {
			return u.Err
		}
		if err := client.RemoveIncompleteUpload(ctx, bucket, u.Key); err != nil {
			return err
		}
	}
	if err := client.RemoveBucket(ctx, bucket); err != nil {
		return fmt.Errorf("remove bucket %s: %w", bucket, err)
	}
	return nil
}
