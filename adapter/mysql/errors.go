package mysql

import (
	"context"
	"database/sql/driver"
	"errors"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/failure"
)

// translate turns a driver error into one of the adapter's, by the server's number. op says what was being done to what.
// The text of the result names neither the server nor its words; the driver's error is wrapped for the log ([errors.As]).
func translate(ctx context.Context, op string, err error) error {
	return failure.Translate(ctx, op, err, sentinel)
}

// sentinel classifies a driver error.
func sentinel(err error) error {
	var my *mysql.MySQLError
	if errors.As(err, &my) {
		if my.Number == 1054 && strings.HasSuffix(my.Message, "in 'ORDER BY'") {
			return adapter.ErrData // MariaDB lost its way in its own rewriting; of a table alone a column is missed elsewhere
		}
		return byNumber(my.Number)
	}
	for _, known := range []error{context.Canceled, context.DeadlineExceeded, adapter.ErrOption, adapter.ErrUnsupported, failure.ErrUnknown} {
		if errors.Is(err, known) {
			return known
		}
	}
	for _, refused := range []error{mysql.ErrCleartextPassword, mysql.ErrNativePassword, mysql.ErrOldPassword, mysql.ErrUnknownPlugin} {
		if errors.Is(err, refused) {
			return adapter.ErrAuth
		}
	}
	// No answer in the protocol: the network, the TLS handshake or the server itself is to blame.
	if failure.Lost(err) || errors.Is(err, mysql.ErrInvalidConn) || errors.Is(err, driver.ErrBadConn) {
		return failure.Temporary(adapter.ErrUnavailable)
	}
	return adapter.ErrUnavailable
}

// numbers are the servers' error numbers; some have only one of the two. A data error is one after which the engine runs
// the query in memory.
var numbers = map[uint16]error{
	1045: adapter.ErrAuth, 1698: adapter.ErrAuth, 1862: adapter.ErrAuth, 3118: adapter.ErrAuth, 3955: adapter.ErrAuth, 4151: adapter.ErrAuth,
	1044: adapter.ErrDenied, 1142: adapter.ErrDenied, 1143: adapter.ErrDenied, 1227: adapter.ErrDenied, 1290: adapter.ErrDenied,
	1370: adapter.ErrDenied, 1410: adapter.ErrDenied, 1792: adapter.ErrDenied, 1836: adapter.ErrDenied, 1356: adapter.ErrDenied,
	1146: adapter.ErrNoTable, 1051: adapter.ErrNoTable, 1054: adapter.ErrNoTable, 1109: adapter.ErrNoTable, 1412: adapter.ErrNoTable,
	3024: adapter.ErrTimeout, 1969: adapter.ErrTimeout, 1028: adapter.ErrTimeout, 1205: adapter.ErrTimeout, 3699: adapter.ErrTimeout,
	1264: adapter.ErrData, 1292: adapter.ErrData, 1365: adapter.ErrData, 1366: adapter.ErrData, 1411: adapter.ErrData, 1690: adapter.ErrData,
	1139: adapter.ErrData, 1367: adapter.ErrData, 1406: adapter.ErrData, 1416: adapter.ErrData, 1425: adapter.ErrData, 1426: adapter.ErrData,
	1441: adapter.ErrData, 1525: adapter.ErrData, 1300: adapter.ErrData, 1301: adapter.ErrData, 3141: adapter.ErrData, 3140: adapter.ErrData, 3854: adapter.ErrData,
	1022: adapter.ErrConstraint, 1048: adapter.ErrConstraint, 1062: adapter.ErrConstraint, 1169: adapter.ErrConstraint, 1216: adapter.ErrConstraint,
	1217: adapter.ErrConstraint, 1364: adapter.ErrConstraint, 1451: adapter.ErrConstraint, 1452: adapter.ErrConstraint, 1557: adapter.ErrConstraint,
	1586: adapter.ErrConstraint, 1761: adapter.ErrConstraint, 1762: adapter.ErrConstraint, 3819: adapter.ErrConstraint, 4025: adapter.ErrConstraint,
	1390: adapter.ErrData, // more than 65535 parameters
	1235: adapter.ErrUnsupported,
	1042: adapter.ErrUnavailable, 1049: adapter.ErrUnavailable, 1129: adapter.ErrUnavailable,
	1130: adapter.ErrUnavailable, 1203: adapter.ErrUnavailable, 1226: adapter.ErrUnavailable, 1317: adapter.ErrUnavailable,
	1037: adapter.ErrUnavailable, 1038: adapter.ErrUnavailable, 1041: adapter.ErrUnavailable, 1114: adapter.ErrUnavailable, 1461: adapter.ErrUnavailable,
	4031: adapter.ErrUnavailable,
}

func byNumber(n uint16) error {
	switch n {
	case 1213: // chosen as the victim of a deadlock
		return adapter.ErrTemporary
	case 1040, 1053, 1927, 1152, 1158, 1159, 1160, 1161, 3168, 3169: // full, going down, the connection cut or killed
		return failure.Temporary(adapter.ErrUnavailable)
	}
	if known, ok := numbers[n]; ok {
		return known
	}
	return failure.ErrUnknown
}
