package consumer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"pushgate/consumer/broker"
)

// view is what a channel's template sees of a record.
type view struct {
	Topic, Key string
	// Headers by their names; of several with one name the last. The attributes
	// of a CloudEvent are among them, as ce_subject, in both modes.
	Headers map[string]string
	Item    string // of the list that ForEach names

	data   []byte
	fields map[string]json.RawMessage
	json   map[string]any
	bad    *badRecord // why fields could not be had
}

func headersOf(r broker.Record) map[string]string {
	headers := make(map[string]string, len(r.Headers))
	for _, h := range r.Headers {
		headers[h.Name] = string(h.Value)
	}
	return headers
}

var errJSON = errors.New("not a JSON object")

// JSON holds the payload's top-level fields that are a text, a number or a
// truth value. It is called by templates.
func (v *view) JSON() (map[string]any, error) {
	if v.json != nil {
		return v.json, nil
	}
	if v.bad = v.decode(); v.bad != nil {
		return nil, errJSON
	}
	v.json = make(map[string]any, len(v.fields))
	for name, raw := range v.fields {
		if value, ok := scalar(raw); ok {
			v.json[name] = value
		}
	}
	return v.json, nil
}

func (v *view) decode() *badRecord {
	if v.fields != nil {
		return nil
	}
	if err := json.Unmarshal(v.data, &v.fields); err != nil || v.fields == nil {
		v.fields = nil
		return &badRecord{reasonJSON, "the payload is not a JSON object"}
	}
	return nil
}

// list answers the items of a top-level list.
func (v *view) list(field string) ([]string, *badRecord) {
	if bad := v.decode(); bad != nil {
		return nil, bad
	}
	var raw []json.RawMessage
	if err := json.Unmarshal(v.fields[field], &raw); err != nil || raw == nil {
		return nil, &badRecord{reasonJSON, fmt.Sprintf("the payload's field %q is not a list", field)}
	}
	items := make([]string, len(raw))
	for i := range raw {
		value, ok := scalar(raw[i])
		if !ok {
			return nil, &badRecord{reasonJSON, fmt.Sprintf("item %d of the payload's field %q is not a text or a number", i, field)}
		}
		items[i] = fmt.Sprint(value)
	}
	return items, nil
}

// scalar decodes a text, a number as it is written, or a truth value.
func scalar(raw json.RawMessage) (any, bool) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, false
	}
	switch value.(type) {
	case string, json.Number, bool:
		return value, true
	default:
		return nil, false
	}
}
