package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/cmd/livetablesd/internal/auth"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// problemFor turns an error into what the client is told. Only texts of our own making are shown; what databases and
// drivers say stays in the log.
func problemFor(err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	if p := authProblem(err); p != nil {
		return p
	}
	switch code := livetables.Code(err); code {
	case livetables.CodeNotFound:
		return notFoundProblem()
	case livetables.CodeForbidden:
		return problemOf(http.StatusForbidden, code, strings.TrimSuffix(err.Error(), ": "+livetables.ErrForbidden.Error()))
	case livetables.CodeUnauthenticated:
		return unauthenticated()
	case livetables.CodeInvalid:
		return invalidFor(err)
	case livetables.CodeConflict:
		return conflictFor(err)
	case livetables.CodeExists, livetables.CodeLastOwner, livetables.CodeNotEmpty:
		return problemOf(http.StatusConflict, code, err.Error())
	case livetables.CodeRowLocked:
		var locked *minidb.LockedError
		if errors.As(err, &locked) {
			return lockedProblem(locked)
		}
		return problemOf(http.StatusConflict, code, err.Error())
	case livetables.CodeLoss:
		var loss *livetables.LossError
		if errors.As(err, &loss) {
			return lossProblem(loss)
		}
		return problemOf(http.StatusConflict, code, err.Error())
	case livetables.CodeBreaks:
		var impact *livetables.ImpactError
		if errors.As(err, &impact) {
			return impactProblem(impact)
		}
		return problemOf(http.StatusConflict, code, err.Error())
	case livetables.CodeInvalidArchive:
		// Where it is wrong is the sender's own file.
		var bad *minidb.ArchiveError
		errors.As(err, &bad)
		return problemOf(http.StatusUnprocessableEntity, livetables.CodeInvalidArchive, "nothing was imported: "+bad.Error())
	case livetables.CodeHistoryCut:
		p := problemOf(http.StatusGone, code, "the history that this needs was cut; it is whole from cut_before on")
		var cut *minidb.HistoryCutError
		if errors.As(err, &cut) {
			p.CutBefore = shownTime(cut.Begins)
		}
		return p
	case livetables.CodeBudget:
		p := problemOf(http.StatusUnprocessableEntity, code, "")
		var b *lqp.BudgetError
		if errors.As(err, &b) {
			p.Detail, p.Limit, p.Step = b.Error(), b.Limit, b.Step
		}
		return p
	case livetables.CodeCancelled:
		return problemOf(statusClientGone, code, "the request was cancelled")
	case livetables.CodeInternal:
		return internalProblem()
	default:
		known, ok := plainFailures[code]
		if !ok {
			return internalProblem()
		}
		p := problemOf(known.status, code, known.detail)
		p.waits(err)
		return p
	}
}

// waits tells the client when to come back, where that can be told.
func (p *Problem) waits(err error) {
	var source *livetables.SourceError
	if errors.As(err, &source) && source.RetryAfter > 0 {
		p.Status, p.Title, p.retryAfter = http.StatusServiceUnavailable, http.StatusText(http.StatusServiceUnavailable), source.RetryAfter
	}
	if p.Code == livetables.CodeKeyManager {
		var manager *livetables.KeyManagerError
		p.retryAfter = 5 * time.Second
		if errors.As(err, &manager) && manager.RetryAfter > 0 {
			p.retryAfter = manager.RetryAfter
		}
	}
}

// seconds are the whole seconds after which a wait is over.
func seconds(wait time.Duration) int64 { return int64((wait + time.Second - 1) / time.Second) }

// atConnection names the connection at which something failed, for those who may know its name.
func (p *Problem) atConnection(err error) {
	var source *livetables.SourceError
	if _, plain := plainFailures[p.Code]; !plain || !errors.As(err, &source) {
		return
	}
	p.Detail = fmt.Sprintf("connection %q: %s", source.Name, p.Detail)
	if p.retryAfter > 0 {
		p.Detail += fmt.Sprintf("; it is tried again in %d s", seconds(p.retryAfter))
	}
}

// plainFailures are the codes whose detail is always the same.
var plainFailures = map[string]struct {
	status int
	detail string
}{
	livetables.CodeInvalidCursor: {http.StatusBadRequest,
		"the cursor is malformed, expired, or of another query or reader; begin again without it"},
	livetables.CodeTimeout:           {http.StatusGatewayTimeout, "the query took too long and was stopped"},
	livetables.CodeStorage:           {http.StatusServiceUnavailable, "the query outgrew its memory and the server's temporary storage failed"},
	livetables.CodeSourceUnavailable: {http.StatusBadGateway, "the connected database cannot be reached"},
	livetables.CodeSourceAuth:        {http.StatusBadGateway, "the connected database refused the user name or password"},
	livetables.CodeSourceBusy:        {http.StatusServiceUnavailable, "the connected database is busy with other reads"},
	livetables.CodeOutcomeUnknown:    {http.StatusInternalServerError, "it is not known whether the change was made; read before trying again"},
	livetables.CodeSourceDenied:      {http.StatusBadGateway, "the role at the connected database lacks a right that is needed"},
	livetables.CodeKeyManager:        {http.StatusServiceUnavailable, "the key manager that keeps stored passwords cannot be reached; try again later"},
	livetables.CodeSecretUnreadable:  {http.StatusConflict, "the stored password cannot be opened; enter it again"},
	livetables.CodeSourceFailed:      {http.StatusBadGateway, "the connected database answered with an error of its own"},
	livetables.CodeHostNotAllowed:    {http.StatusUnprocessableEntity, "the address is not allowed by this deployment"},
	livetables.CodeUnsupported:       {http.StatusUnprocessableEntity, "this is not supported by the source; connections are read-only"},
	livetables.CodeTooManyJobs:       {http.StatusTooManyRequests, "as many jobs as may are running already; wait for one to end"},
	livetables.CodeStorageFull:       {http.StatusInsufficientStorage, "the server has no room for the file; nothing was stored"},
	livetables.CodeRevertConflict:    {http.StatusConflict, "somebody has changed since what was to be taken back; a dry run says what and who"},
	livetables.CodeNothingToUndo:     {http.StatusConflict, "there is nothing to undo or redo, or something else comes next by now"},
	livetables.CodeSchemaOperation:   {http.StatusConflict, "the operation changed the definition of a table; change the definition back"},
	livetables.CodeArchived:          {http.StatusConflict, "the table is archived; restore it to use it"},
	livetables.CodeSchemaChanged:     {http.StatusConflict, "the table or its rules were changed meanwhile; try again"},
}

// authProblem is the problem of an error of the account service, nil for other errors.
func authProblem(err error) *Problem {
	var (
		limited *auth.RateError
		fields  *auth.ValidationError
	)
	switch {
	case errors.As(err, &limited):
		return tooMany(limited.RetryAfter)
	case errors.As(err, &fields):
		p := invalidProblem("the account data cannot be used")
		for _, f := range fields.Fields {
			p.Errors = append(p.Errors, FieldError{Path: "$." + f.Field, Code: f.Code, Message: f.Message})
		}
		return p
	case errors.Is(err, auth.ErrBusy):
		p := problemOf(http.StatusServiceUnavailable, "busy", "the server is busy; try again")
		p.retryAfter = time.Second
		return p
	}
	for _, known := range []struct {
		err    error
		status int
		code   string
	}{
		{auth.ErrCredentials, http.StatusUnauthorized, "wrong_credentials"},
		{auth.ErrForbidden, http.StatusForbidden, livetables.CodeForbidden},
		{auth.ErrEmailTaken, http.StatusConflict, livetables.CodeExists},
		{auth.ErrRegistrationClosed, http.StatusForbidden, "registration_closed"},
		{auth.ErrSetup, http.StatusForbidden, "setup_token_required"},
		{auth.ErrToken, http.StatusBadRequest, "invalid_token"},
		{auth.ErrWrongAddress, http.StatusForbidden, "other_address"},
		{auth.ErrUnverified, http.StatusForbidden, "address_unverified"},
	} {
		if errors.Is(err, known.err) {
			return problemOf(known.status, known.code, known.err.Error())
		}
	}
	switch {
	case errors.Is(err, auth.ErrUnauthenticated):
		return unauthenticated()
	case errors.Is(err, auth.ErrNotFound):
		return notFoundProblem()
	}
	return nil
}

func unauthenticated() *Problem {
	return problemOf(http.StatusUnauthorized, livetables.CodeUnauthenticated, "a valid access token is needed")
}

// invalidFor lists what is wrong, each with its path.
func invalidFor(err error) *Problem {
	p := invalidProblem("the request cannot be carried out as it is; errors says what and where")
	var (
		problems lqp.Problems
		fields   *minidb.ValidationError
		file     *livetables.ImportError
		limit    *minidb.LimitError
	)
	switch {
	case errors.As(err, &problems):
		p.Errors = problemFields(problems, "$")
	case errors.As(err, &fields):
		for _, f := range fields.Fields {
			p.Errors = append(p.Errors, FieldError{Path: "$." + f.Column, Code: f.Code, Message: f.Message})
		}
	case errors.As(err, &file):
		p.Code, p.Detail = "invalid_file", "nothing was imported; errors says where the file is wrong"
		if file.More {
			p.Detail += " (only the first faults are listed)"
		}
		for _, f := range file.Faults {
			p.Errors = append(p.Errors, FieldError{Path: "file", Code: f.Code, Message: f.Message, Line: f.Line, Row: f.Row, Column: f.Column})
		}
		if len(file.Faults) == 1 && file.Faults[0].Code == "too_large" { // more than is unpacked or held, whatever it has in it
			p.Status, p.Title, p.Limit = http.StatusUnprocessableEntity, http.StatusText(http.StatusUnprocessableEntity), "file"
		}
	case errors.As(err, &limit):
		p.Detail, p.Limit = limit.Error(), limit.Name
	case errors.Is(err, minidb.ErrTypeChange), errors.Is(err, minidb.ErrInUse), errors.Is(err, minidb.ErrVersionRequired),
		errors.Is(err, minidb.ErrRuleOfRows):
		p.Detail = err.Error()
	default:
		p.Detail = "the settings of the connection are not usable with its driver"
	}
	return p
}

// problemFields puts the problems of a plan under the place that the plan has in the request.
func problemFields(problems lqp.Problems, under string) []FieldError {
	list := make([]FieldError, len(problems))
	for i, one := range problems {
		list[i] = FieldError{Path: under + strings.TrimPrefix(one.Path, "$"), Code: one.Code, Message: one.Message, From: one.From, To: one.To}
	}
	return list
}

// placed puts the problems of an error under a place in the request; other errors pass.
func placed(err error, under string) error {
	var problems lqp.Problems
	if !errors.As(err, &problems) {
		return err
	}
	p := invalidFor(problems)
	p.Errors = problemFields(problems, under)
	return p
}

// conflictFor says which version a resource has now, and of a row what is in it.
func conflictFor(err error) *Problem {
	var (
		version *minidb.VersionError
		row     *livetables.Conflict
	)
	switch {
	case errors.As(err, &row):
		return rowConflictProblem(row)
	case errors.As(err, &version):
		p := problemOf(http.StatusConflict, livetables.CodeConflict, "the resource was changed meanwhile")
		p.CurrentVersion = version.Current
		return p
	}
	return problemOf(http.StatusConflict, livetables.CodeConflict, "changed meanwhile")
}

// gone reports whether the client has left, so that there is nobody to answer.
func gone(ctx context.Context) bool { return errors.Is(ctx.Err(), context.Canceled) }

// asProblem finds the problem in the error of a formula.
func asProblem(err error) (p lqp.Problem, ok bool) {
	ok = errors.As(err, &p)
	return p, ok
}
