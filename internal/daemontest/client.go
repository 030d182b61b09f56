package daemontest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Client asks a daemon over HTTP. Base and Token may be changed while nothing is asked; otherwise it may be used by many
// goroutines.
type Client struct {
	Base  string // the daemon's URL
	Token string // sent as a bearer token, unless it is empty
	HTTP  *http.Client
}

// NewClient makes a client that waits for an answer no longer than a minute and keeps a connection for each of so many
// goroutines.
func NewClient(base string, goroutines int) *Client {
	return &Client{Base: base, HTTP: &http.Client{Timeout: time.Minute,
		Transport: &http.Transport{MaxIdleConnsPerHost: goroutines, ResponseHeaderTimeout: time.Minute}}}
}

// Answer is what a request was answered with.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Code is the code of a refusal, empty for anything else.
func (a *Answer) Code() string {
	var problem struct {
		Code string `json:"code"`
	}
	if a.Status < 400 || json.Unmarshal(a.Body, &problem) != nil {
		return ""
	}
	return problem.Code
}

// Decode reads the body.
func (a *Answer) Decode(out any) error {
	if err := json.Unmarshal(a.Body, out); err != nil {
		return fmt.Errorf("read answer %.200q: %w", a.Body, err)
	}
	return nil
}

// Send sends a request with a body, which may be nil, and headers in pairs. An error means that no whole answer came: what
// the request did is not known.
func (c *Client) Send(ctx context.Context, method, path string, body []byte, headers ...string) (*Answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.Base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return nil, err
	}
	return &Answer{Status: resp.StatusCode, Header: resp.Header, Body: text}, nil
}

// Must sends a document, nil for none, expects one of the statuses for success and reads the answer into out unless that is
// nil.
func (c *Client) Must(ctx context.Context, method, path string, doc, out any) error {
	var body []byte
	if doc != nil {
		var err error
		if body, err = json.Marshal(doc); err != nil {
			return err
		}
	}
	a, err := c.Send(ctx, method, path, body)
	if err != nil {
		return err
	}
	if a.Status < 200 || a.Status > 299 {
		return fmt.Errorf("%s %s: status %d: %.500s", method, path, a.Status, a.Body)
	}
	if out == nil {
		return nil
	}
	return a.Decode(out)
}

// Password is that of the account which SignUp makes.
const Password = "a password of some length"

// SignUp makes the first account of a daemon and goes on with a personal access token of it, which does not end while a
// campaign is running. It may do what the account may, but make workspaces, which is why one is made here.
func (c *Client) SignUp(ctx context.Context, setupToken string) (workspace string, err error) {
	const email = "owner@example.com"
	if err := c.Must(ctx, http.MethodPost, "/api/v1/auth/setup", map[string]any{"setup_token": setupToken, "email": email, "name": "Owner", "password": Password}, nil); err != nil {
		return "", err
	}
	var login struct {
		Token string `json:"access_token"`
	}
	if err := c.Must(ctx, http.MethodPost, "/api/v1/auth/login", map[string]any{"email": email, "password": Password}, &login); err != nil {
		return "", err
	}
	c.Token = login.Token
	var made struct {
		ID string `json:"id"`
	}
	if err := c.Must(ctx, http.MethodPost, "/api/v1/workspaces", map[string]any{"name": "Campaign"}, &made); err != nil {
		return "", err
	}
	var token struct {
		Token string `json:"token"`
	}
	if err := c.Must(ctx, http.MethodPost, "/api/v1/auth/tokens", map[string]any{"name": "campaign", "scopes": []string{"data.read", "rows.write", "tables.alter"},
		"expires_at": time.Now().Add(48 * time.Hour)}, &token); err != nil {
		return "", err
	}
	c.Token = token.Token
	return made.ID, nil
}

// MakeTable makes a base with a table of these columns in a workspace.
func (c *Client) MakeTable(ctx context.Context, workspace, name string, columns ...map[string]any) (table string, err error) {
	var made struct {
		ID string `json:"id"`
	}
	if err := c.Must(ctx, http.MethodPost, "/api/v1/workspaces/"+workspace+"/bases", map[string]any{"name": "Base of " + name}, &made); err != nil {
		return "", err
	}
	if err := c.Must(ctx, http.MethodPost, "/api/v1/bases/"+made.ID+"/tables", map[string]any{"name": name, "columns": columns}, &made); err != nil {
		return "", err
	}
	return made.ID, nil
}
