package postgres

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/livetables/livetables/adapter/internal/decodetest"
	"github.com/livetables/livetables/lqp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// FuzzDecode gives every codec any bytes: a server's bytes are hostile. Both ways of reading agree and make valid JSON of
// the right kind.
func FuzzDecode(f *testing.F) {
	f.Add(uint8(numericCodec), false, []byte{0, 1, 0, 0, 0, 0, 0, 0, 0, 5})
	f.Add(uint8(numericCodec), false, []byte{0, 0, 0x80, 0, 0x40, 0, 0, 0})
	f.Add(uint8(textCodec), false, []byte("a\x00\xff"))
	f.Add(uint8(jsonbCodec), false, []byte("\x01{\"a\":1}"))
	f.Add(uint8(int4Codec), true, []byte{0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 23, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 7})
	for _, odd := range [][]byte{ // more elements, digits or dimensions than there are bytes
		{0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 23, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 1}, {0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 23},
		{0xff, 0xff, 0, 0, 0, 0, 0, 0}, {0, 1, 0x7f, 0xff, 0, 0, 0, 0, 0, 1}, {0, 1, 0x80, 0, 0, 0, 0x7f, 0xff, 0, 1}, {0, 0, 0xc0, 0, 0, 0, 0, 0},
		{0x7f, 0xf8, 0, 0, 0, 0, 0, 1}, {0x80, 0, 0, 0, 0, 0, 0, 0}, {0x7f, 0xff, 0xff, 0xff}, {2, '{', '}'}, {},
	} {
		for c := range uint8(bytesCodec + 1) {
			f.Add(c, false, odd)
			f.Add(c, true, odd)
		}
	}
	f.Add(uint8(textCodec), true, []byte{0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 25, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, c uint8, list bool, b []byte) {
		col := column{codec: codec(c % uint8(bytesCodec+1)), list: list, zone: time.UTC}
		var v lqp.Value
		var got []byte
		took := decodetest.Allocated(func() { v, got = col.value(b), col.appendJSON(nil, b) })
		require.Less(t, took, decodetest.Decoding(len(b)))
		require.Equal(t, string(v.AppendJSON(nil)), string(got))
		require.True(t, json.Valid(got) && utf8.Valid(got), "%q", got)
		switch {
		case v.IsNull():
		case list:
			require.Equal(t, lqp.List, v.Kind())
		default:
			require.Equal(t, col.codec.kind(), v.Kind())
		}
	})
}

// encodeNumeric is the binary format of digits·10000^(weight…), the inverse of numeric.
func encodeNumeric(negative bool, weight int, groups []uint16) []byte {
	sign := uint16(numericPositive)
	if negative {
		sign = numericNegative
	}
	b := binary.BigEndian.AppendUint16(nil, uint16(len(groups)))
	b = binary.BigEndian.AppendUint16(b, uint16(int16(weight)))
	b = binary.BigEndian.AppendUint16(b, sign)
	b = binary.BigEndian.AppendUint16(b, 0)
	for _, g := range groups {
		b = binary.BigEndian.AppendUint16(b, g)
	}
	return b
}

// TestNumeric compares the decoder with the text of the same number.
func TestNumeric(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		negative := rapid.Bool().Draw(t, "negative")
		weight := rapid.IntRange(-6, 6).Draw(t, "weight")
		groups := rapid.SliceOfN(rapid.OneOf(rapid.Uint16Range(0, 9999), rapid.SampledFrom([]uint16{0, 5, 50, 4999, 5000, 9999})), 0, 12).Draw(t, "groups")
		text := "0"
		for i := 0; i <= weight; i++ {
			text += group(groups, i)
		}
		text += "."
		for i := min(weight+1, 0); i < len(groups); i++ {
			if i > weight {
				text += group(groups, i)
			}
		}
		if weight < -1 {
			text = "0."
			for range -weight - 1 {
				text += "0000"
			}
			for i := range groups {
				text += group(groups, i)
			}
		}
		text += "0"
		if negative {
			text = "-" + text
		}
		want, err := lqp.ParseDecimal(text)
		got, ok := numeric(encodeNumeric(negative, weight, groups))
		require.Equal(t, err == nil, ok, text)
		if ok {
			require.Equal(t, want.String(), got.String(), text)
		}
	})
}

func group(groups []uint16, i int) string {
	if i < 0 || i >= len(groups) {
		return "0000"
	}
	return fmt.Sprintf("%04d", groups[i])
}

func TestCellsDoNotAllocate(t *testing.T) {
	cells := []struct {
		codec codec
		bytes []byte
	}{
		{boolCodec, []byte{1}}, {int8Codec, []byte{0, 0, 0, 0, 0, 0, 1, 0}}, {float8Codec, []byte{0x40, 9, 0x21, 0xfb, 0x54, 0x44, 0x2d, 0x18}},
		{numericCodec, encodeNumeric(true, 2, []uint16{12, 3456, 7890, 1200})}, {textCodec, []byte("a \"text\" with é\n")},
		{uuidCodec, make([]byte, 16)}, {dateCodec, []byte{0, 0, 1, 0}}, {instantCodec, []byte{0, 2, 0, 0, 0, 0, 1, 0}},
		{jsonbCodec, []byte("\x01{\"a\": [1, 2]}")}, {bytesCodec, []byte{1, 2, 3}},
	}
	dst := make([]byte, 0, 1024)
	for _, c := range cells {
		col := column{codec: c.codec, zone: time.UTC}
		// The least of some tries: goroutines of other tests may be at their end, and the race detector empties pools now and then.
		least := math.Inf(1)
		for range 20 {
			least = min(least, testing.AllocsPerRun(5, func() { dst = col.appendJSON(dst[:0], c.bytes) }))
		}
		require.Zero(t, least, c.codec)
	}
}
