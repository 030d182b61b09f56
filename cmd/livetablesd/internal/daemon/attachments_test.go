package daemon

import (
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/testenv"
)

func TestAttachmentSettings(t *testing.T) {
	const endpoint = "https://s3.example.com"
	for name, c := range map[string]struct {
		a    Attachments
		want string
	}{
		"a directory":         {Attachments{}, ""},
		"a bucket":            {Attachments{S3Endpoint: endpoint, S3Bucket: "b", S3KeysFile: "f"}, ""},
		"keys of the shell":   {Attachments{S3Endpoint: endpoint, S3Bucket: "b", S3AccessKey: "a", S3SecretKey: "s"}, ""},
		"no bucket":           {Attachments{S3Endpoint: endpoint, S3KeysFile: "f"}, "--s3-bucket"},
		"no keys":             {Attachments{S3Endpoint: endpoint, S3Bucket: "b"}, "--s3-keys-file"},
		"half of the keys":    {Attachments{S3Endpoint: endpoint, S3Bucket: "b", S3AccessKey: "a"}, "--s3-keys-file"},
		"two sources of keys": {Attachments{S3Endpoint: endpoint, S3Bucket: "b", S3KeysFile: "f", S3AccessKey: "a", S3SecretKey: "s"}, "excludes"},
		"no service":          {Attachments{S3Bucket: "b"}, "--s3-endpoint"},
		"below zero":          {Attachments{MaxAttachment: -1, WorkspaceSize: -1}, "--max-workspace-attachments"},
	} {
		if err := c.a.check(); c.want == "" {
			require.NoError(t, err, name)
		} else {
			require.ErrorContains(t, err, c.want, name)
		}
	}
	file := filepath.Join(t.TempDir(), "keys")
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
		ok   bool
	}{
		"two lines": {"access\nsecret\n", 0o600, true}, "of windows": {"access\r\nsecret\r\n", 0o600, true}, "one line": {"access\n", 0o600, false},
		"three": {"a\nb\nc", 0o600, false}, "for everybody": {"access\nsecret\n", 0o644, false},
	} {
		require.NoError(t, os.WriteFile(file, []byte(c.text), 0o600))
		require.NoError(t, os.Chmod(file, c.mode))
		access, secret, err := (&Attachments{S3KeysFile: file}).keys()
		require.Equal(t, c.ok, err == nil, name)
		if c.ok {
			require.Equal(t, []string{"access", "secret"}, []string{access, secret}, name)
		} else {
			require.NotContains(t, err.Error(), "secret")
		}
	}
}

// TestDaemonWithABucket starts with a bucket that is there and refuses to start with one that is not.
func TestDaemonWithABucket(t *testing.T) {
	u, err := url.Parse(testenv.S3(t))
	require.NoError(t, err)
	secret, _ := u.User.Password()
	start := func(bucket string) error {
		c := Config{Listen: "127.0.0.1:0", DataDir: t.TempDir(), LogOutput: io.Discard, Registration: "closed", MaxUpload: 1, MaxScanRows: 1, MaxScanBytes: 1, QueryTimeout: 1,
			Attachments: Attachments{S3Endpoint: u.Scheme + "://" + u.Host, S3Region: "us-east-1", S3Bucket: bucket, S3AccessKey: u.User.Username(), S3SecretKey: secret}}
		d, err := Open(t.Context(), c, io.Discard)
		if err == nil {
			require.NoDirExists(t, filepath.Join(c.DataDir, "attachments"))
			err = d.close()
		}
		return err
	}
	require.NoError(t, start(strings.Trim(u.Path, "/")))
	err = start("another-bucket")
	require.ErrorContains(t, err, "another-bucket")
	require.NotContains(t, err.Error(), secret)
}
