package lqp

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// rowCatalogue are the row functions that the language promises, in the order of its description. NOW, TODAY and
// CURRENT_USER are parameters of the plan and no functions; those of the record are RecordFunctions.
const rowCatalogue = `
add sub mul div mod power neg concat eq ne lt le gt ge
if ifs switch and or not xor true false blank is_blank is_empty is_null coalesce zn in between
abs sign round roundup rounddown trunc int ceiling floor mround mod quotient even odd power sqrt exp ln log10 log pi
sum average product min max median count counta countall
concat concatenate left right mid len find search contains starts_with ends_with icontains exact substitute replace rept
trim upper lower fold proper reverse pad_left pad_right split_part split char code encode_url_component t
regex_match regex_extract regex_replace join
to_text value to_number to_float to_date to_datetime to_bool
date datetime year month day quarter hour minute second weekday weeknum isoweeknum day_of_year dateadd datetime_diff
date_trunc eomonth days is_before is_after is_same workday workday_diff datetime_format datetime_parse datestr timestr
to_unix from_unix at_zone
has has_any has_all list_count array_join array_unique array_compact array_slice array_sort array_first array_last
array_at array_flatten`

const recordCatalogue = `record_id created_time last_modified_time auto_number created_by`

const aggregateCatalogue = `
sum average min max count counta countall count_unique count_empty count_filled percent_empty percent_filled earliest
latest range median stdev stdevp var varp and or xor checked unchecked array_agg array_unique join first last`

// TestCatalogueHasEveryName compares the tables with the promise, both ways.
func TestCatalogueHasEveryName(t *testing.T) {
	promised := map[string]bool{}
	for _, name := range strings.Fields(rowCatalogue) {
		promised[name] = true
		_, ok := LookupFunction(name)
		require.True(t, ok, name)
	}
	for _, f := range Functions() {
		for _, name := range append([]string{f.Name}, f.Aliases...) {
			require.True(t, promised[name], "%s is in no description of the language", name)
		}
	}
	for _, name := range strings.Fields(recordCatalogue) {
		_, ok := LookupRecordFunction(name)
		require.True(t, ok, name)
	}
	require.Len(t, RecordFunctions(), len(strings.Fields(recordCatalogue)))
	for _, name := range strings.Fields(aggregateCatalogue) {
		_, ok := LookupAggregate(name)
		require.True(t, ok, name)
	}
	require.Len(t, Aggregates(), 30)
}
