package ws

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/coder/websocket"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/realtime"
)

// handle does one command. Nothing is done for a client that has not authenticated.
func (c *conn) handle(ctx context.Context, data []byte) {
	verdict := c.pace.next(time.Now())
	if verdict.end != 0 {
		reason := "too many commands"
		if verdict.end == websocket.StatusPolicyViolation {
			reason = "too many messages"
		}
		c.fail(verdict.end, reason)
		return
	}
	cmd, err := decodeCommand(data, c.limits.FrameIn)
	if err != nil {
		c.fail(CloseBadFrame, badFrame(err))
		return
	}
	if name := cmd.foreign(); name != "" {
		c.fail(CloseBadFrame, name+" does not belong to "+closeText(cmd.Op))
		return
	}
	if !c.authed && cmd.Op != "auth" {
		c.fail(CloseToken, "authenticate first")
		return
	}
	if verdict.refused {
		c.reply(errReply(cmd.ID, codeRateLimited, "too many commands", verdict.wait))
		return
	}
	switch cmd.Op {
	case "auth":
		c.auth(ctx, &cmd)
	case "subscribe":
		c.subscribe(ctx, &cmd)
	case "unsubscribe":
		if !c.leave(cmd.roomName()) {
			c.reply(errReply(cmd.ID, codeNotFound, "not subscribed to this room", 0))
			return
		}
		c.reply(okEmpty(cmd.ID))
	case "ack":
		c.ack(&cmd)
	case "ping":
		c.reply(okPing(cmd.ID, time.Now()))
	default:
		c.fail(CloseBadFrame, "unknown op")
	}
}

// badFrame is the first problem of a message, short enough for a close reason.
func badFrame(err error) string {
	var problems lqp.Problems
	if errors.As(err, &problems) && len(problems) > 0 {
		return closeText(problems[0].Path + ": " + problems[0].Message)
	}
	return "not a command"
}

// closeText cuts a text to what a close frame can carry besides a few words.
func closeText(s string) string {
	const most = 90
	if len(s) > most {
		s = s[:most]
	}
	return strings.ToValidUTF8(s, "")
}

// auth takes the first token of a connection, or a new one of the same user.
func (c *conn) auth(ctx context.Context, cmd *command) {
	if cmd.Token == nil || *cmd.Token == "" {
		c.fail(CloseToken, "token is missing")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, c.limits.Subscribe)
	defer cancel()
	subject, err := c.h.options.Authenticate(ctx, *cmd.Token, c.request)
	if err != nil {
		c.refuse(ctx, err, "token refused")
		return
	}
	if subject.User == "" {
		c.h.options.Logger.ErrorContext(ctx, "websocket token without user accepted")
		c.fail(CloseToken, "unauthorized")
		return
	}
	if !c.authed {
		if !c.h.admit(c, subject) {
			c.fail(CloseConnections, "too many connections")
			return
		}
	} else if old := c.who(); old.User != subject.User || old.Workspace != subject.Workspace {
		c.fail(CloseForbidden, "token of another user")
		return
	}
	c.mu.Lock()
	c.subject = subject
	c.mu.Unlock()
	c.authed = true
	select {
	case c.renewed <- struct{}{}:
	default:
	}
	c.reply(okAuth(cmd.ID, subject))
}

// refuse ends the connection of a subject that does not count, or of which that cannot be told.
func (c *conn) refuse(ctx context.Context, err error, what string) {
	c.h.options.Logger.InfoContext(ctx, "websocket "+what, "error", err)
	switch {
	case errors.Is(err, ErrUnauthorized):
		c.fail(CloseToken, ErrUnauthorized.Error())
	case errors.Is(err, ErrForbidden), errors.Is(err, ErrNotFound), errors.Is(err, ErrRevoked):
		c.fail(CloseForbidden, ErrForbidden.Error())
	default:
		c.fail(CloseDraining, "cannot authenticate at the moment")
	}
}

// subscribe opens a room, in the place of an earlier subscription to it if there is one.
func (c *conn) subscribe(ctx context.Context, cmd *command) {
	name := cmd.roomName()
	if name == "" {
		c.reply(errReply(cmd.ID, codeBadRequest, "room is missing", 0))
		return
	}
	if !validRoom(name) {
		c.reply(errReply(cmd.ID, codeNotFound, ErrNotFound.Error(), 0))
		return
	}
	if !empty(cmd.Params) || !empty(cmd.Window) || !empty(cmd.Have) {
		c.reply(errReply(cmd.ID, codeBadRequest, "params, window and have are not for rooms of tables", 0))
		return
	}
	var since *realtime.Position
	if cmd.Since != nil {
		if cmd.Since.Epoch == "" || len(cmd.Since.Epoch) > 128 || cmd.Since.Offset < 0 || len(cmd.Since.Pos) > maxPos {
			c.reply(errReply(cmd.ID, codeBadRequest, "since is the epoch, offset and pos of a frame", 0))
			return
		}
		since = &realtime.Position{Epoch: cmd.Since.Epoch, Offset: cmd.Since.Offset, Pos: cmd.Since.Pos}
	}
	c.mu.Lock()
	full := c.rooms[name] == nil && len(c.rooms) >= c.limits.Rooms
	c.mu.Unlock()
	if full {
		c.reply(errReply(cmd.ID, codeTooLarge, "too many rooms on this connection", 0))
		return
	}
	opening, cancel := context.WithTimeout(ctx, c.limits.Subscribe)
	defer cancel()
	stream, err := c.h.options.Source.Subscribe(opening, c.who(), name, since)
	if err != nil {
		code, message, known := explain(err)
		if !known {
			c.h.options.Logger.ErrorContext(ctx, "websocket subscription failed", "room", name, "error", err)
		}
		c.reply(errReply(cmd.ID, code, message, 0))
		return
	}
	c.leave(name)
	mode, at := stream.Start()
	c.reply(okSubscribed(cmd.ID, mode, at))
	c.join(ctx, name, stream, at)
}

// validRoom knows the rooms of tables.
func validRoom(name string) bool {
	id, ok := strings.CutPrefix(name, "/data/")
	if !ok || id == "" || len(id) > 64 {
		return false
	}
	for i := range len(id) {
		b := id[i]
		if !('a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || b == '_' || b == '-') {
			return false
		}
	}
	return true
}

// ack notes how far a client got. Its own position is what counts when it comes back; this is for watching.
func (c *conn) ack(cmd *command) {
	c.mu.Lock()
	r := c.rooms[cmd.roomName()]
	c.mu.Unlock()
	switch {
	case r == nil:
		c.reply(errReply(cmd.ID, codeNotFound, "not subscribed to this room", 0))
		return
	case cmd.Offset == nil || *cmd.Offset < 0 || *cmd.Offset > r.offset.Load() || cmd.Epoch != nil && *cmd.Epoch != r.epoch:
		c.reply(errReply(cmd.ID, codeBadRequest, "no frame with this position was sent", 0))
		return
	}
	r.acked.Store(max(r.acked.Load(), *cmd.Offset))
	if cmd.ID != nil {
		c.reply(okEmpty(cmd.ID))
	}
}
