package livetables_test

import (
	"os"
	"testing"

	"github.com/livetables/livetables/internal/storetest"
)

// The engine reaches the mini-DB in few ways, and package minidb has its whole suite on both databases. What goes each of
// these ways runs on PostgreSQL here too: queries under rules, writes, changes of tables, imports, the log with its chain,
// the past, subscriptions, publications, plans that are kept and guesses by them, and two engines on one database.
func TestMain(m *testing.M) {
	os.Exit(storetest.RunCentral(m, "TestTwoEngines.*", "TestHiddenColumnDoesNotExist", "TestRowRulesAgainstFilteredCopy",
		"TestWritesAreCheckedBeforeAndAfter", "TestCursorBelongsToItsQueryAndReader", "TestSubscriber.*", "TestPublishedView",
		"TestReadersDuringChangeType", "TestDuplicateBase", "TestArchive", "TestLockRow", "TestImportMakesATable", "TestExportIsImportedBack",
		"TestAttack75JobsGoOn", "TestEveryTamperingIsNamed", "TestRewrittenLogIsFound", "TestRevert.*", "TestThePastIsAsItWas", "TestColumnTypes",
		"TestThePastAboveTheFloor", "TestOpenReadsLeaveRoom", "TestKeptPlans.*", "TestARowIsTheSumOfItsParts", "TestRowIsRefusedAsItsTable",
		"TestWritesOfOneTableGoByItsState", "TestFaultsOfLargeBatches", "TestBatchesHaveBounds", "TestMoved.*", "TestWhatWasCutIsRefused", "TestTamperingWithACutLog"))
}
