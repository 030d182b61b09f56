package daemon

import (
	"context"
	"fmt"
	"io"

	"github.com/livetables/livetables/cmd/livetablesd/internal/auth"
)

// welcome tells the operator of an instance without accounts how to make the first one, or makes the demo.
func (d *Daemon) welcome(ctx context.Context, accounts *auth.Service, out io.Writer) error {
	token, first, err := accounts.SetupToken(ctx)
	if err != nil {
		return err
	}
	url := "http://" + d.Address()
	switch {
	case first && d.config.Demo:
		return makeDemo(ctx, d.engine, accounts, token, url, out)
	case d.config.Demo:
		_, err = fmt.Fprintf(out, "\nThis data directory has accounts already; the demo is only made on an empty one (try another --data-dir).\n\n")
	case first:
		_, err = fmt.Fprintf(out, `
There is no account yet. Make the first one, an instance admin, with this one-time token:

  curl %s/api/v1/auth/setup -H 'Content-Type: application/json' \
    -d '{"setup_token":"%s","email":"you@example.com","name":"You","password":"choose-a-long-one"}'

Or start with --demo on an empty data directory for a sample workspace.

`, url, token)
	}
	return err
}
