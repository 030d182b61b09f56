package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"
)

// target is a server under load.
type target struct {
	name     string
	address  string
	pid      int
	requests [][]byte // as they go over the wire, sent in turn
	server   *serverCPU
}

// under is the target with a number of clients, each on a connection of its own and waiting for its answer before it asks
// again.
func (t target) under(clients int) side {
	return side{t.name, func(ctx context.Context, d time.Duration) (sample, error) { return t.load(ctx, clients, d) }}
}

func (t target) load(ctx context.Context, clients int, d time.Duration) (sample, error) {
	conns := make([]*client, clients)
	for i := range conns {
		c, err := dial(ctx, t.address)
		if err != nil {
			return sample{}, err
		}
		defer c.conn.Close()
		conns[i] = c
	}
	type part struct {
		took []time.Duration
		err  error
	}
	parts := make([]part, clients)
	own, source, began := processCPU(t.pid), t.server.cpu(), time.Now()
	var wg sync.WaitGroup
	for i, c := range conns {
		wg.Go(func() {
			// Spread over the requests, so that clients do not ask the same at the same time.
			for n := i * len(t.requests) / clients; time.Since(began) < d && ctx.Err() == nil; n++ {
				start := time.Now()
				if _, err := c.ask(t.requests[n%len(t.requests)], false); err != nil {
					parts[i].err = err
					return
				}
				parts[i].took = append(parts[i].took, time.Since(start))
			}
		})
	}
	wg.Wait()
	s := sample{elapsed: time.Since(began), ours: processCPU(t.pid) - own, source: t.server.since(source)}
	var took []time.Duration
	for _, p := range parts {
		if p.err != nil {
			return s, p.err
		}
		took = append(took, p.took...)
	}
	if s.ops = len(took); s.ops > 0 {
		slices.Sort(took)
		s.latency = took[len(took)/2]
	}
	return s, ctx.Err()
}

// answer asks once and gives the body.
func (t target) answer(ctx context.Context, request int) ([]byte, error) {
	c, err := dial(ctx, t.address)
	if err != nil {
		return nil, err
	}
	defer c.conn.Close()
	return c.ask(t.requests[request], true)
}

// client is a keep-alive HTTP/1.1 connection that does as little as possible: net/http's client would cost as much as
// some of the servers, on the same cores.
type client struct {
	conn net.Conn
	r    *bufio.Reader
}

func dial(ctx context.Context, address string) (*client, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &client{conn, bufio.NewReaderSize(conn, 64<<10)}, nil
}

// request is a request as it goes over the wire.
func request(method, path, token, contentType string, body []byte) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: bench\r\n", method, path)
	if token != "" {
		fmt.Fprintf(&b, "Authorization: Bearer %s\r\n", token)
	}
	if body != nil {
		fmt.Fprintf(&b, "Content-Type: %s\r\nContent-Length: %d\r\n", contentType, len(body))
	}
	b.WriteString("\r\n")
	b.Write(body)
	return b.Bytes()
}

var errResponse = errors.New("response is not understood")

// ask sends a request and reads the answer to its end; keep asks for the body.
func (c *client) ask(request []byte, keep bool) ([]byte, error) {
	if _, err := c.conn.Write(request); err != nil {
		return nil, err
	}
	l, err := c.r.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	if len(l) < 12 {
		return nil, errResponse
	}
	ok, status := l[9] == '2', string(bytes.TrimSpace(l))
	length, chunked := 0, false
	for {
		if l, err = c.r.ReadSlice('\n'); err != nil {
			return nil, err
		}
		if len(l) <= 2 {
			break
		}
		if v, found := header(l, "content-length:"); found {
			if length, err = strconv.Atoi(v); err != nil {
				return nil, errResponse
			}
		} else if v, found := header(l, "transfer-encoding:"); found {
			chunked = v == "chunked"
		}
	}
	var body []byte
	for {
		if chunked {
			if l, err = c.r.ReadSlice('\n'); err != nil {
				return nil, err
			}
			n, err := strconv.ParseInt(string(bytes.TrimSpace(l)), 16, 32)
			if err != nil {
				return nil, errResponse
			}
			length = int(n)
		}
		if keep || !ok {
			at := len(body)
			body = append(body, make([]byte, length)...)
			_, err = io.ReadFull(c.r, body[at:])
		} else {
			_, err = c.r.Discard(length)
		}
		if err != nil {
			return nil, err
		}
		if !chunked {
			break
		}
		if _, err = c.r.Discard(2); err != nil {
			return nil, err
		}
		if length == 0 {
			break
		}
	}
	if !ok {
		return nil, fmt.Errorf("%s: %s", status, body[:min(len(body), 500)])
	}
	return body, nil
}

// header is the value of a header line if it is the one of that name, in lower case.
func header(l []byte, name string) (string, bool) {
	if len(l) < len(name) || !bytes.EqualFold(l[:len(name)], []byte(name)) {
		return "", false
	}
	return string(bytes.ToLower(bytes.TrimSpace(l[len(name):]))), true
}
