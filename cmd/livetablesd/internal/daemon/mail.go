package daemon

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/cmd/livetablesd/internal/mail"
)

// Mail are the settings of invites, password resets and confirmations of addresses, which go by mail.
type Mail struct {
	Server       string `placeholder:"HOST:PORT" help:"Mail server (SMTP) to hand mails to. Without one they are written into files in the directory mail of the data directory, for you to pass on. A server that is not public must be among --allow-host."`
	From         string `default:"Live Tables <livetables@localhost>" help:"Sender of mails."`
	TLS          string `name:"tls" enum:"starttls,implicit,off" default:"starttls" help:"How the mail server is spoken to: starttls, implicit (TLS from the start, port 465), or off, which only servers among --allow-host may be."`
	User         string `help:"User name at the mail server."`
	PasswordFile string `type:"existingfile" placeholder:"FILE" help:"File that holds the password of that user."`
}

// maxPasswordFile is more than any password has, in bytes.
const maxPasswordFile = 4096

// mailer makes what mails are handed to.
func (d *Daemon) mailer() (mail.Mailer, error) {
	sender := d.config.Mail.From
	if sender == "" { // of a program that runs a daemon inside
		sender = "Live Tables <livetables@localhost>"
	}
	from, err := mail.ParseSender(sender)
	if err != nil {
		return nil, fmt.Errorf("--mail-from: %w", err)
	}
	if d.config.Mail.Server == "" {
		if d.config.Mail.User != "" || d.config.Mail.PasswordFile != "" {
			return nil, errors.New("--mail-user and --mail-password-file say nothing without --mail-server")
		}
		return mail.OpenOutbox(filepath.Join(d.config.DataDir, "mail"), from, d.log)
	}
	password, err := readPassword(d.config.Mail.PasswordFile)
	if err != nil {
		return nil, fmt.Errorf("--mail-password-file: %w", err)
	}
	guard, err := livetables.NewAddressGuard(d.config.AllowHost)
	if err != nil {
		return nil, err
	}
	// A server that the guard would refuse whenever a mail is sent is told of now, as far as that can be seen without a
	// name server.
	if host, port, err := net.SplitHostPort(d.config.Mail.Server); err == nil && net.ParseIP(host) != nil {
		if err := guard.Check("tcp", net.JoinHostPort(host, port)); err != nil {
			return nil, fmt.Errorf("--mail-server: %w; name it in --allow-host", err)
		}
	}
	return mail.NewSMTP(mail.SMTPOptions{Server: d.config.Mail.Server, From: from, TLS: mail.TLSMode(d.config.Mail.TLS), User: d.config.Mail.User,
		Password: password, Dial: guard.DialContext, Plain: guard.Lists})
}

// readPassword reads a file that holds one line; no file is no password.
func readPassword(path string) (livetables.Secret, error) {
	if path == "" {
		return livetables.Secret{}, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return livetables.Secret{}, err
	}
	if info.Size() > maxPasswordFile {
		return livetables.Secret{}, fmt.Errorf("%s has %d bytes; a password was expected", path, info.Size())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return livetables.Secret{}, err
	}
	line := strings.TrimRight(string(text), "\r\n")
	if line == "" || strings.ContainsAny(line, "\r\n\x00") {
		return livetables.Secret{}, fmt.Errorf("%s does not hold one line", path)
	}
	return livetables.NewSecret(line), nil
}
