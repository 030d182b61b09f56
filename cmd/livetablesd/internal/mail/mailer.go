package mail

import (
	"context"
	"errors"
)

// Mailer takes messages over. Send returns nil once the message is somebody else's to deliver. An error that is
// ErrUnavailable says nothing about the message: it can be sent later as it is. Any other error is about this message.
// A Mailer is used by many goroutines.
type Mailer interface {
	Send(ctx context.Context, m Message) error
}

// ErrUnavailable means that no message can be handed over at the moment: the server is down, refuses us or is not who it
// should be, or the directory cannot be written.
var ErrUnavailable = errors.New("mail cannot be handed over")
