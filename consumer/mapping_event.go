package consumer

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"mime"
	"strings"
)

// What CloudEvents 1.0 and its Kafka protocol binding call things.
const (
	eventPrefix      = "ce_" // of the attributes in binary mode
	eventContentType = "application/cloudevents"
	eventID          = "id"
	eventVersion     = "specversion"
	eventDataType    = "datacontenttype"
)

// readEvent takes the record for an event: its id becomes the message id, its
// data the payload, datacontenttype the content type, and every other attribute
// but specversion a header. v gets the attributes as headers with ce_ before
// their names, whichever mode it was.
func (msg *Message) readEvent(v *view) *badRecord {
	var attributes map[string]string
	var bad *badRecord
	if media := v.Headers[headerContentType]; strings.HasPrefix(strings.ToLower(media), eventContentType) {
		attributes, bad = msg.structured(v.data, media)
	} else {
		attributes = map[string]string{}
		for name, value := range v.Headers {
			if attribute, ok := strings.CutPrefix(name, eventPrefix); ok {
				attributes[attribute] = value
			}
		}
		attributes[eventDataType] = v.Headers[headerContentType]
		msg.ContentType = v.Headers[headerContentType]
	}
	if bad != nil {
		return bad
	}
	for _, required := range []string{eventVersion, eventID, "source", "type"} {
		if attributes[required] == "" {
			return &badRecord{reasonEvent, "not a CloudEvent: there is no " + required}
		}
	}
	if version := attributes[eventVersion]; !strings.HasPrefix(version, "1.") {
		return &badRecord{reasonEvent, fmt.Sprintf("CloudEvents %q is not version 1", version)}
	}
	msg.MessageID = attributes[eventID]
	for name, value := range attributes {
		switch name {
		case eventID, eventVersion, eventDataType:
		default:
			msg.setHeader(name, value)
		}
		v.Headers[eventPrefix+name] = value
	}
	return nil
}

// structured reads an event that is JSON as a whole.
func (msg *Message) structured(data []byte, media string) (map[string]string, *badRecord) {
	if kind, _, err := mime.ParseMediaType(media); err != nil || kind != eventContentType+"+json" {
		return nil, &badRecord{reasonEvent, fmt.Sprintf("%q: of structured events only single ones in JSON are read", media)}
	}
	var event map[string]json.RawMessage
	if err := json.Unmarshal(data, &event); err != nil || event == nil {
		return nil, &badRecord{reasonEvent, "the event is not a JSON object"}
	}
	attributes := map[string]string{}
	for name, raw := range event {
		if name == "data" || name == "data_base64" || string(raw) == "null" {
			continue
		}
		value, ok := scalar(raw)
		if !ok {
			return nil, &badRecord{reasonEvent, fmt.Sprintf("the event's attribute %q is not a text, a number or a truth value", name)}
		}
		attributes[name] = fmt.Sprint(value)
	}
	msg.ContentType = attributes[eventDataType]
	return attributes, msg.structuredData(event)
}

func (msg *Message) structuredData(event map[string]json.RawMessage) *badRecord {
	msg.Data = event["data"]
	if encoded, ok := event["data_base64"]; ok {
		var text string
		if err := json.Unmarshal(encoded, &text); err != nil {
			return &badRecord{reasonEvent, "data_base64 is not a text"}
		}
		decoded, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return &badRecord{reasonEvent, "data_base64 is not base64"}
		}
		msg.Data = decoded
		return nil
	}
	if msg.Data == nil && isJSON(msg.ContentType) {
		msg.Data = []byte("null") // an event without data
	}
	// Data that is not JSON stands in the event as a JSON text.
	if len(msg.Data) > 0 && msg.Data[0] == '"' && !isJSON(msg.ContentType) {
		var text string
		if err := json.Unmarshal(msg.Data, &text); err != nil {
			return &badRecord{reasonEvent, "data is not a text"}
		}
		msg.Data = []byte(text)
	}
	return nil
}

// isJSON as CloudEvents has it: without a content type, data is JSON.
func isJSON(contentType string) bool {
	if contentType == "" {
		return true
	}
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && (strings.HasSuffix(kind, "/json") || strings.HasSuffix(kind, "+json"))
}
