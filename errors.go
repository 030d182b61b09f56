package livetables

import (
	"context"
	"errors"
	"syscall"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/internal/netguard"
	"github.com/livetables/livetables/internal/rewrite"
	"github.com/livetables/livetables/internal/supervise"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// The errors that a caller can act on. Others are internal; Code tells them apart.
var (
	// ErrNotFound says that a resource does not exist, or that the principal may not know that it does.
	ErrNotFound = minidb.ErrNotFound
	// ErrForbidden says that the principal may see the resource but not do this with it.
	ErrForbidden = minidb.ErrForbidden
	// ErrNoPrincipal says that nobody asks: the principal has no id.
	ErrNoPrincipal = errors.New("no principal")
	// ErrCursor says that a page cursor is malformed, expired, or was made for another query, principal or policy.
	ErrCursor = lqp.ErrCursor
	// ErrRevoked ends a subscription whose principal has lost the right to it.
	ErrRevoked = errors.New("access was revoked")
	// ErrHost says that the address of a connection is not allowed by this deployment.
	ErrHost = netguard.ErrHostNotAllowed
)

// Codes classify errors for programs; the HTTP layer looks at nothing else.
const (
	CodeInternal          = "internal"
	CodeNotFound          = "not_found"
	CodeForbidden         = "forbidden"
	CodeUnauthenticated   = "unauthenticated"
	CodeInvalid           = "invalid"            // lqp.Problems or *minidb.ValidationError say what
	CodeConflict          = "conflict"           // *Conflict or *minidb.VersionError carry the current version
	CodeExists            = "exists"             // a name that is taken
	CodeInvalidCursor     = "invalid_cursor"     //
	CodeBudget            = "budget_exceeded"    // *lqp.BudgetError names the limit and the step
	CodeStorage           = "temporary_storage"  // a query outgrew its memory and temporary storage failed
	CodeTimeout           = "timeout"            //
	CodeCancelled         = "cancelled"          //
	CodeSourceUnavailable = "source_unavailable" // the external database cannot be reached
	CodeSourceAuth        = "source_auth"        // it refused the credentials
	CodeSourceDenied      = "source_denied"      // its role lacks a right
	CodeSourceBusy        = "source_busy"        // *SourceError says which; as many reads as may were running for too long
	CodeOutcomeUnknown    = "outcome_unknown"    // the store was lost in the middle of a commit: read before writing again
	CodeSourceFailed      = "source_failed"      // it answered with an error of its own; *SourceError says which one
	CodeHostNotAllowed    = "host_not_allowed"
	CodeKeyManager        = "key_manager_unavailable" // *KeyManagerError may say when to try again
	CodeSecretUnreadable  = "secret_unreadable"       // a stored password does not open; it must be entered again
	CodeUnsupported       = "unsupported"
	CodeLastOwner         = "last_owner"
	CodeSchemaChanged     = "schema_changed"
	CodeArchived          = "archived"   // the table is archived
	CodeNotEmpty          = "not_empty"  // the project still has bases
	CodeRowLocked         = "row_locked" // *minidb.LockedError names the holder and the end of the lock
	CodeLoss              = "data_loss"  // *LossError says what would be lost
	CodeBreaks            = "breaks"     // *ImpactError says what would no longer work
	CodeTooManyJobs       = "too_many_jobs"
	CodeStorageFull       = "storage_full"     // a file could not be kept: the disk is full
	CodeRevertConflict    = "revert_conflict"  // *minidb.RevertConflictError: somebody has changed what was to be taken back
	CodeNothingToUndo     = "nothing_to_undo"  // or something else than expected comes next
	CodeInvalidArchive    = "invalid_archive"  // *minidb.ArchiveError says where the archive of a workspace is not what it should be
	CodeHistoryCut        = "history_cut"      // *minidb.HistoryCutError says from which time on there is history
	CodeSchemaOperation   = "schema_operation" // the operation changed a definition: it is not taken back as one of rows
)

// Code classifies an error of this package. Unknown errors are CodeInternal: their text is for the log, not for clients.
func Code(err error) string {
	var (
		problems   lqp.Problems
		validation *minidb.ValidationError
		conflict   *Conflict
		version    *minidb.VersionError
		budget     *lqp.BudgetError
		file       *ImportError
		rowVersion *minidb.ConflictError
		locked     *minidb.LockedError
		loss       *LossError
		impact     *ImpactError
		reverted   *minidb.RevertConflictError
		cut        *minidb.HistoryCutError
		archive    *minidb.ArchiveError
	)
	switch {
	case err == nil:
		return ""
	case errors.As(err, &problems), errors.As(err, &validation), errors.As(err, &file), errors.Is(err, adapter.ErrOption),
		errors.Is(err, minidb.ErrLimit), errors.Is(err, minidb.ErrTypeChange), errors.Is(err, minidb.ErrInUse),
		errors.Is(err, minidb.ErrVersionRequired), errors.Is(err, minidb.ErrRuleOfRows):
		return CodeInvalid
	case errors.As(err, &archive):
		return CodeInvalidArchive
	case errors.As(err, &locked):
		return CodeRowLocked
	case errors.As(err, &loss):
		return CodeLoss
	case errors.As(err, &reverted):
		return CodeRevertConflict
	case errors.As(err, &impact):
		return CodeBreaks
	case errors.As(err, &cut):
		return CodeHistoryCut
	case errors.As(err, &conflict), errors.As(err, &version), errors.As(err, &rowVersion):
		return CodeConflict
	case errors.As(err, &budget):
		return CodeBudget
	}
	for _, c := range []struct {
		err  error
		code string
	}{
		{ErrNoPrincipal, CodeUnauthenticated}, {ErrNotFound, CodeNotFound}, {rewrite.ErrNoTable, CodeNotFound},
		{ErrForbidden, CodeForbidden}, {ErrRevoked, CodeForbidden}, {ErrCursor, CodeInvalidCursor}, {ErrHost, CodeHostNotAllowed},
		{ErrKeyManager, CodeKeyManager}, {ErrSecretUnreadable, CodeSecretUnreadable},
		{minidb.ErrExists, CodeExists}, {minidb.ErrLastOwner, CodeLastOwner}, {minidb.ErrSchemaChanged, CodeSchemaChanged}, {minidb.ErrNoForm, CodeNotFound},
		{ErrArchived, CodeArchived}, {minidb.ErrNotEmpty, CodeNotEmpty}, {lqp.ErrSpill, CodeStorage}, {supervise.ErrBusy, CodeSourceBusy},
		{ErrTooManyJobs, CodeTooManyJobs}, {ErrNothingToUndo, CodeNothingToUndo}, {minidb.ErrSchemaOperation, CodeSchemaOperation}, {adapter.ErrAuth, CodeSourceAuth}, {adapter.ErrDenied, CodeSourceDenied}, {adapter.ErrTimeout, CodeTimeout},
		{adapter.ErrUncertain, CodeOutcomeUnknown}, {adapter.ErrUnavailable, CodeSourceUnavailable}, {adapter.ErrTemporary, CodeSourceBusy}, {adapter.ErrUnsupported, CodeUnsupported},
		{adapter.ErrNoTable, CodeNotFound}, {context.DeadlineExceeded, CodeTimeout}, {context.Canceled, CodeCancelled},
	} {
		if errors.Is(err, c.err) {
			return c.code
		}
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return CodeStorageFull
	}
	if source := (*SourceError)(nil); errors.As(err, &source) {
		return CodeSourceFailed
	}
	return CodeInternal
}
