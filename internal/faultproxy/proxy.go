// Package faultproxy is a TCP proxy that fails in the ways in which networks and servers fail, for tests.
package faultproxy

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// Mode is how a proxy treats its connections.
type Mode uint8

const (
	// Pass hands everything on.
	Pass Mode = iota
	// Refuse has no listener, as if the server had been killed; what was open is reset.
	Refuse
	// Hang accepts connections and keeps them open; nothing gets through in either direction.
	Hang
	// Slow hands on a few bytes at a time.
	Slow
)

// Pace of a slow proxy.
const (
	slowBytes = 4 << 10
	slowPause = time.Millisecond
)

// Proxy leads to one server. It passes everything until it is told otherwise. It is safe for concurrent use.
type Proxy struct {
	target, addr string
	work         sync.WaitGroup

	mu       sync.Mutex
	changed  chan struct{} // closed by the next change of mode
	mode     Mode
	cut      int64 // bytes that the server may still send before connections are reset, below 0 for any number
	listener net.Listener
	open     map[net.Conn]bool
	closed   bool
}

// New makes a proxy to a server ("host:port"), listening on a free port of this machine.
func New(target string) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("fault proxy: %w", err)
	}
	p := &Proxy{target: target, addr: l.Addr().String(), changed: make(chan struct{}), cut: -1, open: map[net.Conn]bool{}}
	return p, p.serve(l)
}

// Addr is where the proxy listens.
func (p *Proxy) Addr() string { return p.addr }

// Port is the port of Addr.
func (p *Proxy) Port() int {
	a, err := net.ResolveTCPAddr("tcp", p.addr)
	if err != nil {
		return 0
	}
	return a.Port
}

// Set changes the mode, of connections that are open too. After Refuse it listens on the same port again. On a closed proxy
// every mode is Refuse, and the error net.ErrClosed.
func (p *Proxy) Set(mode Mode) error {
	p.mu.Lock()
	p.mode = mode
	close(p.changed)
	p.changed = make(chan struct{})
	l := p.listener
	if mode == Refuse {
		p.listener = nil
	}
	p.mu.Unlock()
	if mode == Refuse {
		p.Reset()
		if l != nil {
			return l.Close()
		}
		return nil
	}
	if l != nil {
		return nil
	}
	l, err := net.Listen("tcp", p.addr)
	if err != nil {
		return fmt.Errorf("fault proxy: %w", err)
	}
	return p.serve(l)
}

// Reset breaks every open connection, as a server does that is restarted.
func (p *Proxy) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = c.Close()
	}
}

// Cut resets all connections once the server has sent so many bytes more. It happens once.
func (p *Proxy) Cut(after int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = after
}

// Close ends the proxy and its connections.
func (p *Proxy) Close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	err := p.Set(Refuse)
	p.work.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// serve accepts connections; a proxy that was closed meanwhile does not.
func (p *Proxy) serve(l net.Listener) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed { // Close waits for work that began before it, and only for that
		_ = l.Close()
		return fmt.Errorf("fault proxy: %w", net.ErrClosed)
	}
	p.listener = l
	p.work.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.work.Go(func() { p.handle(c) })
		}
	})
	return nil
}

func (p *Proxy) handle(client net.Conn) {
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		_ = client.Close()
		return
	}
	if !p.keep(client, server) {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { p.copy(server, client, false) })
	both.Go(func() { p.copy(client, server, true) })
	both.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, client)
	delete(p.open, server)
}

func (p *Proxy) keep(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	refused := p.closed || p.mode == Refuse
	for _, c := range conns {
		if refused {
			_ = c.Close()
		} else {
			p.open[c] = true
		}
	}
	return !refused
}

// copy hands bytes on until one of the sides has ended; then both have.
func (p *Proxy) copy(to, from net.Conn, answers bool) {
	defer func() { _, _ = to.Close(), from.Close() }()
	buf := make([]byte, 32<<10)
	for {
		part := buf
		if p.waits() == Slow {
			part = buf[:slowBytes]
		}
		n, err := from.Read(part)
		if p.waits() == Slow {
			time.Sleep(slowPause)
		}
		if answers && p.count(n) {
			p.Reset()
			return
		}
		if n > 0 {
			if _, err := to.Write(part[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// waits holds back while the proxy hangs, and gives the mode then.
func (p *Proxy) waits() Mode {
	for {
		p.mu.Lock()
		mode, changed := p.mode, p.changed
		p.mu.Unlock()
		if mode != Hang {
			return mode
		}
		<-changed
	}
}

// count takes note of bytes that the server sent and reports whether it is time to cut.
func (p *Proxy) count(n int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cut < 0 {
		return false
	}
	if p.cut -= int64(n); p.cut >= 0 {
		return false
	}
	p.cut = -1
	return true
}
