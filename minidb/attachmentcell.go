package minidb

import (
	"slices"

	"github.com/livetables/livetables/lqp"
)

// fileCell is a file that a write puts into a cell that did not have it.
type fileCell struct {
	row    int // index of the change
	column *Column
	id     string
	// known says that the file comes from the row's own past
	known bool
}

// checkFiles finds the files that rows name and their writer cannot attach, and those that are attached for the first time.
//
// A file that a cell has stays whatever became of its uploader. Another one is attached by who uploaded it or, once it is
// attached, by everybody who may write the cell, so that it is copied between rows and comes back with them. Whom a row rule
// keeps from rows attaches their own only: that they know an id does not mean that they see a row that has it.
func (u *unit) checkFiles(p *rowPlan, list []rowWrite) (faults []FieldError, loose []string, err error) {
	var cells []fileCell
	for i := range list {
		w := &list[i]
		if w.after == nil || !w.changed {
			continue
		}
		for _, k := range p.l.files {
			slot := p.l.user[k]
			if slices.Contains(w.bad, slot) {
				continue
			}
			var had []string
			if w.before != nil {
				had = linkIDs(w.before[slot])
			}
			_, restored := p.restored[w.id]
			for _, id := range linkIDs(w.after[slot]) {
				if !slices.Contains(had, id) {
					cells = append(cells, fileCell{w.index, &p.t.Columns[k], id, restored || p.reverts})
				}
			}
		}
	}
	if len(cells) == 0 {
		return nil, nil, nil
	}
	found, err := u.filesOf(p.t.Workspace, cells)
	if err != nil {
		return nil, nil, err
	}
	for _, c := range cells {
		a, ok := found[c.id]
		own := ok && a.CreatedBy == u.actor.ID
		switch {
		case !ok || a.Table != p.t.ID || a.Column != c.column.ID, !own && !a.Attached, !own && !c.known && p.guard.read != nil:
			faults = append(faults, FieldError{Row: c.row, Column: c.column.ID, Code: CodeAttachment, Message: c.column.noFile(c.id)})
		case !a.Attached:
			loose = append(loose, c.id)
		}
	}
	return faults, loose, nil
}

// filesOf reads the files that cells name, by id, as far as they are there.
func (u *unit) filesOf(workspace string, cells []fileCell) (map[string]Attachment, error) {
	ids := make([]string, 0, len(cells))
	for _, c := range cells {
		ids = append(ids, c.id)
	}
	slices.Sort(ids)
	return u.attachments(workspace, slices.Compact(ids))
}

// attachments reads files of a workspace by id.
func (s session) attachments(workspace string, ids []string) (map[string]Attachment, error) {
	found := make(map[string]Attachment, len(ids))
	for chunk := range slices.Chunk(ids, inChunk) {
		args := []lqp.Value{argText(workspace), argInt(fileDoomed)}
		for _, id := range chunk {
			args = append(args, argText(id))
		}
		list, err := all(s, scanAttachment, `SELECT `+attachmentColumns+` FROM lt_attachment WHERE workspace = ? AND state <> ? AND id IN (`+inMarks(len(chunk))+`)`, args...)
		if err != nil {
			return nil, err
		}
		for _, a := range list {
			found[a.ID] = a
		}
	}
	return found, nil
}

// attach marks files that rows have now for the first time.
func (u *unit) attach(loose []string) error {
	for chunk := range slices.Chunk(loose, inChunk) {
		args := []lqp.Value{argInt(fileAttached), argInt(fileLoose)}
		for _, id := range chunk {
			args = append(args, argText(id))
		}
		if _, err := u.exec(`UPDATE lt_attachment SET state = ? WHERE state = ? AND id IN (`+inMarks(len(chunk))+`)`, args...); err != nil {
			return err
		}
	}
	return nil
}

// copyFiles is the cell of a copied row, with files of its own for another column, which share the contents of the originals.
// The ids follow from the key of the copy, so that a file in many cells has one copy.
func (u *unit) copyFiles(key, table, column string, v lqp.Value) (lqp.Value, error) {
	ids := linkIDs(v)
	for i, id := range ids {
		ids[i] = copyRowID(key, id)
		_, err := u.exec(`INSERT INTO lt_attachment (`+attachmentColumns+`)
			SELECT ?, workspace, ?, ?, blob, name, media_type, size, sha256, created_by, created_at, state FROM lt_attachment WHERE id = ? AND state = ?
			ON CONFLICT (id) DO NOTHING`, argText(ids[i]), argText(table), argText(column), argText(id), argInt(fileAttached))
		if err != nil {
			return v, err
		}
	}
	return linkValue(ids), nil
}
