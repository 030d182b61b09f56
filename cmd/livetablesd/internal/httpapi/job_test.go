package httpapi

import (
	"bytes"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
)

// settled waits for the end of a job.
func (p *place) settled(who, job string) *answer {
	p.t.Helper()
	var a *answer
	require.Eventually(p.t, func() bool {
		a = p.must(p.t, 200, who, "GET", "/api/v1/jobs/"+job, nil)
		return a.text(p.t, "state") != "running"
	}, 30*time.Second, 5*time.Millisecond)
	return a
}

// exported is a job of an account that has exported the table of the place.
func (p *place) exported(who string) string {
	p.t.Helper()
	job := p.must(p.t, 202, who, "POST", "/api/v1/tables/"+p.table+"/export?format=json", nil).text(p.t, "id")
	require.Equal(p.t, "done", p.settled(who, job).text(p.t, "state"))
	return job
}

const sheetType = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

// TestFilesInEveryFormat takes rows out in every format and in again.
func TestFilesInEveryFormat(t *testing.T) {
	p := newPlace(t, shared)
	p.must(t, 201, "owner", "POST", p.rows(""), `{"fields":{"Name":"=1+1","Price":1.5,"Left":-3,"Day":"2026-01-05","Live":true}}`)
	out := "/api/v1/tables/" + p.table + "/export."
	for _, f := range fileFormats {
		t.Run(string(f.format), func(t *testing.T) {
			a := p.must(t, 200, "viewer", "GET", out+string(f.format)+"?Name.eq=%3D1%2B1", nil)
			require.Equal(t, f.complete, a.header.Get("Content-Type"))
			require.Equal(t, `attachment; filename="export.`+string(f.format)+`"`, a.header.Get("Content-Disposition"))
			if f.format == formatParquet { // which is written, not read
				file, err := parquet.OpenFile(strings.NewReader(a.body), int64(len(a.body)))
				require.NoError(t, err)
				require.Equal(t, int64(1), file.NumRows())
				require.Equal(t, "optional int32 (DATE);", file.Root().Column("Day").String()[len("rows.Day: "):])
				p.must(t, 400, "admin", "POST", "/api/v1/bases/"+p.base+"/import?name=parquet", a.body, "Content-Type", f.media)
				return
			}
			made := p.must(t, 201, "admin", "POST", "/api/v1/bases/"+p.base+"/import?columns="+url.QueryEscape(`{"Status":"","Secret":""}`)+"&name="+string(f.format), a.body, "Content-Type", f.media)
			rows := p.must(t, 200, "viewer", "GET", "/api/v1/tables/"+made.text(t, "table_id")+"/rows", nil)
			for _, want := range []string{`"Name":"=1+1"`, `"Price":1.5`, `"Left":-3`, `"Day":"2026-01-05"`, `"Live":true`} {
				require.Contains(t, rows.body, want)
			}
			q := p.must(t, 200, "viewer", "POST", p.at("/query/export."+string(f.format)), `{"source":{"table":"`+p.table+`"},"columns":["Name"]}`)
			require.Equal(t, f.complete, q.header.Get("Content-Type"))
		})
	}
	p.hideSecret()
	for _, f := range fileFormats {
		a := p.must(t, 200, "viewer", "GET", out+string(f.format), nil)
		if f.format == "xlsx" {
			book, err := excelize.OpenReader(strings.NewReader(a.body))
			require.NoError(t, err)
			rows, err := book.GetRows("Rows")
			require.NoError(t, err)
			require.NoError(t, book.Close())
			require.NotContains(t, rows[0], "Secret", "(27)")
			continue
		}
		require.NotContains(t, a.body, "Secret", "(27)")
	}
}

func TestImportOptions(t *testing.T) {
	p := newPlace(t, shared)
	into := "/api/v1/tables/" + p.table + "/import"
	var book bytes.Buffer
	f := excelize.NewFile()
	require.NoError(t, f.SetSheetRow("Sheet1", "A1", &[]any{"Name", "Left"}))
	require.NoError(t, f.SetSheetRow("Sheet1", "A2", &[]any{"sheet", 7}))
	require.NoError(t, f.Write(&book))
	require.NoError(t, f.Close())
	p.check(t, []request{
		{name: "lines of JSON", who: "editor", method: "POST", path: into, body: "{\"Name\":\"a\",\"Left\":1}\n{\"Name\":\"b\"}\n", headers: []string{"Content-Type", "application/x-ndjson"}, status: 200, want: []string{`"rows":2`}},
		{name: "JSON", who: "editor", method: "POST", path: into, body: `[{"Name":"c","Left":1}]`, headers: []string{"Content-Type", "application/json"}, status: 200, want: []string{`"rows":1`}},
		{name: "a sheet", who: "editor", method: "POST", path: into, body: book.String(), headers: []string{"Content-Type", sheetType}, status: 200, want: []string{`"rows":1`}},
		{name: "no such sheet", who: "editor", method: "POST", path: into + "?sheet=X", body: book.String(), headers: []string{"Content-Type", sheetType}, status: 400, want: []string{`no sheet`, `Sheet1`}},
		{name: "no workbook", who: "editor", method: "POST", path: into, body: "Name\nx\n", headers: []string{"Content-Type", sheetType}, status: 400, want: []string{"invalid_file", `"code":"file"`}},
		{name: "Windows-1252", who: "editor", method: "POST", path: into, body: "Name\nM\xfcller\n", headers: csvType, status: 200},
		{name: "was found out", who: "viewer", method: "GET", path: p.rows("?Name.eq=M%C3%BCller"), status: 200, want: []string{"Müller"}},
		{name: "another encoding", who: "editor", method: "POST", path: into + "?encoding=koi8-r", body: "Name\nx\n", headers: csvType, status: 400, want: []string{"?encoding"}},
		{name: "two formats", who: "editor", method: "POST", path: into + "?format=json", body: "Name\nx\n", headers: csvType, status: 400, want: []string{"?format"}},
		{name: "mapped", who: "editor", method: "POST", path: into + "?columns=" + url.QueryEscape(`{"Titel":"Name","Rest":""}`), body: "Titel,Rest\nmapped,x\n", headers: csvType, status: 200, want: []string{`"rows":1`}},
		{name: "a map that is none", who: "editor", method: "POST", path: into + "?columns=[]", body: "Name\nx\n", headers: csvType, status: 400, want: []string{"?columns"}},
		{name: "by key", who: "editor", method: "POST", path: into + "?key=Name", body: "Name,Left\nmapped,5\nnew,6\n", headers: csvType, status: 200, want: []string{`"rows":2`}},
		{name: "changed", who: "viewer", method: "GET", path: p.rows("?Name.eq=mapped&count=exact"), status: 200, want: []string{`"exact":1`, `"Left":5`}},
		{name: "batches before a fault", who: "editor", method: "POST", path: into + "?batch=1", body: "Name,Status\nfirst,open\nsecond,lost\n", headers: csvType, status: 400, want: []string{"first 1 rows were stored", `"row":2`, `"column":"Status"`}},
		{name: "preview", who: "editor", method: "POST", path: into + "/preview", body: "Name,Left\na,1\nb,x\n", headers: csvType, status: 200, want: []string{`"rows":2`, `"failing":1`, `"column_name":"Left"`, `"code":"value"`}},
		{name: "preview of a table", who: "admin", method: "POST", path: "/api/v1/bases/" + p.base + "/import/preview", body: "Id;Day\n1;2026-01-01\n", headers: csvType, status: 200, want: []string{`"separator":";"`, `"type":"integer"`, `"type":"date"`}},
		{name: "no preview for viewers", who: "viewer", method: "POST", path: into + "/preview", body: "Name\na\n", headers: csvType, status: 403},
	})
}

func TestJobs(t *testing.T) {
	p := newPlace(t, shared)
	into := "/api/v1/tables/" + p.table + "/import?async=true"
	a := p.must(t, 202, "editor", "POST", into, "Name,Left\nx,1\ny,2\n", csvType...)
	id := a.text(t, "id")
	require.Equal(t, "/api/v1/jobs/"+id, a.header.Get("Location"))
	done := p.settled("editor", id)
	require.Equal(t, "done", done.text(t, "state"), done.body)
	require.Contains(t, done.body, `"stored_rows":2`)
	failed := p.settled("editor", p.must(t, 202, "editor", "POST", into, "Name,Left\nx,one\n", csvType...).text(t, "id"))
	require.Contains(t, failed.body, `"state":"failed"`)
	require.Contains(t, failed.body, `"column":"Left"`)
	table := p.settled("admin", p.must(t, 202, "admin", "POST", "/api/v1/bases/"+p.base+"/import?name=Later&async=true", "A\n1\n", csvType...).text(t, "id"))
	require.Contains(t, p.must(t, 200, "viewer", "GET", "/api/v1/tables/"+table.text(t, "table_id")+"/rows", nil).body, `"A":1`)
	export := p.exported("viewer")
	file := p.must(t, 200, "viewer", "GET", "/api/v1/jobs/"+export+"/file", nil)
	require.Equal(t, "application/json", file.header.Get("Content-Type"))
	require.Contains(t, file.body, `"Name":"x"`)
	missing := p.must(t, 404, "viewer", "GET", "/api/v1/jobs/job_00000000000000000000000000", nil)
	for _, who := range []string{"owner", "editor", "stranger"} {
		for _, method := range []string{"GET", "DELETE"} {
			require.Equal(t, missing.text(t, "detail"), p.must(t, 404, who, method, "/api/v1/jobs/"+export, nil).text(t, "detail"), "foreign is missing")
		}
		p.must(t, 404, who, "GET", "/api/v1/jobs/"+export+"/file", nil)
	}
	p.check(t, []request{
		{name: "own jobs", who: "editor", method: "GET", path: p.at("/jobs"), status: 200, want: []string{id}, unwanted: []string{export}},
		{name: "not of strangers", who: "stranger", method: "GET", path: p.at("/jobs"), status: 404},
		{name: "export of a query", who: "viewer", method: "POST", path: p.at("/query/export?format=xlsx"), body: `{"source":{"table":"` + p.table + `"}}`, status: 202, want: []string{`"format":"xlsx"`}},
		{name: "of what is not there", who: "viewer", method: "POST", path: p.at("/query/export"), body: `{"source":{"table":"tbl_x"}}`, status: 400},
		{name: "no such format", who: "viewer", method: "POST", path: "/api/v1/tables/" + p.table + "/export?format=pdf", status: 400, want: []string{"?format"}},
		{name: "forgotten", who: "viewer", method: "DELETE", path: "/api/v1/jobs/" + export, status: 204},
		{name: "and gone", who: "viewer", method: "GET", path: "/api/v1/jobs/" + export, status: 404},
		{name: "with its file", who: "viewer", method: "GET", path: "/api/v1/jobs/" + export + "/file", status: 404},
	})
	t.Run("a file is not given to whom a column was taken from", func(t *testing.T) {
		export := p.exported("viewer")
		p.must(t, 200, "viewer", "GET", "/api/v1/jobs/"+export+"/file", nil)
		p.hideSecret()
		p.must(t, 404, "viewer", "GET", "/api/v1/jobs/"+export+"/file", nil)
	})
	require.Eventually(t, func() bool {
		left, err := os.ReadDir(p.dir)
		require.NoError(t, err)
		for _, f := range left {
			if strings.HasPrefix(f.Name(), "upload-") || strings.HasPrefix(f.Name(), "export-") {
				return false
			}
		}
		return true
	}, 5*time.Second, 10*time.Millisecond, "files of jobs are removed")
}
