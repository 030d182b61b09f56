package mongodb

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
)

func rawDecimal(d bson.Decimal128) raw {
	high, low := d.GetBytes()
	data := binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, low), high)
	return raw{bson.TypeDecimal128, data}
}

// Decimals that are read by their bits are those that the driver reads.
func TestShortDecimals(t *testing.T) {
	for text, short := range map[string]bool{
		"0": true, "-0": true, "0.00": true, "12.50": true, "-0.0000000001": true, "999999999999999999": true, "-999999999999999999E-10": true,
		"1000000000000000000": false, "0.00000000001": false, "1E+3": false, "NaN": false, "Infinity": false, "-Infinity": false,
		"9999999999999999999999999999999999": false, "1E-6176": false, "9.999E+6144": false,
	} {
		d, err := bson.ParseDecimal128(text)
		require.NoError(t, err)
		got, ok := rawDecimal(d).shortDecimal()
		require.Equal(t, short, ok, text)
		if ok {
			want, err := lqp.ParseDecimal(d.String())
			require.NoError(t, err)
			require.Equal(t, want, got, text)
		}
	}
	seed := testseed.Of(t)
	r := rand.New(rand.NewPCG(seed, 0))
	agree := 0
	for range 50_000 {
		high := r.Uint64()
		if r.IntN(4) > 0 { // near the usual exponents, without upper digits
			high = high&decimalSign | uint64(decimalBias+2-r.IntN(14))<<decimalExponent
		}
		d := bson.NewDecimal128(high, r.Uint64()>>r.IntN(64))
		got, ok := rawDecimal(d).shortDecimal()
		if !ok {
			continue
		}
		agree++
		want, err := lqp.ParseDecimal(d.String())
		require.NoError(t, err, "seed %d, %s", seed, d)
		require.Equal(t, want, got, fmt.Sprintf("seed %d, %s", seed, d))
	}
	require.Greater(t, agree, 1000)
}
