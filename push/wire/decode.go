package wire

import (
	"bytes"
	"unicode/utf8"
)

// Decode reads one client frame. The error is a *RequestError, for a frame that
//   - is not one JSON object in valid UTF-8, or is nested deeper than 128 levels;
//   - has no type, or one that is not a string;
//   - lacks a field that its type needs, or has a wrong value in one that its type uses.
//
// Of a key that comes twice the last value counts; keys are case-sensitive; null stands for a field that is absent,
// except in data. Unknown fields, and those that the type does not use, are ignored whatever they hold. A type that is
// not known is no error.
func Decode(p []byte) (Request, error) {
	var f fields
	if err := scanFrame(p, &f); err != nil {
		return Request{}, &RequestError{ID: f.readableID(), Message: err.Error(), Malformed: true}
	}
	r, err := f.request()
	if err != nil {
		return Request{}, &RequestError{ID: f.readableID(), Message: err.Error()}
	}
	return r, nil
}

// scanFrame checks that p is one JSON object and collects its members.
func scanFrame(p []byte, f *fields) error {
	i := skipSpace(p, 0)
	if i == len(p) || p[i] != '{' {
		return errSyntax
	}
	end, err := scanObject(p, i, 1, f)
	if err != nil {
		return err
	}
	if skipSpace(p, end) != len(p) {
		return errSyntax
	}
	if !utf8.Valid(p) {
		return errUTF8
	}
	return nil
}

// request reads the fields that the type uses.
func (f *fields) request() (r Request, err error) {
	if r.Type, err = f.readType(); err != nil {
		return r, err
	}
	switch r.Type {
	case TypeAck:
		r.ID = f.readableID()
		err = f.ack(&r)
	case TypeAuth:
		err = f.auth(&r)
	case TypeSubscribe:
		err = f.subscribe(&r)
	case TypeUnsubscribe:
		err = f.unsubscribe(&r)
	case TypePublish:
		err = f.publish(&r)
	case TypePing:
		r.ID, err = f.readID()
	default:
		r.ID = f.readableID()
	}
	return r, err
}

func (f *fields) ack(r *Request) (err error) {
	if r.Channel, err = readChannel(f.channel); err != nil {
		return err
	}
	if absent(f.seq) {
		return errMissing("seq")
	}
	seq, ok := readWhole(f.seq, MaxSeq)
	if !ok {
		return errSeq
	}
	r.Seq = seq
	return nil
}

func (f *fields) auth(r *Request) (err error) {
	if r.ID, err = f.readID(); err != nil {
		return err
	}
	r.Token, err = readRequired(f.token, "token", MaxToken)
	return err
}

func (f *fields) subscribe(r *Request) (err error) {
	if r.ID, err = f.readID(); err != nil {
		return err
	}
	if r.Channel, err = readChannel(f.channel); err != nil {
		return err
	}
	if !absent(f.durable) {
		durable, err := readBool(f.durable, "durable")
		if err != nil {
			return err
		}
		r.Durable = &durable
	}
	if r.From, err = readFrom(f.from); err != nil {
		return err
	}
	if r.Epoch, err = readOptional(f.epoch, "epoch", MaxEpoch); err != nil {
		return err
	}
	r.Window, err = readWindow(f.window)
	return err
}

func (f *fields) unsubscribe(r *Request) (err error) {
	if r.ID, err = f.readID(); err != nil {
		return err
	}
	if r.Channel, err = readChannel(f.channel); err != nil {
		return err
	}
	r.Forget, err = readBool(f.forget, "forget")
	return err
}

func (f *fields) publish(r *Request) (err error) {
	if r.ID, err = f.readID(); err != nil {
		return err
	}
	if r.Channel, err = readChannel(f.channel); err != nil {
		return err
	}
	if f.data == nil {
		return errMissing("data")
	}
	r.Data = bytes.Clone(f.data)
	r.MessageID, err = readOptional(f.messageID, "messageId", MaxMessageID)
	return err
}
