package httpapi

import (
	"context"
	"net/http"
	"time"
)

func probeRoutes() []route {
	return []route{
		{method: "GET", path: "/{$}", handler: frontPage, audience: probes},
		{method: "GET", path: "/healthz", handler: alive, audience: probes},
		{method: "GET", path: "/readyz", handler: ready, audience: probes},
	}
}

// alive says that the process answers.
func alive(c *call) error { return c.raw(http.StatusOK, []byte("{\"status\":\"ok\"}\n")) }

// ready says whether requests can be served. Why not is for the log.
func ready(c *call) error {
	ctx, cancel := context.WithTimeout(c.ctx(), 2*time.Second)
	defer cancel()
	if err := c.s.opt.Ready(ctx); err != nil {
		c.s.log.WarnContext(ctx, "not ready", "error", err)
		p := problemOf(http.StatusServiceUnavailable, "not_ready", "the server cannot serve requests at the moment")
		p.retryAfter = time.Second
		return p
	}
	return c.raw(http.StatusOK, []byte("{\"status\":\"ready\"}\n"))
}

// front is what a browser sees: no scripts, no styles, no versions.
const front = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Live Tables</title></head>
<body>
<h1>Live Tables</h1>
<p>This is the API of a Live Tables server: tables with queries, roles, history and live updates over your databases.</p>
<ul>
<li><code>POST /api/v1/auth/login</code> answers with an access token; every other route under <code>/api/v1</code> wants it as <code>Authorization: Bearer …</code>.</li>
<li><code>GET /public/views/{slug}/data</code> reads a published view.</li>
<li><a href="/healthz">/healthz</a> and <a href="/readyz">/readyz</a> are for monitoring.</li>
</ul>
<p>Documentation: <a rel="noreferrer" href="https://github.com/livetables/livetables/blob/main/docs/api.md">docs/api.md</a></p>
</body>
</html>
`

func frontPage(c *call) error {
	c.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if _, err := c.w.Write([]byte(front)); err != nil {
		panic(http.ErrAbortHandler)
	}
	return nil
}
