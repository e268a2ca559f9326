package rpc

import (
	"strconv"

	"pushgate/push/wire"
)

// parseFrom reads where a subscription starts, in the words of the protocol.
func parseFrom(text string) (wire.From, error) {
	switch text {
	case "":
		return wire.From{}, nil
	case "cursor":
		return wire.From{Mode: wire.FromCursor}, nil
	case "new":
		return wire.From{Mode: wire.FromNew}, nil
	case "earliest":
		return wire.From{Mode: wire.FromEarliest}, nil
	}
	// ParseUint takes digits only in base 10: no sign, no space, no underscore.
	seq, err := strconv.ParseUint(text, 10, 64)
	if err != nil || seq > wire.MaxSeq {
		return wire.From{}, invalid("from", `from must be "cursor", "new", "earliest" or a whole number from 0 to %d`, uint64(wire.MaxSeq))
	}
	return wire.From{Mode: wire.FromSeq, Seq: seq}, nil
}
