package auth

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTicketIsWhatIsRead: what a ticket is written as is what [Service.Readmit] reads.
func TestTicketIsWhatIsRead(t *testing.T) {
	for _, who := range []Identity{
		{}, {SessionID: "ses_1"}, {SessionID: "ses_1", epoch: 7}, {epoch: -3}, {Key: "tok_1", keyPrefix: "lt_abc"}, {SessionID: `"\` + "\n", Key: "é", keyPrefix: "x", epoch: 1 << 40},
	} {
		var got ticket
		require.NoError(t, json.Unmarshal([]byte(who.Ticket()), &got), who.Ticket())
		require.Equal(t, ticket{Session: who.SessionID, Epoch: who.epoch, Key: who.Key, Prefix: who.keyPrefix}, got)
	}
}
