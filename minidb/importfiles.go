package minidb

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// storeFiles puts the contents of attachments into the blob store, each under a key that is made here.
func (in *importing) storeFiles(ctx context.Context) error {
	in.files, in.keys = map[string]string{}, map[string]string{}
	total := int64(0)
	for i := range in.r.Entries {
		e := &in.r.Entries[i]
		sum, ok := strings.CutPrefix(e.Name, blobsDir)
		if !ok {
			continue
		}
		if total += e.Size; in.limits.FileBytes > 0 && total > in.limits.FileBytes {
			return &LimitError{Name: "attachment_bytes", Max: int(in.limits.FileBytes)}
		}
		if in.blobs == nil {
			return &ArchiveError{Entry: e.Name, Reason: "attachments are not kept here"}
		}
		if raw, err := hex.DecodeString(sum); err != nil || len(raw) != sha256.Size || sum != e.SHA256 {
			return &ArchiveError{Entry: e.Name, Reason: "its name is not that of its content"}
		}
		key := in.about.Workspace + "/" + NewID(prefixAttachment)
		in.files[sum], in.keys[key] = key, sum
		if err := in.blobs.Put(ctx, key, in.r.Content(e.Name), e.Size); err != nil {
			return fmt.Errorf("store the content of an attachment: %w", err)
		}
	}
	return nil
}

// dropFiles removes the contents that an import has stored which came to nothing.
func (in *importing) dropFiles(ctx context.Context, db *DB) {
	if len(in.keys) == 0 {
		return
	}
	if err := in.blobs.Delete(context.WithoutCancel(ctx), slices.Sorted(maps.Keys(in.keys))...); err != nil {
		db.opt.Logger.WarnContext(ctx, "contents of attachments of an import that failed are left until they are swept", "error", err)
	}
}

// storeAttachments stores the records of the files.
func (in *importing) storeAttachments() error {
	p, last, used, total := &portableFile, []byte(nil), map[string]bool{}, int64(0)
	err := in.r.Lines(in.ctx, attachmentsFile, func(line []byte) error {
		row, err := p.parse(line)
		if err != nil {
			return err
		}
		a, key := fileOf(row), p.key(row)
		content := in.r.Content(blobsDir + a.SHA256)
		t := in.tables[a.Table]
		switch {
		case bytes.Compare(last, key) >= 0:
			return faulty("a file is there twice or in another place")
		case a.Workspace != in.workspace.ID || t == nil || !t.hasFiles(a.Column):
			return faulty("a file is of no column of the archive")
		case !ValidID(a.ID, prefixAttachment):
			return faulty("no id of a file")
		case content == nil || content.Size() != a.Size:
			return faulty("the content of a file is missing, or of another size")
		case a.Name == "" || CleanFileName(a.Name) != a.Name || cleanText(a.Type, maxName) != a.Type || cleanText(a.CreatedBy, maxActorText) != a.CreatedBy:
			return faulty("a file is not described as it is written")
		}
		last, used[a.SHA256] = key, true
		if total += a.Size; in.limits.FileBytes > 0 && total > in.limits.FileBytes { // copies count as they do everywhere
			return &LimitError{Name: "attachment_bytes", Max: int(in.limits.FileBytes)}
		}
		_, blob, _ := strings.Cut(in.files[a.SHA256], "/")
		_, err = in.exec(`INSERT INTO lt_attachment (`+joined(p.columns)+`, blob, state) VALUES (`+inMarks(len(row)+2)+`)`,
			append(row[:len(row):len(row)], argText(blob), argInt(fileAttached))...)
		return err
	})
	if err == nil && len(used) != len(in.files) {
		err = &ArchiveError{Entry: attachmentsFile, Reason: "the archive has contents of no file"}
	}
	return err
}

// hasFiles reports whether the table has an attachment column of that id, in the trash or not.
func (t *wholeTable) hasFiles(column string) bool {
	return slices.ContainsFunc(append(slices.Clone(t.Columns), t.gone...), func(c Column) bool { return c.ID == column && c.Type == AttachmentColumn })
}
