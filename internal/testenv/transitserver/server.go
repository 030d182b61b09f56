// Package transitserver gives tests a key management service that speaks the protocol of HashiCorp Vault's transit engine:
// the process of internal/testenv/cmd/transit, and, where LIVETABLES_TEST_TRANSIT_URL and LIVETABLES_TEST_TRANSIT_TOKEN name
// one, a running Vault or OpenBao whose transit engine is mounted at "transit".
package transitserver

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Server is a running service.
type Server struct {
	Address   string // the URL, without a slash at the end
	TokenFile string // readable by its owner alone

	token   string
	process *exec.Cmd // nil for one that is not ours
	binary  string
}

// Start starts a service of our own, which ends with the test.
func Start(t testing.TB) *Server {
	t.Helper()
	s := &Server{binary: build(t)}
	s.launch(t, "127.0.0.1:0")
	s.TokenFile = filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(s.TokenFile, []byte(s.token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// Named is the service that the environment names, nil when it names none.
func Named(t testing.TB) *Server {
	t.Helper()
	s := &Server{Address: strings.TrimSuffix(os.Getenv("LIVETABLES_TEST_TRANSIT_URL"), "/"), token: os.Getenv("LIVETABLES_TEST_TRANSIT_TOKEN")}
	if s.Address == "" {
		return nil
	}
	s.TokenFile = filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(s.TokenFile, []byte(s.token), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// build compiles the service into a directory of the test.
func build(t testing.TB) string {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	binary := filepath.Join(t.TempDir(), "transit")
	cmd := exec.Command("go", "build", "-o", binary, "./cmd/transit")
	cmd.Dir = filepath.Dir(filepath.Dir(here))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the key management service: %v\n%s", err, out)
	}
	return binary
}

func (s *Server) launch(t testing.TB, listen string) {
	t.Helper()
	cmd := exec.Command(s.binary, "-listen", listen, "-token", s.token)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed: that is its error
	})
	line, err := bufio.NewReader(out).ReadBytes('\n')
	var ready struct{ Address, Token string }
	if err != nil || json.Unmarshal(line, &ready) != nil {
		t.Fatalf("the key management service did not start: %v %s", err, line)
	}
	s.process, s.Address, s.token = cmd, ready.Address, ready.Token
}

// MakeKey makes a key, with or without derivation from a context.
func (s *Server) MakeKey(t testing.TB, name string, derived bool) {
	t.Helper()
	s.post(t, "/v1/transit/keys/"+name, map[string]any{"type": "aes256-gcm96", "derived": derived})
}

// Rotate gives a key a new version.
func (s *Server) Rotate(t testing.TB, name string) {
	t.Helper()
	s.post(t, "/v1/transit/keys/"+name+"/rotate", map[string]any{})
}

// Least makes a key refuse to decrypt what older versions have encrypted.
func (s *Server) Least(t testing.TB, name string, version int) {
	t.Helper()
	s.post(t, "/v1/transit/keys/"+name+"/config", map[string]any{"min_decryption_version": version})
}

// Mode makes a service of our own fail in a way that it knows, or work again with "ok".
func (s *Server) Mode(t testing.TB, mode string) {
	t.Helper()
	s.post(t, "/test/mode", map[string]any{"mode": mode})
}

// Kill ends the process of a service of our own at once.
func (s *Server) Kill() {
	_ = s.process.Process.Kill()
	_ = s.process.Wait() // it was killed: that is its error
}

// Calls counts what a service of our own was asked.
func (s *Server) Calls(t testing.TB) int {
	t.Helper()
	resp, err := http.Get(s.Address + "/test/calls")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (s *Server) post(t testing.TB, path string, in any) {
	t.Helper()
	doc, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, s.Address+path, bytes.NewReader(doc))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Vault-Token", s.token)
	resp, err := (&http.Client{Timeout: 10 * time.Second}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode >= 300 {
		text, _ := io.ReadAll(resp.Body)
		t.Fatalf("%s: status %d: %s", path, resp.StatusCode, text)
	}
}
