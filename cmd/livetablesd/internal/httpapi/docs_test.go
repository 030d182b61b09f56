package httpapi

import (
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func readDocs(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../../../docs/api.md")
	require.NoError(t, err)
	return string(text)
}

// TestEveryRouteIsDocumented compares the routes with the tables of docs/api.md, both ways.
func TestEveryRouteIsDocumented(t *testing.T) {
	var documented, registered []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([A-Z]+ /[^`]+)`").FindAllStringSubmatch(readDocs(t), -1) {
		documented = append(documented, m[1])
	}
	for _, r := range routes() {
		registered = append(registered, r.pattern())
	}
	require.Equal(t, len(slices.Compact(slices.Sorted(slices.Values(documented)))), len(documented), "a route is documented twice")
	require.ElementsMatch(t, registered, documented)
}

// TestDocumentedParameters looks for the query parameters of every route in its row of docs/api.md.
func TestDocumentedParameters(t *testing.T) {
	docs := readDocs(t)
	for _, r := range routes() {
		_, row, _ := strings.Cut(docs, "| `"+r.pattern()+"`")
		row, _, _ = strings.Cut(row, "\n")
		if r.filters || strings.Contains(row, "the same") || r.audience == readers {
			continue // explained once, above the tables or in the row before
		}
		for _, name := range r.params {
			require.Contains(t, row, "`"+name+"`", r.pattern())
		}
	}
}

// TestDocumentedExamples runs the curl commands of docs/api.md in order, in a small part of the shell's language.
func TestDocumentedExamples(t *testing.T) {
	vars := map[string]string{"LT": shared.server.URL}
	ran := 0
	for _, block := range regexp.MustCompile("(?ms)^```sh\n(.*?)^```").FindAllStringSubmatch(readDocs(t), -1) {
		for line := range strings.Lines(block[1]) {
			line = strings.TrimSpace(line)
			name, command, assigned := strings.Cut(line, "=$(")
			if !assigned {
				command = line
			}
			command, filter, _ := strings.Cut(command, " | jq -r .")
			body := curl(t, command, vars)
			if assigned {
				var doc map[string]any
				require.NoError(t, json.Unmarshal([]byte(body), &doc), body)
				value, ok := doc[strings.TrimSuffix(filter, ")")].(string)
				require.True(t, ok, "%s: %s", line, body)
				vars[name] = value
			}
			ran++
		}
	}
	require.Greater(t, ran, 15)
}

// curl does what the command line says and demands success.
func curl(t *testing.T, command string, vars map[string]string) string {
	t.Helper()
	words := shellWords(command, vars)
	require.Equal(t, []string{"curl", "-s"}, words[:2], command)
	url, method, body := words[2], "", ""
	header := http.Header{}
	for i := 3; i < len(words); i += 2 {
		require.Less(t, i+1, len(words), command)
		switch words[i] {
		case "-X":
			method = words[i+1]
		case "-H":
			key, value, _ := strings.Cut(words[i+1], ": ")
			header.Set(key, value)
		case "-d":
			body = words[i+1]
		default:
			t.Fatalf("curl %s in %s", words[i], command)
		}
	}
	if method == "" {
		method = "GET"
		if body != "" {
			method = "POST"
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	req.Header = header
	rec := &recorder{header: http.Header{}}
	req.RemoteAddr = "127.0.0.1:1"
	shared.api.ServeHTTP(rec, req)
	require.Less(t, rec.status, 300, "%s: %s", command, rec.body.String())
	return rec.body.String()
}

// recorder keeps a response.
type recorder struct {
	header http.Header
	status int
	body   strings.Builder
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }

// shellWords splits a command line: single quotes, double quotes with variables and escapes, and bare words.
func shellWords(line string, vars map[string]string) (words []string) {
	var word strings.Builder
	quote, inWord := byte(0), false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case quote == 0 && c == ' ':
			if inWord {
				words = append(words, word.String())
			}
			word.Reset()
			inWord = false
			continue
		case quote == 0 && (c == '\'' || c == '"'):
			quote = c
		case c == quote && c != 0:
			quote = 0
		case c == '\\' && quote == '"':
			i++
			word.WriteByte(line[i])
		case c == '$' && quote != '\'':
			end := i + 1
			for end < len(line) && (line[end] >= 'A' && line[end] <= 'Z') {
				end++
			}
			word.WriteString(vars[line[i+1:end]])
			i = end - 1
		default:
			word.WriteByte(c)
		}
		inWord = true
	}
	if inWord {
		words = append(words, word.String())
	}
	return words
}
