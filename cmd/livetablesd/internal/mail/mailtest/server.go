package mailtest

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"mime"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"strings"
	"sync"
	"testing"
	"time"
)

// Letter is a message that the server took over.
type Letter struct {
	From, To string // of the envelope
	Header   netmail.Header
	Text     string // decoded, lines ended by \n
	TLS      bool
	User     string // who logged in
}

// Subject is the subject, decoded.
func (l Letter) Subject() string {
	s, err := new(mime.WordDecoder).DecodeHeader(l.Header.Get("Subject"))
	if err != nil {
		return l.Header.Get("Subject")
	}
	return s
}

// Server is a mail server on a loopback port, which may be stopped and started again on the same one. Its fields are set
// before Start.
type Server struct {
	// Reply answers a command, or, when the command is ".", the end of a message: an empty text is the usual answer, and
	// "close" ends the connection instead of one.
	Reply func(command string) string
	// NoStartTLS leaves STARTTLS out; Implicit begins with TLS.
	NoStartTLS, Implicit bool
	// User and Password are whom AUTH PLAIN lets in; without them nobody is asked.
	User, Password string

	t       testing.TB
	address string
	cert    tls.Certificate
	roots   *x509.CertPool

	mu       sync.Mutex
	listener net.Listener
	conns    map[net.Conn]bool
	letters  []Letter
	opened   int
	running  sync.WaitGroup
}

// New makes a server with a certificate of its own for 127.0.0.1. It is stopped with the test.
func New(t testing.TB) *Server {
	t.Helper()
	s := &Server{t: t, conns: map[net.Conn]bool{}, roots: x509.NewCertPool(), address: "127.0.0.1:0"}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	s.roots.AddCert(leaf)
	s.cert = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
	t.Cleanup(s.Stop)
	return s
}

// Start listens, on the port it had before if there was one.
func (s *Server) Start() *Server {
	s.t.Helper()
	l, err := net.Listen("tcp", s.address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.mu.Lock()
	s.listener, s.address = l, l.Addr().String()
	s.mu.Unlock()
	s.running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns[conn] = true
			s.opened++
			s.mu.Unlock()
			s.running.Go(func() {
				s.serve(conn)
				conn.Close()
				s.mu.Lock()
				delete(s.conns, conn)
				s.mu.Unlock()
			})
		}
	})
	return s
}

// Stop ends listening and every connection, and waits for them. Stopping twice is harmless.
func (s *Server) Stop() {
	s.mu.Lock()
	if s.listener != nil {
		s.listener.Close()
		s.listener = nil
	}
	for c := range s.conns {
		c.Close()
	}
	s.mu.Unlock()
	s.running.Wait()
}

// Address is host:port; the port is known once the server was started.
func (s *Server) Address() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.address
}

// Roots are what its certificate leads to.
func (s *Server) Roots() *x509.CertPool { return s.roots }

// CertPEM is its certificate, for programs that read whom to trust from a file.
func (s *Server) CertPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.cert.Certificate[0]})
}

// Opened counts the connections that were ever opened.
func (s *Server) Opened() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opened
}

// Letters are the messages taken over so far.
func (s *Server) Letters() []Letter {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Letter(nil), s.letters...)
}

// session is one connection.
type session struct {
	s      *Server
	conn   net.Conn
	r      *bufio.Reader
	letter Letter
}

func (s *Server) serve(conn net.Conn) {
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	c := &session{s: s, conn: conn}
	if s.Implicit {
		c.secure()
	}
	c.r = bufio.NewReader(c.conn)
	if !c.say("CONNECT", "220 test ESMTP") {
		return
	}
	for {
		line, err := c.r.ReadString('\n')
		if err != nil || !c.command(strings.TrimRight(line, "\r\n")) {
			return
		}
	}
}

func (c *session) secure() {
	c.conn = tls.Server(c.conn, &tls.Config{Certificates: []tls.Certificate{c.s.cert}})
	c.r = bufio.NewReader(c.conn)
	c.letter.TLS = true
}

// say answers a command, unless Reply has another answer; false when the connection is to end.
func (c *session) say(command, usual string) bool {
	if c.s.Reply != nil {
		if other := c.s.Reply(command); other != "" {
			usual = other
		}
	}
	if usual == "close" {
		return false
	}
	_, err := io.WriteString(c.conn, usual+"\r\n")
	return err == nil
}

func (c *session) command(line string) bool {
	verb, rest, _ := strings.Cut(line, " ")
	switch strings.ToUpper(verb) {
	case "EHLO":
		reply := "250-test\r\n250-8BITMIME\r\n"
		if !c.s.NoStartTLS && !c.letter.TLS {
			reply += "250-STARTTLS\r\n"
		}
		if c.s.User != "" && c.letter.TLS {
			reply += "250-AUTH PLAIN\r\n"
		}
		return c.say(line, reply+"250 SIZE 1000000")
	case "STARTTLS":
		if c.s.NoStartTLS {
			return c.say(line, "502 5.5.1 not here")
		}
		if !c.say(line, "220 go on") {
			return false
		}
		c.secure()
		return true
	case "AUTH":
		given, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(rest, "PLAIN "))
		if err != nil || string(given) != "\x00"+c.s.User+"\x00"+c.s.Password {
			return c.say("AUTH", "535 5.7.8 no")
		}
		c.letter.User = c.s.User
		return c.say("AUTH", "235 yes")
	case "MAIL":
		if c.s.User != "" && c.letter.User == "" {
			return c.say(line, "530 5.7.0 log in first")
		}
		c.letter.From = between(rest)
		return c.say(line, "250 ok")
	case "RCPT":
		c.letter.To = between(rest)
		return c.say(line, "250 ok")
	case "DATA":
		return c.say(line, "354 go on") && c.data()
	case "QUIT":
		_ = c.say(line, "221 bye")
		return false
	}
	return c.say(line, "502 5.5.1 unknown")
}

// between is what stands in the angle brackets of a path.
func between(s string) string {
	_, s, _ = strings.Cut(s, "<")
	s, _, _ = strings.Cut(s, ">")
	return s
}

func (c *session) data() bool {
	var raw bytes.Buffer
	for {
		line, err := c.r.ReadString('\n')
		if err != nil {
			return false
		}
		if line == ".\r\n" {
			break
		}
		raw.WriteString(strings.TrimPrefix(line, "."))
	}
	if c.s.Reply != nil {
		if reply := c.s.Reply("."); reply != "" && !strings.HasPrefix(reply, "250") {
			return c.say(".", reply)
		}
	}
	letter, err := Parse(raw.Bytes())
	if err != nil {
		return c.say("", "554 5.6.0 "+fmt.Sprint(err))
	}
	letter.From, letter.To, letter.TLS, letter.User = c.letter.From, c.letter.To, c.letter.TLS, c.letter.User
	c.s.mu.Lock()
	c.s.letters = append(c.s.letters, letter)
	c.s.mu.Unlock()
	return c.say("", "250 ok")
}

// Parse reads a message as it is transmitted and as it lies in an outbox.
func Parse(raw []byte) (Letter, error) {
	m, err := netmail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return Letter{}, err
	}
	text, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if err != nil {
		return Letter{}, err
	}
	return Letter{Header: m.Header, To: between(m.Header.Get("To")), Text: strings.ReplaceAll(string(text), "\r\n", "\n")}, nil
}
