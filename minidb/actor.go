package minidb

import "strings"

// Actor says who makes a change and on what occasion. It goes into every change-log entry; the mini-DB itself decides
// nothing by it. The zero Actor is the program itself.
type Actor struct {
	ID      string // the principal's id
	Request string // id of the request, at most 200 code points
	Address string // network address of the client, at most 200 code points
	Reason  string // why, in the writer's words, at most 500 code points
	// Policy is the policy version in which the actor was found to have the right; 0 for none. A change of the catalogue
	// fails with ErrSchemaChanged when it is another by then.
	Policy int64
	// Step, when not nil, is how far a job has come with the write. It is recorded in the same transaction.
	Step *JobStep
}

const (
	maxActorText = 200
	maxReason    = 500
)

// clean makes the texts fit to be stored. What a client sent as a header must not make a write fail.
func (a Actor) clean() Actor {
	return Actor{
		ID:      cleanText(a.ID, maxActorText),
		Request: cleanText(a.Request, maxActorText),
		Address: cleanText(a.Address, maxActorText),
		Reason:  cleanText(a.Reason, maxReason),
		Policy:  a.Policy,
		Step:    a.Step,
	}
}

// cleanText is s as valid UTF-8 without U+0000 and cut to a count of code points.
func cleanText(s string, most int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "")
	}
	if len(s) <= most {
		return s
	}
	n := 0
	for i := range s {
		if n == most {
			return s[:i]
		}
		n++
	}
	return s
}
