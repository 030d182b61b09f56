package minidb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/lqp"
)

// uploadTime is how long after the making of its id an attachment can be added. What has no record by a multiple of it is
// garbage: nobody will add it any more.
const uploadTime = 12 * time.Hour

// GarbageTime is the age after which a blob without a record belongs to nobody: the attachment can no longer be added.
const GarbageTime = 2 * uploadTime

// AddAttachment records an uploaded file, whose content is in the blob store already. It fails with ErrNotFound when the column
// is not there any more, with a *LimitError when the workspace would have more than most bytes of files then (0 for no
// limit), copies counted, and with ErrSchemaChanged when the actor's right was found in another policy.
func (db *DB) AddAttachment(ctx context.Context, actor Actor, a *Attachment, most int64) error {
	made, ok := idTime(a.ID)
	if !ok || time.Since(made) > uploadTime || a.blob != a.ID {
		return fmt.Errorf("add attachment: %w", errors.New("its id is not a new one"))
	}
	return db.write(ctx, "add attachment", actor, func(u *unit) error {
		if u.actor.Policy != 0 {
			if err := u.checkPolicy(a.Workspace, u.actor.Policy); err != nil {
				return err
			}
		}
		there, err := u.taken(`SELECT 1 FROM lt_column c JOIN lt_table t ON t.id = c.table_id
			WHERE c.id = ? AND c.table_id = ? AND c.workspace = ? AND c.type = ? AND t.archived_at IS NULL`,
			argText(a.Column), argText(a.Table), argText(a.Workspace), argText(string(AttachmentColumn)))
		if err != nil {
			return err
		}
		if !there {
			return fmt.Errorf("column: %w", ErrNotFound)
		}
		if err := u.fileRoom(a.Workspace, a.Size, most); err != nil {
			return err
		}
		a.Name, a.CreatedBy, a.CreatedAt, a.Attached = CleanFileName(a.Name), u.actor.ID, u.now, false
		_, err = u.exec(`INSERT INTO lt_attachment (`+attachmentColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			argText(a.ID), argText(a.Workspace), argText(a.Table), argText(a.Column), argText(a.blob), argText(a.Name), argText(a.Type),
			argInt(a.Size), argText(a.SHA256), argText(a.CreatedBy), argTime(a.CreatedAt), argInt(fileLoose))
		if err != nil {
			return err
		}
		u.note(attachmentEntry("attachment.upload", a.Workspace, a.ID))
		return nil
	})
}

// attachmentEntry is about a file. It has no place in the table's own log, which tells of changes of data, and says neither
// whose column it is for nor what it is called: both may be hidden from a reader of the log.
func attachmentEntry(action, workspace, id string) audit.Entry {
	return audit.Entry{Workspace: workspace, Action: action, ResourceType: "attachment", Resource: id}
}

// fileRoom fails when a workspace has no room for a file of so many bytes.
func (s session) fileRoom(workspace string, size, most int64) error {
	if most <= 0 {
		return nil
	}
	used, err := s.fileBytes(workspace)
	if err == nil && used > most-size {
		err = &LimitError{Name: "attachment_bytes", Max: int(most)}
	}
	return err
}

func (s session) fileBytes(workspace string) (int64, error) {
	n, _, err := one(s, func(r record) int64 { return r.integer(0) },
		`SELECT CAST(coalesce(sum(size), 0) AS BIGINT) FROM lt_attachment WHERE workspace = ?`, argText(workspace))
	return n, err
}

// FileRoom fails with a *LimitError when a workspace has no room for a file of so many bytes. AddAttachment asks again.
func (db *DB) FileRoom(ctx context.Context, workspace string, size, most int64) error {
	return db.read(ctx, "room for files", func(s session) error { return s.fileRoom(workspace, size, most) })
}

// Attachments finds files of a workspace that have been in cells, by id. Ids that there are none of are not in the answer.
func (db *DB) Attachments(ctx context.Context, workspace string, ids []string) (found map[string]Attachment, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	err = db.read(ctx, "find attachments", func(s session) (err error) {
		found, err = s.attachments(workspace, ids)
		return err
	})
	for id, a := range found {
		if !a.Attached {
			delete(found, id)
		}
	}
	return found, err
}

// doomFiles gives up the files of a table, or of one of its columns, empty for all, when the rows or cells go for good.
func (u *unit) doomFiles(workspace, table, column string) error {
	sql, args := `UPDATE lt_attachment SET state = ? WHERE workspace = ? AND table_id = ?`, []lqp.Value{argInt(fileDoomed), argText(workspace), argText(table)}
	if column != "" {
		sql, args = sql+` AND column_id = ?`, append(args, argText(column))
	}
	_, err := u.exec(sql, args...)
	return err
}

// ExpireAttachments gives up the files that were uploaded before a time and have never been in a cell.
func (db *DB) ExpireAttachments(ctx context.Context, before time.Time) error {
	type file struct{ id, workspace string }
	for {
		n := 0
		err := db.write(ctx, "expire attachments", Actor{Reason: "never attached"}, func(u *unit) error {
			list, err := all(u.session, func(r record) file { return file{r.text(0), r.text(1)} },
				`SELECT id, workspace FROM lt_attachment WHERE state = ? AND created_at < ? ORDER BY created_at, id LIMIT ?`,
				argInt(fileLoose), argTime(before), argInt(inChunk))
			if err != nil {
				return err
			}
			n = len(list)
			for _, f := range list {
				if _, err := u.exec(`UPDATE lt_attachment SET state = ? WHERE id = ?`, argInt(fileDoomed), argText(f.id)); err != nil {
					return err
				}
				u.note(attachmentEntry("attachment.expire", f.workspace, f.id))
			}
			return nil
		})
		if err != nil || n < inChunk {
			return err
		}
	}
}

// DropAttachments has drop remove the contents of files that were given up, those excepted that a copy still shares, and then
// removes the records. What an error or a crash leaves, the next call removes. Drop is called with keys of blobs, perhaps
// more than once with the same.
func (db *DB) DropAttachments(ctx context.Context, drop func(ctx context.Context, keys []string) error) error {
	type file struct {
		Attachment
		shared bool
	}
	for {
		var doomed []file
		err := db.read(ctx, "find attachments that were given up", func(s session) (err error) {
			// Nobody copies what was given up: a content that is not shared now never is again.
			doomed, err = all(s, func(r record) file { return file{scanAttachment(r), r.flag(12)} }, `SELECT `+attachmentColumns+`,
				EXISTS (SELECT 1 FROM lt_attachment o WHERE o.workspace = a.workspace AND o.blob = a.blob AND o.state <> ?)
				FROM lt_attachment a WHERE a.state = ? ORDER BY a.created_at, a.id LIMIT ?`,
				argInt(fileDoomed), argInt(fileDoomed), argInt(inChunk))
			return err
		})
		if err != nil || len(doomed) == 0 {
			return err
		}
		var keys []string
		for i := range doomed {
			if !doomed[i].shared {
				keys = append(keys, doomed[i].BlobKey())
			}
		}
		slices.Sort(keys)
		if keys = slices.Compact(keys); len(keys) > 0 {
			if err := drop(ctx, keys); err != nil {
				return fmt.Errorf("remove contents of attachments: %w", err)
			}
		}
		err = db.write(ctx, "remove attachments", Actor{}, func(u *unit) error {
			args := make([]lqp.Value, 0, len(doomed)+1)
			args = append(args, argInt(fileDoomed))
			for i := range doomed {
				args = append(args, argText(doomed[i].ID))
			}
			_, err := u.exec(`DELETE FROM lt_attachment WHERE state = ? AND id IN (`+inMarks(len(doomed))+`)`, args...)
			return err
		})
		if err != nil {
			return err
		}
	}
}

// AttachmentsDue reports whether ExpireAttachments or DropAttachments has anything to do.
func (db *DB) AttachmentsDue(ctx context.Context, before time.Time) (due bool, err error) {
	err = db.read(ctx, "look for attachments to remove", func(s session) error {
		_, due, err = one(s, func(record) struct{} { return struct{}{} },
			`SELECT 1 FROM lt_attachment WHERE state = ? UNION ALL SELECT 1 FROM lt_attachment WHERE state = ? AND created_at < ? LIMIT 1`,
			argInt(fileDoomed), argInt(fileLoose), argTime(before))
		return err
	})
	return due, err
}
