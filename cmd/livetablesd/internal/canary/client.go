package canary

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// line is one connection to the daemon, kept open. It is cheaper than an http.Client, which takes two goroutines for each.
type line struct {
	host string
	conn net.Conn
	in   *bufio.Reader
	out  bytes.Buffer
	body bytes.Buffer
}

func newLine(base string) (*line, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	return &line{host: u.Host}, nil
}

// answer is what came back. body is good until the next request on the line.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// maxAnswer bounds what is read of one answer.
const maxAnswer = 16 << 20

// do sends a request and reads the answer. A line whose other end was closed is opened anew once.
func (l *line) do(r *request) (*answer, error) {
	fresh := l.conn == nil
	a, err := l.try(r)
	if err != nil && !fresh {
		l.close()
		a, err = l.try(r)
	}
	if err != nil {
		l.close()
		return nil, fmt.Errorf("%s: %w", r, err)
	}
	return a, nil
}

func (l *line) try(r *request) (*answer, error) {
	if l.conn == nil {
		conn, err := net.DialTimeout("tcp", l.host, 5*time.Second)
		if err != nil {
			return nil, err
		}
		l.conn, l.in = conn, bufio.NewReaderSize(conn, 16<<10)
	}
	l.out.Reset()
	l.out.WriteString(r.method + " " + escaped(r.path) + " HTTP/1.1\r\nHost: " + l.host + "\r\n")
	for _, h := range r.headers {
		l.out.WriteString(h[0] + ": " + h[1] + "\r\n")
	}
	if r.body != nil {
		l.out.WriteString("Content-Length: " + strconv.Itoa(len(r.body)) + "\r\n")
	}
	l.out.WriteString("\r\n")
	l.out.Write(r.body)
	if err := l.conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return nil, err
	}
	if _, err := l.conn.Write(l.out.Bytes()); err != nil {
		return nil, err
	}
	res, err := http.ReadResponse(l.in, &http.Request{Method: r.method})
	if err != nil {
		return nil, err
	}
	l.body.Reset()
	_, err = io.Copy(&l.body, io.LimitReader(res.Body, maxAnswer))
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return nil, err
	}
	if res.Close || res.StatusCode == http.StatusSwitchingProtocols {
		l.close()
	}
	return &answer{res.StatusCode, res.Header, l.body.Bytes()}, nil
}

func (l *line) close() {
	if l.conn != nil {
		_ = l.conn.Close() // there is nothing to lose
		l.conn = nil
	}
}

// escaped makes a path fit for a request line: ids are not always what they should be.
func escaped(path string) string {
	for i := range len(path) {
		if c := path[i]; c <= ' ' || c >= 0x7f {
			return url.PathEscape(path)
		}
	}
	return path
}
