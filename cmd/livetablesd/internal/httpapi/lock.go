package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/minidb"
)

// Rows that somebody keeps others from changing for a while.
func lockRoutes() []route {
	return []route{
		{method: "POST", path: api + "/tables/{table}/rows/{row}/lock", handler: lockRow, body: bodyOptional},
		{method: "DELETE", path: api + "/tables/{table}/rows/{row}/lock", handler: unlockRow, params: []string{"break"}},
	}
}

// lockSeconds is how long a lock lasts unless the request says something else.
const lockSeconds = 60

// rowLock is a lock as clients see it.
type rowLock struct {
	Holder    string    `json:"holder"`
	TakenAt   time.Time `json:"taken_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

func rowLockOf(l *minidb.RowLock) *rowLock { return &rowLock{l.Holder, l.TakenAt, l.ExpiresAt} }

// lockRow takes or renews a lock.
func lockRow(c *call) error {
	in, err := decode[struct {
		Seconds *int64 `json:"seconds"`
	}](c)
	if err != nil {
		return err
	}
	seconds := int64(lockSeconds)
	if in.Seconds != nil {
		seconds = min(max(*in.Seconds, -1), int64(minidb.MaxLock/time.Second)+1) // out of range stays so and does not overflow
	}
	lock, err := c.access.LockRow(c.ctx(), c.id("table"), c.id("row"), time.Duration(seconds)*time.Second)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, rowLockOf(lock))
}

func unlockRow(c *call) error {
	force, err := c.params.boolean("break")
	if err != nil {
		return err
	}
	if err := c.access.UnlockRow(c.ctx(), c.id("table"), c.id("row"), force); err != nil {
		return err
	}
	return c.noContent()
}

// appendLock puts the lock of a row, if somebody holds it, at the end of the row's document.
func appendLock(row []byte, lock *minidb.RowLock) ([]byte, error) {
	if lock == nil {
		return row, nil
	}
	doc, err := json.Marshal(rowLockOf(lock))
	if err != nil {
		return nil, fmt.Errorf("encode lock: %w", err)
	}
	return append(append(append(row[:len(row)-1], `,"lock":`...), doc...), '}'), nil
}

// lockedProblem says who holds the lock and until when.
func lockedProblem(locked *minidb.LockedError) *Problem {
	p := problemOf(http.StatusConflict, livetables.CodeRowLocked, locked.Error())
	p.Lock = rowLockOf(&locked.RowLock)
	return p
}
