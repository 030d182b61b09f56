package daemontest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Process is a running livetablesd. Its methods may be called from many goroutines.
type Process struct {
	URL string // where it listens, without a slash at the end
	// Ready is the time from the start of the process to its first good answer to /readyz.
	Ready time.Duration

	cmd  *exec.Cmd
	out  *tail
	done chan struct{} // closed when the process has ended
	err  error         // of its end; to be read after done
}

// patience is how long a daemon may take to get ready.
const patience = 60 * time.Second

var (
	readyLine = regexp.MustCompile(`msg=ready address=(\S+)`)
	setupText = regexp.MustCompile(`"setup_token":"([^"]+)"`)
)

// Start starts the program with these arguments and waits until it is ready. When that fails, or ctx ends meanwhile, nothing
// of it is left.
func Start(ctx context.Context, program string, args ...string) (*Process, error) {
	p := &Process{cmd: exec.Command(program, args...), out: &tail{}, done: make(chan struct{})}
	p.cmd.Stdout = p.out
	log, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the daemon: %w", err)
	}
	address := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(log)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			_, _ = p.out.Write(append(lines.Bytes(), '\n'))
			if m := readyLine.FindStringSubmatch(lines.Text()); m != nil {
				address <- m[1]
			}
		}
		_, _ = io.Copy(io.Discard, log) // after a line that is too long
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case p.URL = <-address:
	case <-p.done:
		return nil, fmt.Errorf("the daemon ended: %w\n%s", p.err, p.out)
	case <-ctx.Done():
		p.Kill()
		return nil, fmt.Errorf("the daemon did not get ready: %w\n%s", ctx.Err(), p.out)
	}
	if err := p.AwaitReady(ctx); err != nil {
		p.Kill()
		return nil, err
	}
	p.Ready = time.Since(began)
	return p, nil
}

// StartAndKill starts the program with these arguments and kills it after some time, ready or not.
func StartAndKill(program string, after time.Duration, args ...string) error {
	cmd := exec.Command(program, args...)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the daemon: %w", err)
	}
	time.Sleep(after)
	_ = cmd.Process.Kill() // it may have ended already
	_ = cmd.Wait()         // that it was killed is no news
	return nil
}

// AwaitReady asks /readyz until it is answered well, the process or ctx ends.
func (p *Process) AwaitReady(ctx context.Context) error {
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL+"/readyz", http.NoBody)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			err = resp.Body.Close()
			if err == nil && resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-p.done:
			return fmt.Errorf("the daemon ended: %w\n%s", p.err, p.out)
		case <-ctx.Done():
			return fmt.Errorf("the daemon is not ready: %w\n%s", errors.Join(ctx.Err(), err), p.out)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// Kill ends the process at once (SIGKILL) and waits until it is gone.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // it may have ended already
	<-p.done
}

// Stop ends the process as an operator does (SIGTERM) and waits for that.
func (p *Process) Stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.Kill()
		return fmt.Errorf("stop the daemon: %w", err)
	}
	select {
	case <-p.done:
	case <-time.After(patience):
		p.Kill()
		return fmt.Errorf("the daemon did not stop\n%s", p.out)
	}
	if p.err != nil {
		return fmt.Errorf("the daemon ended: %w\n%s", p.err, p.out)
	}
	return nil
}

// Ended is closed when the process has ended.
func (p *Process) Ended() <-chan struct{} { return p.done }

// Output is the end of what the process wrote on its standard output and error.
func (p *Process) Output() string { return p.out.String() }

// SetupToken is the one-time token for the first account, empty when the process printed none.
func (p *Process) SetupToken() string {
	if m := setupText.FindStringSubmatch(p.out.String()); m != nil {
		return m[1]
	}
	return ""
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	text strings.Builder
}

const tailBytes = 64 << 10

// Write implements io.Writer.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.text.Len()+len(b) > 2*tailBytes {
		kept := t.text.String()
		kept = kept[max(0, len(kept)-tailBytes):]
		t.text.Reset()
		t.text.WriteString(kept)
	}
	return t.text.Write(b)
}

// String is what is kept.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}
