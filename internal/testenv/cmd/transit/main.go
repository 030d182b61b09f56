// Transit is a key management service for tests: a process of its own that speaks the part of the protocol of HashiCorp
// Vault's transit engine that Live Tables uses, over HTTP, with real keys in memory (AES-256-GCM, a subkey for every
// context), key versions, a token, and a way to make it fail. It is no Vault: keys are gone with the process, there is one
// token and no policy.
//
// It prints a line of JSON with its address and token when it is ready. POST /test/mode puts it into another mode: "ok",
// "sealed", "down" (connections are cut), "slow", "garbage", "flood" (an answer without end), "redirect", "denied".
package main

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// server is the service.
type server struct {
	token string
	calls atomic.Int64 // of the engine, whatever became of them

	mu   sync.Mutex
	mode string
	keys map[string]*key
}

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address to serve on")
	token := flag.String("token", "", "token to ask for; empty makes one")
	flag.Parse()
	if *token == "" {
		random := make([]byte, 16)
		_, _ = rand.Read(random)
		*token = "test." + hex.EncodeToString(random)
	}
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	s := &server{token: *token, mode: "ok", keys: map[string]*key{}}
	if err := json.NewEncoder(os.Stdout).Encode(map[string]string{"address": "http://" + l.Addr().String(), "token": *token}); err != nil {
		log.Fatal(err)
	}
	log.Fatal((&http.Server{Handler: s, ReadHeaderTimeout: 5 * time.Second}).Serve(l))
}

// ServeHTTP implements http.Handler.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if path, ok := strings.CutPrefix(r.URL.Path, "/test/"); ok {
		s.control(w, r, path)
		return
	}
	s.calls.Add(1)
	if r.Header.Get("X-Vault-Token") != s.token {
		refuse(w, http.StatusForbidden, "permission denied")
		return
	}
	s.mu.Lock()
	mode := s.mode
	s.mu.Unlock()
	if fail(w, r, mode) {
		return
	}
	path, ok := strings.CutPrefix(r.URL.Path, "/v1/transit/")
	if !ok {
		refuse(w, http.StatusNotFound, "no handler for route")
		return
	}
	s.engine(w, r, path)
}

// control changes the mode and counts calls.
func (s *server) control(w http.ResponseWriter, r *http.Request, path string) {
	var in struct {
		Mode string `json:"mode"`
	}
	switch {
	case path == "mode" && r.Method == http.MethodPost && json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10)).Decode(&in) == nil:
		s.mu.Lock()
		s.mode = in.Mode
		s.mu.Unlock()
	case path == "calls":
		_, _ = fmt.Fprint(w, s.calls.Load())
	default:
		http.NotFound(w, r)
	}
}

// fail answers in the way of a mode, unless that is "ok".
func fail(w http.ResponseWriter, r *http.Request, mode string) bool {
	switch mode {
	case "sealed":
		refuse(w, http.StatusServiceUnavailable, "Vault is sealed")
	case "denied":
		refuse(w, http.StatusForbidden, "permission denied")
	case "down":
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = conn.Close()
		}
	case "slow":
		select {
		case <-r.Context().Done():
		case <-time.After(20 * time.Second):
		}
		refuse(w, http.StatusServiceUnavailable, "too late")
	case "garbage":
		_, _ = fmt.Fprint(w, `{"data":{"plaintext":"***","ciphertext":"nonsense","latest_version":-1,"derived":true}}`)
	case "flood":
		for line := []byte(strings.Repeat("x", 4096)); ; {
			if _, err := w.Write(line); err != nil {
				return true
			}
		}
	case "redirect":
		http.Redirect(w, r, "http://127.0.0.1:1/v1/transit/stolen", http.StatusTemporaryRedirect)
	default:
		return false
	}
	return true
}

func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string][]string{"errors": {message}})
}

func answer(w http.ResponseWriter, data any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"data": data})
}
