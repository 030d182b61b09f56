package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
)

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

// exchange sends one request by net/http's client and hands the body of the answer to read as it comes. It is for what takes
// long, and for preparations.
func exchange(ctx context.Context, method, url, token, contentType string, body io.Reader, read func(io.Reader) error) (err error) {
	r, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return err
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	if res.StatusCode >= 300 {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 1000)) // as much as there is of it
		return fmt.Errorf("%s %s: %s: %s", method, r.URL.Path, res.Status, text)
	}
	return read(res.Body)
}
