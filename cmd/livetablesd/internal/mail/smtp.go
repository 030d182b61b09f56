package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/smtp"
	"net/textproto"
	"strconv"
	"time"

	"github.com/livetables/livetables"
)

// TLSMode says how a mail server is spoken to.
type TLSMode string

// The modes. There is no mode that uses TLS only where it is offered: whoever sits in between could take the offer away.
const (
	StartTLS    TLSMode = "starttls" // the connection is encrypted before anything is said; the zero value means this too
	ImplicitTLS TLSMode = "implicit" // TLS from the first byte, usually on port 465
	NoTLS       TLSMode = "off"      // only for servers that are allowed by name, and without a password
)

// SMTPOptions configure an SMTP. Server, From and Dial are required.
type SMTPOptions struct {
	Server string // host:port
	From   Sender
	TLS    TLSMode
	// User and Password are for AUTH PLAIN; no User, no AUTH.
	User     string
	Password livetables.Secret
	// Dial opens the connection. It decides which addresses may be connected to: an address guard's DialContext.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Plain reports whether a server may be spoken to without TLS; nil allows none.
	Plain func(host string, port int) bool
	// RootCAs are whom server certificates must lead to; nil is the system's.
	RootCAs *x509.CertPool
	// Timeout bounds one Send, default one minute.
	Timeout time.Duration
}

// SMTP is the Mailer that hands messages to a mail server (RFC 5321), with a connection for each.
type SMTP struct {
	options SMTPOptions
	host    string
}

// maxReplies bounds what a mail server may say in one connection, in bytes. An honest one says less than ten thousand, with
// its certificates.
const maxReplies = 256 << 10

// NewSMTP checks the options; nothing is connected to.
func NewSMTP(o SMTPOptions) (*SMTP, error) {
	host, portText, err := net.SplitHostPort(o.Server)
	port, perr := strconv.ParseUint(portText, 10, 16)
	if err != nil || perr != nil || host == "" || port == 0 {
		return nil, fmt.Errorf("mail server %q: want host:port", o.Server)
	}
	if o.TLS == "" {
		o.TLS = StartTLS
	}
	if o.Timeout == 0 {
		o.Timeout = time.Minute
	}
	var errs []error
	switch o.TLS {
	case StartTLS, ImplicitTLS:
	case NoTLS:
		if o.Plain == nil || !o.Plain(host, int(port)) {
			errs = append(errs, fmt.Errorf("mail server %s: only a server among the allowed hosts may be used without TLS", o.Server))
		}
		if o.User != "" {
			errs = append(errs, fmt.Errorf("mail server %s: a password needs TLS", o.Server))
		}
	default:
		errs = append(errs, fmt.Errorf("mail server %s: TLS mode %q is none of %s, %s, %s", o.Server, o.TLS, StartTLS, ImplicitTLS, NoTLS))
	}
	if o.From.address.Address == "" {
		errs = append(errs, errors.New("mail server: no sender given"))
	}
	if o.Dial == nil {
		errs = append(errs, errors.New("mail server: no dialer given"))
	}
	if (o.User == "") != o.Password.IsZero() {
		errs = append(errs, errors.New("mail server: user and password go together"))
	}
	if o.Timeout < 0 {
		errs = append(errs, errors.New("mail server: negative timeout"))
	}
	return &SMTP{o, host}, errors.Join(errs...)
}

// Send implements Mailer. What fails before the server has heard of the message is ErrUnavailable.
func (s *SMTP) Send(ctx context.Context, m Message) error {
	text, err := m.encode(s.options.From)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.options.Timeout)
	defer cancel()
	conn, err := s.options.Dial(ctx, "tcp", s.options.Server)
	if err != nil {
		return unavailable("connect to", err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	client, err := s.greet(ctx, &boundedConn{conn, maxReplies})
	if err != nil {
		return err
	}
	if err := transmit(client, s.options.From.address.Address, m.To, text); err != nil {
		return err
	}
	_ = client.Quit() // the server has the message: what it says now changes nothing
	return nil
}

// greet opens the session, up to where messages are taken.
func (s *SMTP) greet(ctx context.Context, conn net.Conn) (*smtp.Client, error) {
	config := &tls.Config{ServerName: s.host, RootCAs: s.options.RootCAs, MinVersion: tls.VersionTLS12}
	if s.options.TLS == ImplicitTLS {
		secure := tls.Client(conn, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, unavailable("agree on TLS with", err)
		}
		conn = secure
	}
	client, err := smtp.NewClient(conn, s.host)
	if err != nil {
		return nil, unavailable("be greeted by", err)
	}
	if err := client.Hello("localhost"); err != nil { // our own name is nobody's business
		return nil, unavailable("greet", err)
	}
	if s.options.TLS == StartTLS {
		if err := client.StartTLS(config); err != nil { // refused as well by a server that does not know it
			return nil, unavailable("agree on TLS with", err)
		}
	}
	if s.options.User != "" {
		if err := client.Auth(smtp.PlainAuth("", s.options.User, s.options.Password.Reveal(), s.host)); err != nil {
			return nil, unavailable("log in to", err)
		}
	}
	return client, nil
}

// transmit hands one message over.
func transmit(client *smtp.Client, from, to string, text []byte) error {
	if err := client.Mail(from); err != nil {
		return refused("MAIL", err)
	}
	if err := client.Rcpt(to); err != nil {
		return refused("RCPT", err)
	}
	w, err := client.Data()
	if err != nil {
		return refused("DATA", err)
	}
	if _, err := w.Write(text); err != nil {
		return refused("DATA", err)
	}
	return refused("end of DATA", w.Close())
}

func unavailable(what string, err error) error {
	return fmt.Errorf("%w: %s the mail server: %s", ErrUnavailable, what, clip(err))
}

// refused is what the server says about a message. A reply of 421 is about the server itself (RFC 5321, section 3.8).
func refused(step string, err error) error {
	var reply *textproto.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &reply) && reply.Code == 421:
		return unavailable("stay with", err)
	}
	return fmt.Errorf("mail server at %s: %s", step, clip(err))
}

// clip bounds what a server's own words take in the log. The error behind is not wrapped: nobody asks for it.
func clip(err error) string {
	text := err.Error()
	return text[:min(len(text), 300)]
}

// boundedConn reads no more than left bytes.
type boundedConn struct {
	net.Conn
	left int
}

func (c *boundedConn) Read(b []byte) (int, error) {
	if c.left <= 0 {
		return 0, errors.New("the mail server says too much")
	}
	n, err := c.Conn.Read(b[:min(len(b), c.left)])
	c.left -= n
	return n, err
}
