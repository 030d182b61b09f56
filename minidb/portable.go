package minidb

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/internal/bundle"
	"github.com/livetables/livetables/lqp"
)

// ArchiveError says where the archive of a workspace is not what it should be.
type ArchiveError = bundle.Error

// The format of archives of workspaces, and the version that this release writes; it reads no other.
const (
	archiveFormat  = "livetables workspace archive"
	archiveVersion = 1
)

// The entries of an archive, beside rows/<table>.ndjson, edges/<column>.ndjson and blobs/<SHA-256>.
const (
	catalogueFile   = "catalogue.ndjson"
	attachmentsFile = "attachments.ndjson"
	operationsFile  = "operations.ndjson"
	logFile         = "log.ndjson"
	rowsDir         = "rows/"
	edgesDir        = "edges/"
	blobsDir        = "blobs/"
	textSuffix      = ".ndjson"

	maxArchiveLine = 64 << 20 // bytes
	maxCatalogue   = 256 << 20
)

// aboutArchive is what the manifest says of the workspace: nothing that another export of the same state would say otherwise.
type aboutArchive struct {
	Workspace string `json:"workspace_id"`
	Name      string `json:"name"`
	// First and Last are the numbers of the first and the last entry of its log, Hash the digest of the last one.
	First int64  `json:"first_entry"`
	Last  int64  `json:"last_entry"`
	Hash  []byte `json:"hash"`
	// Prev is the digest of the entry before the first one, empty where none was ever cut.
	Prev []byte `json:"previous_hash,omitempty"`
}

// portable is how the records of one of the mini-DB's own tables stand in an archive: as objects by the names of the
// columns, documents as texts, so that their bytes stay what they are.
type portable struct {
	name, table string
	columns     []string
	// kinds has a letter for each column: t for a text, i for a whole number, T and I where NULL may be.
	kinds string
	order string // what the records are ordered by
}

func kindOf(name, table, columns, kinds, order string) portable {
	p := portable{name: name, table: table, kinds: kinds, order: order}
	for _, c := range strings.Split(columns, ",") {
		p.columns = append(p.columns, strings.TrimSpace(c))
	}
	if len(p.columns) != len(kinds) {
		panic(fmt.Sprintf("minidb: %d columns of %s have %d kinds", len(p.columns), table, len(kinds)))
	}
	return p
}

// portables are the records of the catalogue in the order in which an archive has them.
var portables = []portable{
	kindOf("workspace", "lt_workspace", workspaceColumns+`, networks`, "tttiitt", "id"),
	kindOf("retention", "lt_retention", retentionColumns, "tiiiit", "workspace"),
	kindOf("floor", "lt_floor", `workspace, sequence, latest, mark, cut_at`, "tiiti", "workspace"),
	kindOf("table_floor", "lt_floor_table", `table_id, workspace, table_offset, latest`, "ttii", "table_id"),
	kindOf("project", "lt_project", projectColumns+`, name_key`, "ttttiitt", "id"),
	kindOf("role", "lt_role", roleColumns+`, name_key`, "ttttttiitt", "id"),
	kindOf("connection", "lt_connection", `id, workspace, name, driver, settings, version, created_at, created_by, name_key`, "tttttiitt", "id"),
	kindOf("base", "lt_base", trashedTables["lt_base"], "ttttttiittt", "id"),
	kindOf("table", "lt_table", trashedTables["lt_table"], "tttttiittIttittt", "id"),
	kindOf("column", "lt_column", trashedTables["lt_column"], "tttttiiTititt", "id"),
	kindOf("index", "lt_index", trashedTables["lt_index"], "tttitt", "id"),
	kindOf("view", "lt_view", trashedTables["lt_view"], "tttttiitt", "id"),
	kindOf("link", "lt_link", linkColumns+`, workspace`, "ttttt", "id"),
	kindOf("cap", "lt_cap", capColumns, "ttttt", "resource, role, user_id"),
	kindOf("rule", "lt_rule", ruleColumns, "ttttTTTTtt", "connection, table_name, role"),
	kindOf("trash", "lt_trash", `id, workspace, kind, resource, place, name, inside, grants, kept, deleted_at, deleted_by`, "ttttttttiit", "id"),
	kindOf("trash_record", "lt_trash_record", `trash, ordinal, workspace, source, document`, "titt"+"t", "trash, ordinal"),
}

var (
	portableFile = kindOf("attachment", "lt_attachment",
		`id, workspace, table_id, column_id, name, media_type, size, sha256, created_by, created_at`, "ttttttitti", "id")
	// first_position and last_position are the numbers of entries in the chain of the workspace.
	portableOperation = kindOf("operation", "lt_operation", operationColumns, "ttt"+"iii"+"ttti", "first_position, id")
)

// portableOf is the form of the records of a table of the catalogue.
func portableOf(table string) *portable {
	i := slices.IndexFunc(portables, func(p portable) bool { return p.table == table })
	return &portables[i]
}

// text appends a record as a line of an archive.
func (p *portable) text(dst []byte, values []lqp.Value) []byte {
	dst = append(append(append(dst, `{"`...), p.name...), `":{`...)
	for i, c := range p.columns {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, '"'), c...), `":`...)
		dst = appendCell(dst, values[i])
	}
	return append(dst, "}}"...)
}

// parse reads a line that text has written.
func (p *portable) parse(line []byte) ([]lqp.Value, error) {
	var outer map[string]map[string]json.RawMessage
	if err := json.Unmarshal(line, &outer); err != nil {
		return nil, faulty("no record: %v", err)
	}
	values := make([]lqp.Value, len(p.columns))
	for i, c := range p.columns {
		v, err := cellOf(outer[p.name][c])
		if err != nil {
			return nil, faulty("%s: %v", c, err)
		}
		values[i] = v
	}
	if err := p.fit(values); err != nil {
		return nil, err
	}
	if string(p.text(nil, values)) != string(line) { // unknown, repeated and misspelled members
		return nil, faulty("a %s is not written like that", p.name)
	}
	return values, nil
}

// fit compares values with the kinds of the columns.
func (p *portable) fit(values []lqp.Value) error {
	for i, v := range values {
		ok := false
		switch p.kinds[i] {
		case 't', 'T':
			ok = v.Kind() == lqp.Text && strings.IndexByte(v.Text(), 0) < 0
		case 'i', 'I':
			if ok = v.Kind() == lqp.Number; ok {
				_, ok = v.Decimal().Int64()
			}
		}
		if v.IsNull() {
			ok = p.kinds[i] == 'T' || p.kinds[i] == 'I'
		}
		if !ok {
			return faulty("%s of a %s is of another type", p.columns[i], p.name)
		}
	}
	return nil
}

// at is the place of a column.
func (p *portable) at(column string) int { return slices.Index(p.columns, column) }

// faulty is an ArchiveError without a place, which whoever reads the line adds.
func faulty(format string, args ...any) error {
	return &ArchiveError{Reason: cleanText(fmt.Sprintf(format, args...), maxReason)}
}

// asFault makes what the catalogue's own checks refuse, and what a key of the database does, an ArchiveError.
func asFault(err error) error {
	var bad *ValidationError
	var full *LimitError
	var problems lqp.Problems
	switch {
	case err == nil:
		return nil
	case errors.As(err, &bad), errors.As(err, &full), errors.As(err, &problems):
		return faulty("%v", err)
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrExists):
		return faulty("%v", err)
	}
	return err
}

// values are the rows of a statement that there is none of: records from an archive, read like those of the database.
type values struct{ row []lqp.Value }

func recordOf(row []lqp.Value) record { return record{rows: values{row}} }

var _ adapter.Rows = values{}

// Next implements adapter.Rows.
func (values) Next() bool { return false }

// Value implements adapter.Rows.
func (v values) Value(i int) lqp.Value { return v.row[i] }

// AppendJSON implements adapter.Rows.
func (v values) AppendJSON(dst []byte, i int) []byte { return v.row[i].AppendJSON(dst) }

// Err implements adapter.Rows.
func (values) Err() error { return nil }

// Close implements adapter.Rows.
func (values) Close() error { return nil }
