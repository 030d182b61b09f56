package canary

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/livetables/livetables/cmd/livetablesd/internal/daemon"
)

// world is a running daemon full of canaries.
type world struct {
	*flock
	dir     string
	url     string // of the daemon
	log     *logWatch
	people  []*person
	tenants []*tenant
	root    int // the number of the instance's admin
	stop    func() error
	client  *http.Client
	hops    int // of simulated clients' addresses
	bare    bool
}

// How a canary may be known beside those who see it.
type secrecy uint8

const (
	told   secrecy = iota // to those who may see it
	logged                // to the operator too
	secret                // to nobody
)

// plant makes a canary of a tenant (nil for none) and answers its text.
func (w *world) plant(t *tenant, place string, seen crowd, how secrecy) string {
	if t != nil {
		place += " of " + t.name
	}
	c := w.flock.plant(place, seen)
	c.logged, c.secret = how == logged, how == secret
	return c.text
}

var setupToken = regexp.MustCompile(`"setup_token":"([^"]+)"`)

// newWorld starts a daemon in dir and fills it.
func newWorld(ctx context.Context, dir string, tenants int, bare bool, rnd *rand.Rand) (w *world, err error) {
	w = &world{flock: newFlock(rnd), dir: dir, bare: bare, client: &http.Client{Timeout: time.Minute}}
	w.log = &logWatch{flock: w.flock}
	files := filepath.Join(dir, "files")
	if err := os.MkdirAll(files, 0o700); err != nil {
		return nil, fmt.Errorf("directory of databases: %w", err)
	}
	var notices bytes.Buffer
	d, err := daemon.Open(ctx, daemon.Config{
		Listen: "127.0.0.1:0", DataDir: filepath.Join(dir, "data"), FilesDir: files, AuditFile: filepath.Join(dir, "audit.jsonl"),
		Registration: "open", AllowHost: []string{"127.0.0.1"}, TrustedProxy: []string{"127.0.0.1"},
		MaxUpload: 1 << 20, MaxScanRows: 100_000, MaxScanBytes: 64 << 20, MaxSpillBytes: 64 << 20, QueryTimeout: 30 * time.Second,
		ShutdownGrace: 5 * time.Second, LogFormat: "text", LogLevel: "debug", LogOutput: w.log,
	}, &notices)
	if err != nil {
		return nil, fmt.Errorf("start the daemon: %w", err)
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- d.Run(running) }()
	w.url = "http://" + d.Address()
	stop := func() error {
		cancel()
		return <-ended
	}
	w.stop = stop
	defer func() {
		if err != nil {
			err = errors.Join(err, stop())
		}
	}()
	m := setupToken.FindSubmatch(notices.Bytes())
	if m == nil {
		return nil, fmt.Errorf("the daemon printed no setup token: %s", notices.Bytes())
	}
	if err := w.fill(ctx, string(m[1]), tenants); err != nil {
		return nil, fmt.Errorf("fill the workspaces: %w", err)
	}
	return w, nil
}

// reply is what a request that had to succeed was answered.
type reply struct {
	body []byte
	doc  any
}

// text is a member of the document: text("user.id"), "" when it is not there.
func (r *reply) text(path string) string {
	v := r.doc
	for key := range strings.SplitSeq(path, ".") {
		object, ok := v.(map[string]any)
		if !ok {
			return ""
		}
		v = object[key]
	}
	s, _ := v.(string)
	return s
}

// objects are the objects of a list that is a member of the document.
func (r *reply) objects(list string) (all []map[string]any) {
	object, _ := r.doc.(map[string]any)
	items, _ := object[list].([]any)
	for _, item := range items {
		if o, ok := item.(map[string]any); ok {
			all = append(all, o)
		}
	}
	return all
}

// each is a member of each object of a list, "" where there is no text.
func (r *reply) each(list, member string) (all []string) {
	for _, o := range r.objects(list) {
		text, _ := o[member].(string)
		all = append(all, text)
	}
	return all
}

// one is the object of a list whose member has a value, nil when there is none.
func (r *reply) one(list, member, value string) map[string]any {
	for _, o := range r.objects(list) {
		if o[member] == value {
			return o
		}
	}
	return nil
}

// send asks the daemon as somebody (nil for nobody) and demands success. body is sent as JSON, a string as CSV, bytes as a file.
func (w *world) send(p *person, method, path string, body any) (*reply, error) {
	var reader io.Reader
	kind := "application/json"
	switch b := body.(type) {
	case nil:
	case string:
		reader, kind = strings.NewReader(b), "text/csv"
	case []byte:
		reader, kind = bytes.NewReader(b), "application/octet-stream"
	default:
		doc, err := json.Marshal(b)
		if err != nil {
			return nil, fmt.Errorf("encode %s %s: %w", method, path, err)
		}
		reader = bytes.NewReader(doc)
	}
	req, err := http.NewRequest(method, w.url+path, reader)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", kind)
	}
	if p != nil {
		req.Header.Set("Authorization", "Bearer "+p.token())
	}
	// Logins are counted by address: everybody comes from another one.
	w.hops++
	req.Header.Set("X-Forwarded-For", fmt.Sprintf("198.18.%d.%d", w.hops/250%250, w.hops%250+1))
	res, err := w.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	got := &reply{}
	if got.body, err = io.ReadAll(res.Body); err != nil {
		return nil, err
	}
	if res.StatusCode >= 300 {
		return nil, fmt.Errorf("%s %s: %s %s", method, path, res.Status, got.body)
	}
	if len(got.body) > 0 && strings.Contains(res.Header.Get("Content-Type"), "json") {
		if err := json.Unmarshal(got.body, &got.doc); err != nil {
			return nil, fmt.Errorf("%s %s: %w", method, path, err)
		}
	}
	return got, nil
}
