package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"time"
)

// childConfig is what a serving child of this program is told, as one line on its standard input.
type childConfig struct {
	URL       string `json:"url,omitempty"`       // of the database
	File      string `json:"file,omitempty"`      // of the SQLite database
	Dir       string `json:"dir,omitempty"`       // of the engine's store
	Workspace string `json:"workspace,omitempty"` // in the engine's store
	Source    string `json:"source,omitempty"`    // table, connection or database that is read
	Key       string `json:"key,omitempty"`       // what the orders' id is called there, empty for "id"
	Profile   string `json:"profile,omitempty"`   // file for a CPU profile, empty for none
}

// handlers are the servers that a child can be.
var handlers = map[string]func(ctx context.Context, c childConfig) (http.Handler, func() error, error){
	"base-postgres":    basePostgres,
	"base-mysql":       baseMySQL,
	"base-mongodb":     baseMongo,
	"base-minidb":      baseMiniDB,
	"base-sqlite":      baseSQLite,
	"base-sqlite-file": baseSQLiteFile,
	"engine":           engineConnection,
	"engine-sqlite":    engineSQLite,
}

// serveChild serves until standard input ends, which it does with the parent, however that ends.
func serveChild(ctx context.Context, name string) error {
	open, ok := handlers[name]
	if !ok {
		return fmt.Errorf("no server %q", name)
	}
	in := bufio.NewReader(os.Stdin)
	text, err := in.ReadBytes('\n')
	if err != nil {
		return err
	}
	var c childConfig
	if err := json.Unmarshal(text, &c); err != nil {
		return err
	}
	handler, closeHandler, err := open(ctx, c)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return errors.Join(err, closeHandler())
	}
	if c.Profile != "" {
		f, err := os.Create(c.Profile)
		if err != nil {
			return errors.Join(err, closeHandler())
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return errors.Join(err, closeHandler())
		}
		defer pprof.StopCPUProfile()
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		_, _ = io.Copy(io.Discard, in) // its end is the news
		_ = server.Close()             // what is under way is of no interest any more
	}()
	fmt.Println(listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return errors.Join(err, closeHandler())
	}
	return closeHandler()
}

// profileName is the file for the profile of a server: one may be started several times, for several databases.
func (b *bench) profileName(server string) string {
	b.profiles++
	return filepath.Join(b.profile, fmt.Sprintf("%02d-%s.pprof", b.profiles, server))
}

// child starts this program as a server and answers with where it listens. It ends with the run, or with its stop.
func (b *bench) child(ctx context.Context, name string, c childConfig) (t target, stop func() error, err error) {
	if b.profile != "" {
		if err := os.MkdirAll(b.profile, 0o755); err != nil {
			return t, nil, err
		}
		if c.Profile, err = filepath.Abs(b.profileName(name)); err != nil {
			return t, nil, err
		}
	}
	self, err := os.Executable()
	if err != nil {
		return t, nil, err
	}
	cmd := exec.Command(self, "-serve", name)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return t, nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return t, nil, err
	}
	if err := cmd.Start(); err != nil {
		return t, nil, err
	}
	stopped := false
	stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		return errors.Join(in.Close(), cmd.Wait())
	}
	b.onClose(stop)
	if err := json.NewEncoder(in).Encode(c); err != nil {
		return t, nil, err
	}
	var address string
	if _, err := fmt.Fscanln(out, &address); err != nil {
		return t, nil, fmt.Errorf("server %s did not start: %w", name, err)
	}
	return target{address: address, pid: cmd.Process.Pid}, stop, nil
}
