package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/cmd/livetablesd/internal/mail/mailtest"
)

var (
	mailedToken = regexp.MustCompile(`(?m)^  token: (\S+)$`)
	mailedLink  = regexp.MustCompile(`(?m)^  (https://\S+)$`)
)

// TestInviteThroughTheOutbox asks somebody in at a daemon as it is out of the box: the operator finds the mail in a file.
func TestInviteThroughTheOutbox(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	p := start(t, dir, "--public-url", "https://tables.example.com")
	firstAccount(t, p, "a@example.com", "correct horse")
	p.login("a@example.com", "correct horse")
	ws := p.must(201, "POST", "/api/v1/workspaces", map[string]any{"name": "Sales"})["id"].(string)
	p.must(201, "POST", "/api/v1/workspaces/"+ws+"/invite", map[string]any{"email": "b@example.com", "role": "viewer"})
	var files []string
	require.Eventually(t, func() bool {
		files, _ = filepath.Glob(filepath.Join(dir, "mail", "*-invite-*.eml"))
		return len(files) == 1
	}, 5*time.Second, 5*time.Millisecond)
	info, err := os.Stat(files[0])
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	raw, err := os.ReadFile(files[0])
	require.NoError(t, err)
	letter, err := mailtest.Parse(raw)
	require.NoError(t, err)
	require.Equal(t, "b@example.com", letter.To)
	token := mailedToken.FindStringSubmatch(letter.Text)
	require.NotNil(t, token, letter.Text)
	link := mailedLink.FindStringSubmatch(letter.Text)
	require.NotNil(t, link, letter.Text)
	require.Equal(t, "https://tables.example.com/#invite="+token[1], link[1])

	p.tok = ""
	p.must(403, "POST", "/api/v1/auth/register", map[string]any{"email": "b@example.com", "password": "battery staple"})
	made := p.must(201, "POST", "/api/v1/auth/register", map[string]any{"email": "b@example.com", "password": "battery staple", "invite_token": token[1]})
	p.tok = made["access_token"].(string)
	require.Equal(t, "viewer", p.must(200, "GET", "/api/v1/workspaces/"+ws, nil)["role"])
	text := p.stop()
	require.NotContains(t, text, token[1])
}

// TestMailOutlivesEverything: the mail server is down, the daemon is killed, both come back, and the mail arrives.
func TestMailOutlivesEverything(t *testing.T) {
	server := mailtest.New(t)
	server.User, server.Password = "mailer", "mail pass word"
	server.Start()
	work := t.TempDir()
	cert, secret := filepath.Join(work, "cert.pem"), filepath.Join(work, "password")
	require.NoError(t, os.WriteFile(cert, server.CertPEM(), 0o600))
	require.NoError(t, os.WriteFile(secret, []byte("mail pass word\n"), 0o600))
	t.Setenv("SSL_CERT_FILE", cert)
	dir := filepath.Join(work, "data")
	args := []string{"--mail-server", server.Address(), "--allow-host", "127.0.0.1", "--mail-user", "mailer", "--mail-password-file", secret, "--mail-from", "tables@example.com"}
	p := start(t, dir, args...)
	firstAccount(t, p, "a@example.com", "correct horse")
	server.Stop()
	p.must(202, "POST", "/api/v1/auth/reset", map[string]any{"email": "a@example.com"})
	p.kill()
	p = start(t, dir, args...)
	server.Start()
	require.Eventually(t, func() bool { return len(server.Letters()) == 1 }, 20*time.Second, 10*time.Millisecond)
	letter := server.Letters()[0]
	require.True(t, letter.TLS)
	require.Equal(t, "mailer", letter.User)
	require.Equal(t, "tables@example.com", letter.From)
	token := mailedToken.FindStringSubmatch(letter.Text)
	require.NotNil(t, token)
	p.must(204, "POST", "/api/v1/auth/reset/confirm", map[string]any{"token": token[1], "password": "battery staple"})
	p.login("a@example.com", "battery staple")
	p.stop()
	require.NoDirExists(t, filepath.Join(dir, "mail"))
}

// TestMailSettingsAreChecked is about flags, and about a mail server inside (67): it is refused before anything starts.
func TestMailSettingsAreChecked(t *testing.T) {
	server := mailtest.New(t).Start()
	work := t.TempDir()
	empty := filepath.Join(work, "empty")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"attack 67: inside":      {[]string{"--mail-server", server.Address()}, "host not allowed"},
		"metadata service":       {[]string{"--mail-server", "169.254.169.254:25"}, "host not allowed"},
		"TLS off, not listed":    {[]string{"--mail-server", "mail.example.com:25", "--mail-tls", "off"}, "without TLS"},
		"no port":                {[]string{"--mail-server", "mail.example.com"}, "host:port"},
		"user without password":  {[]string{"--mail-server", "mail.example.com:25", "--mail-user", "x"}, "go together"},
		"user without server":    {[]string{"--mail-user", "x"}, "--mail-server"},
		"empty password":         {[]string{"--mail-server", "mail.example.com:25", "--mail-user", "x", "--mail-password-file", empty}, "one line"},
		"sender":                 {[]string{"--mail-from", "nobody"}, "--mail-from"},
		"public URL with a path": {[]string{"--public-url", "https://x.example/?next=1"}, "public URL"},
		"public URL without TLS": {[]string{"--public-url", "http://x.example"}, "https"},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := exec.Command(binary, append([]string{"--data-dir", filepath.Join(t.TempDir(), "d"), "--listen", "127.0.0.1:0"}, tc.args...)...).CombinedOutput()
			require.Error(t, err)
			require.Contains(t, string(out), tc.want)
		})
	}
	require.Zero(t, server.Opened())
}
