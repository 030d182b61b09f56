package livetables

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/livetables/livetables/internal/tabular"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// Format is a format of files that are imported and exported. The zero value is CSV.
type Format = tabular.Format

// The formats of files.
const (
	FormatCSV    = tabular.CSV    // RFC 4180, with any of the usual separators and encodings
	FormatNDJSON = tabular.NDJSON // one JSON object a line
	FormatJSON   = tabular.JSON   // one JSON array of objects
	FormatXLSX   = tabular.XLSX   // one sheet of an Office Open XML workbook
)

// Encoding is how a CSV file has its text as bytes: "utf-8", "utf-16le", "utf-16be" or "windows-1252"; empty is found out.
type Encoding = tabular.Encoding

// ImportFile is a file to be imported: an *os.File, a *strings.Reader, a *bytes.Reader.
type ImportFile = tabular.File

// ImportFault is one thing wrong with an imported file: the line in the file, the row and the column, a code and a message.
type ImportFault = tabular.Fault

// ImportError says what is wrong with an imported file. Of the rows that were to be stored together nothing was.
type ImportError struct {
	Faults []ImportFault
	More   bool // the file has more faults than those listed
}

// Error implements error.
func (e *ImportError) Error() string {
	parts := make([]string, 0, 3)
	for i, f := range e.Faults {
		if i == 3 {
			parts = append(parts, "…")
			break
		}
		parts = append(parts, f.Error())
	}
	return "the file was not imported: " + strings.Join(parts, "; ")
}

// maxFaults is how many faults of a file are reported at once.
const maxFaults = 100

// ImportSpec says where a file goes and how it is read.
type ImportSpec struct {
	// Table is an existing table; its columns are found by the file's titles. Empty makes a new table in Base called Name,
	// with a column for every title and the narrowest type that fits all of its cells.
	Table      string
	Base, Name string
	Columns    map[string]string // title to column name or id, for titles that are called otherwise; "" leaves one out
	Format     Format
	Comma      rune     // of CSV: separator, 0 to find out
	Encoding   Encoding // of CSV
	Sheet      string   // of XLSX: name of the sheet, empty for the first one
	// Key are the columns, by name or id, by whose values rows of the table are matched: a row that matches is changed, others
	// are new. Empty adds all rows. It needs a Table, and has a Batch of Limits.BatchRows unless a smaller one is given.
	Key []string
	// Batch is how many rows are stored together, all or none, at most Limits.ImportRows, and with a Key Limits.BatchRows; an import that ends early leaves
	// the batches before. The right to write is asked for each of them, and other writers get their turn in between. 0
	// stores the whole file in one transaction, for which every other writer waits.
	Batch    int
	Progress func(ImportProgress) `json:"-"` // called about once a second and at the end of a batch, may be nil
}

// ImportProgress is how far an import has come. Files are read twice or, for a new table, three times.
type ImportProgress struct {
	Storing bool  // the file has been checked
	Read    int64 // bytes read of the file in this pass; of a packed file of its parts
	Rows    int64 // rows checked or, when Storing, read to be stored
	Stored  int64 // rows that are committed
}

// ImportReport is the outcome of an import.
type ImportReport struct {
	Table   string `json:"table_id"`
	Rows    int64  `json:"rows"`    // that are stored
	Created bool   `json:"created"` // the table is new
}

// Import reads a file into a table. The file is checked first, so that faults are reported with line, row and column, many
// at once, before anything is stored. Of an import in batches that fails the report tells how many rows were stored.
func (a *Access) Import(ctx context.Context, spec ImportSpec, file ImportFile) (*ImportReport, error) {
	if err := spec.check(&a.e.limits); err != nil {
		return nil, err
	}
	return a.importing(spec, file, nil).run(ctx)
}

// importing is an import that has not begun yet. job is nil for one within a call.
func (a *Access) importing(spec ImportSpec, file ImportFile, job *importJob) *importing {
	return &importing{a: a, spec: spec, file: &countedFile{ImportFile: file}, asked: time.Now(), job: job}
}

func (in *importing) run(ctx context.Context) (*ImportReport, error) {
	if in.spec.Table != "" {
		return in.into(ctx)
	}
	table := in.job.made()
	if table == "" {
		var err error
		if table, err = in.makeTable(ctx); err != nil {
			return nil, err
		}
	}
	in.spec.Table = table
	report, err := in.into(ctx)
	if err != nil {
		if in.job.goesOn(err) {
			return report, err
		}
		// The table was made for this file alone.
		if undo := in.a.deleteTableForever(context.WithoutCancel(ctx), table); undo != nil {
			err = errors.Join(err, fmt.Errorf("remove table %s of the failed import: %w", table, undo))
		} else {
			in.job.unmade()
		}
		return nil, err
	}
	report.Created = true
	return report, nil
}

// makeTable makes the table that the file needs.
func (in *importing) makeTable(ctx context.Context) (id string, err error) {
	if _, err := in.a.at(ctx, in.spec.Base, rbac.AlterTables); err != nil {
		return "", err
	}
	r, err := in.open()
	if err != nil {
		return "", err
	}
	cols, err := tabular.Infer(ctx, r)
	if err != nil {
		return "", importError(err)
	}
	table := minidb.TableSpec{Name: in.spec.Name}
	for i, name := range r.Header() {
		if to, renamed := in.spec.Columns[name]; renamed && to == "" {
			continue
		} else if renamed {
			name = to
		}
		table.Columns = append(table.Columns, inferredColumn(name, cols[i]))
	}
	t, err := in.as(in.job.step(0, 0)).CreateTable(ctx, in.spec.Base, table)
	if err != nil {
		return "", err
	}
	in.job.make(t.ID)
	return t.ID, nil
}

// check refuses a spec that says nothing clear.
func (s *ImportSpec) check(l *Limits) error {
	most := l.ImportRows
	if len(s.Key) > 0 {
		most = l.BatchRows
	}
	bad := func(path, message string) error {
		return lqp.Problems{{Path: "$." + path, Code: lqp.CodeArgument, Message: message}}
	}
	switch {
	case !s.Format.Valid():
		return bad("format", "the format is csv, ndjson, json or xlsx")
	case !s.Encoding.Valid():
		return bad("encoding", "the encoding is utf-8, utf-16le, utf-16be or windows-1252")
	case s.Batch < 0 || s.Batch > most:
		return bad("batch", fmt.Sprintf("a batch has 1 to %d rows", most))
	case len(s.Key) > 0 && s.Table == "":
		return bad("key", "a new table has no rows to be matched")
	}
	return nil
}

// importing is one import on its way.
type importing struct {
	a     *Access
	spec  ImportSpec
	file  *countedFile
	asked time.Time // when the right was asked for last
	state ImportProgress
	job   *importJob // nil when it is no job's
}

// as is the access whose next write takes a step of the job.
func (in *importing) as(step *minidb.JobStep) *Access {
	if step == nil {
		return in.a
	}
	a := *in.a
	a.jobStep = step
	return &a
}

// countedFile counts what is read, for whoever tells of the progress.
type countedFile struct {
	ImportFile
	read atomic.Int64
}

// Read implements io.Reader.
func (f *countedFile) Read(b []byte) (int, error) {
	n, err := f.ImportFile.Read(b)
	f.read.Add(int64(n))
	return n, err
}

// Seek implements io.Seeker. At the beginning the count begins, too.
func (f *countedFile) Seek(offset int64, whence int) (int64, error) {
	if whence == io.SeekStart && offset == 0 {
		f.read.Store(0)
	}
	return f.ImportFile.Seek(offset, whence)
}

// ReadAt implements io.ReaderAt.
func (f *countedFile) ReadAt(b []byte, at int64) (int, error) {
	n, err := f.ImportFile.ReadAt(b, at)
	f.read.Add(int64(n))
	return n, err
}

// open begins the file anew. Its encoding is found out once: that takes reading all of it.
func (in *importing) open() (tabular.Reader, error) {
	r, err := tabular.Open(in.file, tabular.Options{Format: in.spec.Format, Comma: in.spec.Comma, Encoding: in.spec.Encoding, Sheet: in.spec.Sheet})
	if err != nil {
		return nil, importError(err)
	}
	if _, encoding, ok := tabular.Dialect(r); ok {
		in.spec.Encoding = encoding
	}
	return r, nil
}

// attend is called for every row: it tells of the progress and asks now and then whether the right is still there.
func (in *importing) attend(ctx context.Context, rows int) error {
	if rows%256 != 0 {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if time.Since(in.asked) < readCheck {
		return nil
	}
	in.asked = time.Now()
	in.tell(int64(rows))
	if in.state.Storing && in.spec.Batch == 0 { // no right is taken away while its transaction runs
		return nil
	}
	_, err := in.a.at(ctx, in.spec.Table, rbac.WriteRows)
	return err
}

func (in *importing) tell(rows int64) {
	if in.state.Rows, in.state.Read = rows, in.file.read.Load(); in.spec.Progress != nil {
		in.spec.Progress(in.state)
	}
}

func importError(err error) error {
	var f tabular.Fault
	if errors.As(err, &f) {
		return &ImportError{Faults: []ImportFault{f}}
	}
	return fmt.Errorf("read the file: %w", err)
}

// into reads the file into an existing table.
func (in *importing) into(ctx context.Context) (*ImportReport, error) {
	s, err := in.a.at(ctx, in.spec.Table, rbac.WriteRows)
	if err != nil {
		return nil, err
	}
	t, seen, err := s.tableOf(ctx, in.spec.Table)
	if err != nil {
		return nil, err
	}
	guard, err := s.guardOf(seen, t)
	if err != nil {
		return nil, err
	}
	r, err := in.open()
	if err != nil {
		return nil, err
	}
	cells, faults := matchTitles(seen, r.Header(), in.spec.Columns)
	withOwn(cells, t)
	if len(faults) > 0 {
		return nil, &ImportError{Faults: faults}
	}
	if err := checkKey(seen, cells, in.spec.Key); err != nil {
		return nil, err
	}
	if err := s.labelCells(ctx, cells); err != nil {
		return nil, err
	}
	if err := in.checkOnce(ctx, r, cells); err != nil {
		return nil, err
	}
	if r, err = in.open(); err != nil {
		return nil, err
	}
	in.state = ImportProgress{Storing: true}
	target := &importTarget{table: t, seen: seen, cells: cells, guard: guard}
	store := in.storeWhole
	if in.spec.Batch > 0 || len(in.spec.Key) > 0 {
		store = in.store
	}
	report, err := store(ctx, target, r)
	if report != nil && report.Rows >= manyRows {
		in.survey(ctx, t)
	}
	return report, err
}

// manyRows is from how many rows on a store does well to look at what has come: it takes a tenth of a second, and until it does the next
// pages may take longer.
const manyRows = 50_000

// survey tells the store that many rows have come. They are stored, whatever becomes of it.
func (in *importing) survey(ctx context.Context, t *minidb.Table) {
	if err := in.a.e.store.Survey(ctx, t); err != nil && ctx.Err() == nil {
		in.a.e.log.WarnContext(ctx, "the database has not looked at the rows of an import yet", "table", t.ID, "error", err)
	}
}

// checkOnce checks the cells of the file, unless an earlier run of the job has: it has stored rows then.
func (in *importing) checkOnce(ctx context.Context, r tabular.Reader, cells []importCell) error {
	if in.job.stored() > 0 {
		return in.job.recall(ctx, in.a.e, cells)
	}
	if err := in.checkCells(ctx, r, cells); err != nil {
		return err
	}
	return in.job.remember(ctx, in.a.e, cells)
}

// storeWhole stores all rows in one transaction.
func (in *importing) storeWhole(ctx context.Context, to *importTarget, r tabular.Reader) (*ImportReport, error) {
	if all := in.job.stored(); all > 0 {
		return &ImportReport{Table: to.table.ID, Rows: all}, nil
	}
	ahead := in.readAhead(ctx, to, r)
	defer ahead.close()
	step := in.job.step(0, 0)
	some := ahead.some(step, 0)
	next := func() ([]lqp.Value, error) {
		row, err := some()
		if err == nil {
			err = in.attend(ctx, int(ahead.taken))
		}
		return row, err
	}
	rows, err := in.a.e.store.ImportRows(ctx, in.as(step).actor(""), minidb.Import{Table: to.table, Columns: to.columns(), Guard: to.guard, Next: next, Reason: importReason})
	if err != nil {
		return nil, to.explain(err, 0, &ahead.lines)
	}
	in.state.Stored = rows
	in.tell(rows)
	return &ImportReport{Table: to.table.ID, Rows: rows}, nil
}
