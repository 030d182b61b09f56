package daemon

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/cmd/livetablesd/internal/auth"
	"github.com/livetables/livetables/cmd/livetablesd/internal/httpapi"
)

// OIDC are the settings of logins at an OpenID Connect issuer. The zero OIDC has none.
type OIDC struct {
	Issuer           string   `placeholder:"URL" help:"OpenID Connect issuer at which people may log in, such as https://login.example.com. It needs --public-url, at whose /api/v1/auth/oidc/callback browsers come back; register that address there. Without TLS it must be among --allow-host."`
	ClientID         string   `placeholder:"ID" help:"This daemon's client id at the issuer."`
	ClientSecretFile string   `type:"existingfile" placeholder:"FILE" help:"File that holds the client secret. Default: the issuer knows the client by its id alone."`
	AllowDomain      []string `placeholder:"DOMAIN" help:"People whose address in this domain the issuer has verified get an account at their first login, whatever --registration says, and others get none. Repeatable."`
	LinkByEmail      bool     `help:"Let people whose address the issuer has verified into the existing account with that address. Only for an issuer that you trust with every account."`
}

// oidc are the settings of the issuer for the accounts, nil when there is none.
func (c *Config) oidc() (*auth.OIDC, error) {
	o := c.OIDC
	if o.Issuer == "" {
		if o.ClientID != "" || o.ClientSecretFile != "" || len(o.AllowDomain) > 0 || o.LinkByEmail {
			return nil, errors.New("the settings --oidc-… say nothing without --oidc-issuer")
		}
		return nil, nil
	}
	if c.PublicURL == "" {
		return nil, errors.New("--oidc-issuer needs --public-url, where browsers come back to")
	}
	secret, err := readPassword(o.ClientSecretFile)
	if err != nil {
		return nil, fmt.Errorf("--oidc-client-secret-file: %w", err)
	}
	listed, err := livetables.NewAddressGuard(c.AllowHost)
	if err != nil {
		return nil, err
	}
	// Who names an issuer allows the way there, wherever it is, and nothing else: the other addresses that the issuer's
	// description names must be public or listed.
	host, err := issuerHost(o.Issuer)
	if err != nil {
		return nil, fmt.Errorf("--oidc-issuer: %w", err)
	}
	guard, err := livetables.NewAddressGuard(append([]string{host}, c.AllowHost...))
	if err != nil {
		return nil, fmt.Errorf("--oidc-issuer: %w", err)
	}
	return &auth.OIDC{
		Issuer: o.Issuer, ClientID: o.ClientID, ClientSecret: secret, AllowDomains: o.AllowDomain, LinkByEmail: o.LinkByEmail,
		RedirectURL: strings.TrimRight(c.PublicURL, "/") + httpapi.OIDCCallback, Dial: guard.DialContext, Plain: listed.Lists,
	}, nil
}

// issuerHost is the host and port of an issuer.
func issuerHost(issuer string) (string, error) {
	u, err := url.Parse(issuer)
	if err != nil || u.Hostname() == "" {
		return "", fmt.Errorf("%q is no URL", issuer)
	}
	port := u.Port()
	if port == "" {
		port = "443"
		if u.Scheme == "http" {
			port = "80"
		}
	}
	return net.JoinHostPort(u.Hostname(), port), nil
}
