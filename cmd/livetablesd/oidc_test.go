package main

import (
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/cmd/livetablesd/internal/oidctest"
)

// TestLoginAtAnIssuer runs a daemon with the settings of an operator and logs a person in at an issuer, who then works with a
// token that outlives a restart.
func TestLoginAtAnIssuer(t *testing.T) {
	const public = "http://localhost:9"
	issuer := oidctest.New(t, nil)
	issuer.Register(oidctest.Client{ID: "tables", Secret: "of the issuer", RedirectURI: public + "/api/v1/auth/oidc/callback"})
	issuer.Enter(oidctest.Person{Subject: "s", Email: "ann@example.com", EmailVerified: true})
	root := t.TempDir()
	file, dir := filepath.Join(root, "secret"), filepath.Join(root, "data")
	require.NoError(t, os.WriteFile(file, []byte("of the issuer\n"), 0o600))
	args := []string{"--public-url", public, "--oidc-issuer", issuer.URL(), "--oidc-client-id", "tables", "--oidc-client-secret-file", file,
		"--oidc-allow-domain", "example.com", "--allow-host", "127.0.0.1"}
	p := start(t, dir, args...)
	firstAccount(t, p, "root@example.com", "correct horse")

	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	browser := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasSuffix(r.URL.Path, "/after") {
			return http.ErrUseLastResponse
		}
		r.URL.Host = strings.Replace(r.URL.Host, "localhost:9", strings.TrimPrefix(p.url, "http://"), 1)
		return nil
	}}
	res, err := browser.Get(p.url + "/api/v1/auth/oidc/start?next=/after")
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, "/after", res.Header.Get("Location"))
	req, err := http.NewRequest(http.MethodPost, p.url+"/api/v1/auth/oidc/token", nil)
	require.NoError(t, err)
	for _, c := range jar.Cookies(res.Request.URL) {
		req.AddCookie(c)
	}
	p.tok = tokenOf(t, req)
	require.Equal(t, "ann@example.com", p.must(200, "GET", "/api/v1/auth/me", nil)["email"])

	ws := p.must(201, "POST", "/api/v1/workspaces", map[string]any{"name": "W"})["id"].(string)
	token := p.must(201, "POST", "/api/v1/auth/tokens", map[string]any{"name": "ci", "scopes": []string{"data.read"}, "resources": []string{ws},
		"expires_at": time.Now().Add(time.Hour)})["token"].(string)
	p.stop()
	p = start(t, dir, args...)
	p.tok = token
	require.Equal(t, "W", p.must(200, "GET", "/api/v1/workspaces/"+ws, nil)["name"])
	p.must(403, "PATCH", "/api/v1/workspaces/"+ws, map[string]any{"name": "X"})
	p.must(403, "GET", "/api/v1/auth/me", nil)
	require.NotContains(t, p.stop(), "of the issuer")
}

func tokenOf(t *testing.T, req *http.Request) string {
	t.Helper()
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode)
	var answer struct {
		Token string `json:"access_token"`
	}
	require.NoError(t, json.NewDecoder(res.Body).Decode(&answer))
	return answer.Token
}

func TestIssuerSettingsAreChecked(t *testing.T) {
	for name, args := range map[string][]string{
		"no public URL":           {"--oidc-issuer", "https://login.example.com", "--oidc-client-id", "c"},
		"no issuer":               {"--oidc-client-id", "c"},
		"plain http, not listed":  {"--oidc-issuer", "http://login.example.com", "--oidc-client-id", "c", "--public-url", "https://t.example.com"},
		"no client id":            {"--oidc-issuer", "https://login.example.com", "--public-url", "https://t.example.com"},
		"an address for a domain": {"--oidc-issuer", "https://login.example.com", "--oidc-client-id", "c", "--public-url", "https://t.example.com", "--oidc-allow-domain", "a@example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := exec.Command(binary, append([]string{"--data-dir", t.TempDir(), "--listen", "127.0.0.1:0"}, args...)...).CombinedOutput()
			require.Error(t, err, "%s", out)
			require.Contains(t, strings.ToLower(string(out)), "issuer")
		})
	}
}
