package wire

// fields are the members of a frame that some type uses: the JSON of their values as it was sent, nil if they are
// absent. They can be read only after all are known, because the type need not come first.
type fields struct {
	typ, id, channel, durable, from, epoch, window, forget, seq, data, messageID, token []byte
}

// maxEscapedKey is the length of the longest known key, quoted and with each letter escaped: no longer key is known.
const maxEscapedKey = len(`""`) + len(`messageId`)*len(`\u0000`)

// set takes one member, the key still quoted.
func (f *fields) set(key, value []byte) {
	if len(key) > maxEscapedKey {
		return
	}
	key = key[1 : len(key)-1]
	var text [maxEscapedKey]byte
	switch string(appendUnescaped(text[:0], key)) {
	case "type":
		f.typ = value
	case "id":
		f.id = value
	case "channel":
		f.channel = value
	case "durable":
		f.durable = value
	case "from":
		f.from = value
	case "epoch":
		f.epoch = value
	case "window":
		f.window = value
	case "forget":
		f.forget = value
	case "seq":
		f.seq = value
	case "data":
		f.data = value
	case "messageId":
		f.messageID = value
	case "token":
		f.token = value
	}
}

// readType returns the constant for a known type, so that the hot requests allocate nothing for it.
func (f *fields) readType() (string, error) {
	if absent(f.typ) {
		return "", errMissing("type")
	}
	switch string(f.typ) {
	case `"ack"`:
		return TypeAck, nil
	case `"ping"`:
		return TypePing, nil
	case `"publish"`:
		return TypePublish, nil
	}
	text, ok := readString(f.typ)
	if !ok {
		return "", errType
	}
	return text, nil
}

func (f *fields) readID() (ID, error) {
	id := f.readableID()
	if id == "" && !absent(f.id) {
		return "", errID
	}
	return id, nil
}

// readableID is the id, or "" if it is absent or not one.
func (f *fields) readableID() ID {
	if len(f.id) == 0 || len(f.id) > maxID || (f.id[0] != '-' && !isDigit(f.id[0])) {
		return ""
	}
	return ID(f.id)
}
