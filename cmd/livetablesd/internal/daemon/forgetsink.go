package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// ForgetSinkConfig are the settings of the forgetting of a sink.
type ForgetSinkConfig struct {
	KeysConfig
	Name string `arg:"" enum:"file,webhook" help:"The sink: file or webhook."`
}

// ForgetSink drops the place in the change log of a sink that is not used any more, so that it does not hold the cutting of logs.
func ForgetSink(ctx context.Context, c ForgetSinkConfig, out io.Writer) (err error) {
	o, err := openOffline(ctx, &c.KeysConfig, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.Close()) }()
	if err := o.engine.ForgetSink(ctx, c.Name); err != nil {
		return fmt.Errorf("forget sink: %w", err)
	}
	say(out, "the place of the sink %s is forgotten; used again, it begins with the oldest records there are", c.Name)
	return nil
}
