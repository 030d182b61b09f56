package main

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"time"

	"github.com/livetables/livetables"
)

const daemonPackage = "github.com/livetables/livetables/cmd/livetablesd"

// daemonProcess is a running livetablesd.
type daemonProcess struct {
	cmd     *exec.Cmd
	out     *bufio.Reader
	address string
	log     string // file
	began   time.Time
}

// The daemon as it is shipped takes no profiles. This file is laid over its sources for the build with -cpuprofile.
//
//go:embed profile.go.txt
var profileSource []byte

// buildDaemon builds livetablesd once in a run and answers with its path.
func (b *bench) buildDaemon(ctx context.Context) (string, error) {
	path := filepath.Join(b.dir, "livetablesd")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	args := []string{"build", "-o", path}
	if b.profile != "" {
		source, overlay := filepath.Join(b.dir, "profile.go"), filepath.Join(b.dir, "overlay.json")
		where, err := exec.CommandContext(ctx, "go", "list", "-f", "{{.Dir}}", daemonPackage).Output()
		if err != nil {
			return "", fmt.Errorf("find the daemon: %w", err)
		}
		replaced, err := json.Marshal(map[string]map[string]string{"Replace": {filepath.Join(string(bytes.TrimSpace(where)), "profile.go"): source}})
		if err != nil {
			return "", err
		}
		if err := errors.Join(os.WriteFile(source, profileSource, 0o600), os.WriteFile(overlay, replaced, 0o600)); err != nil {
			return "", err
		}
		args = append(args, "-overlay", overlay)
	}
	if out, err := exec.CommandContext(ctx, "go", append(args, daemonPackage)...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the daemon: %w\n%s", err, out)
	}
	return path, nil
}

// startDaemon starts a daemon on a data directory, which is made, with the settings that it is shipped with but for the rate
// limit. What it logs, each request too, goes to a file. The caller stops it.
func (b *bench) startDaemon(ctx context.Context, dir string, args ...string) (*daemonProcess, error) {
	binary, err := b.buildDaemon(ctx)
	if err != nil {
		return nil, err
	}
	args = append([]string{"--listen", "127.0.0.1:0", "--data-dir", dir, "--rate-limit", "0", "--shutdown-grace", "2s"}, args...)
	p := &daemonProcess{cmd: exec.Command(binary, args...), log: dir + ".log"}
	file, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer file.Close() // the daemon has its own
	p.cmd.Stderr = file
	if b.profile != "" {
		p.cmd.Env = append(os.Environ(), "LIVETABLES_BENCH_PROFILE="+b.profileName("daemon"))
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out, p.began = bufio.NewReader(out), time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *daemonProcess) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return p.cmd.Wait()
}

var notice = regexp.MustCompile(`(?s)curl (http://([^/]+))/.*"setup_token":"([^"]+)"`)

// welcome reads what the daemon tells the operator: where it listens, and the token for the first account.
func (p *daemonProcess) welcome() (token string, err error) {
	// Whatever is wrong with it, it must not keep everything else waiting.
	patience := time.AfterFunc(30*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer patience.Stop()
	var said []byte
	for {
		l, err := p.out.ReadBytes('\n')
		said = append(said, l...)
		if m := notice.FindSubmatch(said); m != nil {
			p.address = string(m[2])
			return string(m[3]), nil
		}
		if err != nil {
			logged, _ := os.ReadFile(p.log) // what there is of it
			return "", fmt.Errorf("the daemon gave no setup token: %w: %s%s", err, said, logged)
		}
	}
}

// daemonSide is the daemon with an account and a workspace, in the way of its users: by its API.
type daemonSide struct {
	*daemonProcess
	email, password string
	token           string
	workspace, base string
	connection      string
}

// inDaemon prepares the daemon, once in a run.
func (b *bench) inDaemon(ctx context.Context) (*daemonSide, error) {
	if b.daemon != nil {
		return b.daemon, b.daemon.login(ctx)
	}
	d, err := b.newDaemon(ctx, filepath.Join(b.dir, "daemon"), "--allow-host", "127.0.0.1", "--allow-host", "localhost", "--allow-host", "::1")
	if err != nil {
		return nil, err
	}
	b.onClose(d.stop)
	b.daemon = d
	return d, nil
}

// newDaemon starts a daemon on a data directory and makes an account, a workspace and a base. The caller stops it.
func (b *bench) newDaemon(ctx context.Context, dir string, args ...string) (_ *daemonSide, err error) {
	p, err := b.startDaemon(ctx, dir, args...)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.stop())
		}
	}()
	token, err := p.welcome()
	if err != nil {
		return nil, err
	}
	d := &daemonSide{daemonProcess: p, email: "bench@example.com", password: "a-password-of-the-bench"}
	if err := d.call(ctx, "POST", "/auth/setup", map[string]string{"setup_token": token, "email": d.email, "name": "Bench", "password": d.password}, nil); err != nil {
		return nil, err
	}
	if err := d.login(ctx); err != nil {
		return nil, err
	}
	var made struct {
		ID string `json:"id"`
	}
	if err := d.call(ctx, "POST", "/workspaces", map[string]string{"name": "Bench"}, &made); err != nil {
		return nil, err
	}
	d.workspace = made.ID
	if err := d.call(ctx, "POST", "/workspaces/"+d.workspace+"/bases", map[string]string{"name": "Shop"}, &made); err != nil {
		return nil, err
	}
	d.base = made.ID
	return d, nil
}

// daemonIfAny is the daemon, or nil with a notice when there is none to be had: the other sides are worth measuring.
func (b *bench) daemonIfAny(ctx context.Context) *daemonSide {
	d, err := b.inDaemon(ctx)
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench: going on without the daemon: %v\n", err)
		return nil
	}
	return d
}

// login gets a new access token: one lives for minutes only.
func (d *daemonSide) login(ctx context.Context) error {
	var got struct {
		Token string `json:"access_token"`
	}
	err := d.call(ctx, "POST", "/auth/login", map[string]string{"email": d.email, "password": d.password}, &got)
	d.token = got.Token
	return err
}

// connect makes the connection to the PostgreSQL data, once.
func (d *daemonSide) connect(ctx context.Context, data *postgresData) error {
	if d.connection != "" {
		return nil
	}
	spec, err := data.connection()
	if err != nil {
		return err
	}
	body := map[string]any{"name": spec.Name, "driver": spec.Driver, "host": spec.Host, "port": spec.Port, "user": spec.User, "database": spec.Database, "tls": spec.TLS}
	if spec.Password != nil {
		body["password"] = spec.Password.Reveal()
	}
	var made livetables.Connection
	if err := d.call(ctx, "POST", "/workspaces/"+d.workspace+"/connections", body, &made); err != nil {
		return err
	}
	d.connection = made.ID
	return nil
}

// call sends one request with a JSON body, or none for nil, and decodes the answer into out, unless that is nil.
func (d *daemonSide) call(ctx context.Context, method, path string, body, out any) error {
	if body == nil {
		return d.send(ctx, method, path, "", nil, out)
	}
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return d.send(ctx, method, path, "application/json", text, out)
}

func (d *daemonSide) send(ctx context.Context, method, path, contentType string, body []byte, out any) error {
	return d.stream(ctx, method, path, contentType, bytes.NewReader(body), func(r io.Reader) error {
		if out == nil {
			_, err := io.Copy(io.Discard, r)
			return err
		}
		return json.NewDecoder(r).Decode(out)
	})
}

// stream sends a request whose body may be large, and hands the body of the answer to read as it comes.
func (d *daemonSide) stream(ctx context.Context, method, path, contentType string, body io.Reader, read func(io.Reader) error) error {
	return exchange(ctx, method, "http://"+d.address+"/api/v1"+path, d.token, contentType, body, read)
}

func (d *daemonSide) target(requests [][]byte, server *serverCPU) target {
	return target{name: "daemon", address: d.address, pid: d.cmd.Process.Pid, requests: requests, server: server}
}
